"""A talk from its first to its last word.  In: an agent, the keys, signals.  Out: what happens, to a view and a tally.

An answer or an engine that fails is shown and the talk goes on; devices that fail for good, engines that fail before
anything was said, and failures one after the other end it.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

import trio
from attrs import frozen

from actors.errors import ProviderError, VoiceError
from actors.events import Event
from actors.ports import Agent

from .. import Conversation, Settings, open_conversation
from .keys import pressed_keys
from .signals import heeding_signals
from .talk_agent import AgentChoice
from .tally import TalkSummary, Tally

FAILURES = 3
"""So many in a row end the talk: what has failed three times needs somebody to look at it."""

LEAVE = 2.0
"""Seconds a turn may take to end when the talk is to."""


@frozen
class Notice:
    """A line that an agent's program wrote on its standard error, or what became of settings that were read again."""

    text: str
    who: str = "agent"


Shown: TypeAlias = Event | VoiceError | Notice


class View(Protocol):
    """The talk is shown inside ``showing()``; inside ``aside()`` others have the terminal meanwhile."""

    def showing(self) -> AbstractContextManager[object]: ...

    def aside(self) -> AbstractContextManager[None]: ...

    async def follow(self, events: AsyncIterable[Shown]) -> None: ...

    def close(self, summary: TalkSummary) -> None: ...


class Talk:
    """``reread`` is given the settings of the talk and gives those that are configured now, in a thread."""

    def __init__(
        self,
        choice: AgentChoice,
        settings: Settings,
        greeting: str | None,
        view: View,
        reread: Callable[[Settings], Settings] | None = None,
    ) -> None:
        self.tally = Tally()
        self._reread = reread
        self._choice, self._settings, self._greeting, self._view = choice, settings, greeting, view
        self._show, self.shown = trio.open_memory_channel[Shown](math.inf)
        self._scope = trio.CancelScope()
        self._error: VoiceError | None = None

    async def hold(self) -> int | None:
        """Return when somebody ends it, with the signal if it was one.

        Raises Stopped for a signal before it began or while it ends, and the VoiceError it could not go on with.
        """
        async with heeding_signals() as signals:
            with self._view.showing():
                async with trio.open_nursery() as viewing:
                    viewing.start_soon(self._view.follow, self.shown)
                    with self._show:
                        async with (
                            pressed_keys(self._view.aside) as keys,
                            self._choice.running(lambda line: self._show.send_nowait(Notice(line))) as agent,
                            open_conversation(self._settings) as conversation,
                            trio.open_nursery() as nursery,
                        ):
                            viewing.start_soon(self._watch, conversation.events(), self._show.clone())
                            nursery.start_soon(self._heed, keys, conversation)
                            signals.stop = lambda: self._stop(conversation)
                            await self.go_on(conversation, agent)
                            nursery.cancel_scope.cancel("the talk is over")
        return signals.received

    async def _watch(self, events: AsyncIterable[Event], show: trio.MemorySendChannel[Shown]) -> None:
        with show:
            async for event in events:
                self.tally.take(event)
                show.send_nowait(event)

    async def _heed(self, keys: trio.MemoryReceiveChannel[str], conversation: Conversation) -> None:
        async for key in keys:
            match key.lower():
                case "m":
                    conversation.mute(not conversation.muted)
                case "\n" | "\r":
                    conversation.end_turn()
                case " " | "i":
                    conversation.interrupt()
                case "p" if conversation.status().held:
                    conversation.resume()
                case "p":
                    conversation.pause()
                case "left" | ",":
                    conversation.skip_back()
                case "right" | ".":
                    conversation.skip_forward()
                case "r":
                    await self.read_again(conversation)
                case "q":
                    self._stop(conversation)
                case _:
                    pass

    async def read_again(self, conversation: Conversation) -> None:
        """What is configured now counts from the next turn on; what cannot is told, and so is what is wrong with it."""
        if self._reread is None:
            return
        try:
            settings = await trio.to_thread.run_sync(self._reread, conversation.settings)
        except VoiceError as error:
            self._show.send_nowait(error)
            return
        fixed = conversation.reconfigure(settings)
        later = f"; for the next talk alone: {', '.join(fixed)}" if fixed else ""
        self._show.send_nowait(Notice(f"read again{later}", who="settings"))

    def _stop(self, conversation: Conversation) -> None:
        """Ask the turn to end; one that is not running at this moment, or does not end, is cancelled."""
        conversation.stop()
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + LEAVE)

    async def go_on(self, conversation: Conversation, agent: Agent) -> None:
        """Talk until somebody ends it or too much has failed.  Raises the VoiceError that ended it."""

        def failed(error: VoiceError) -> None:
            self._agent_failed(conversation, error)

        greeting = self._greeting
        with self._scope:
            while True:
                try:
                    await conversation.talk(agent, greeting=greeting, on_error=failed)
                    break
                except ProviderError as error:
                    self.tally.turn_failed()
                    nothing_said = self.tally.empty and error.recording is None
                    if nothing_said or self.tally.failures >= FAILURES:
                        raise
                    self._show.send_nowait(error)
                greeting = None
        if self._error is not None:
            raise self._error

    def _agent_failed(self, conversation: Conversation, error: VoiceError) -> None:
        """What it had said before is the answer."""
        self.tally.agent_failed()
        if self.tally.failures < FAILURES:
            self._show.send_nowait(error)
        else:
            self._error = error
            self._stop(conversation)
