"""The one conversation behind all calls: settings in, a conversation that is opened when it is needed and kept open.

A turn runs here and not in the call that asked for it, so that a call may return while the user is still listened to.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, TypeAlias, final

import trio
from attrs import define, field

from actors.errors import VoiceError
from voicemode import Settings

if TYPE_CHECKING:
    from voicemode import Conversation

log = logging.getLogger(__name__)

Take: TypeAlias = "Callable[[Conversation], Awaitable[None]]"

Opener: TypeAlias = "Callable[[Settings], AbstractAsyncContextManager[Conversation]]"

LEAVE = 0.5
"""Seconds that a turn may take to close the microphone and silence the speaker; it takes some 5 ms."""


@final
@define(eq=False)
class Task:
    """What runs in the conversation: ``over`` once it is ``done``, or has an ``error``, or neither, when cancelled."""

    scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    over: trio.Event = field(factory=trio.Event, init=False)
    done: bool = field(default=False, init=False)
    error: VoiceError | None = field(default=None, init=False)

    async def run(self, take: Take, conversation: Conversation) -> None:
        try:
            with self.scope:
                await take(conversation)
                self.done = True
        except VoiceError as error:
            self.error = error
        finally:
            self.over.set()

    async def cancel(self) -> None:
        """Bounded, and also for a caller who is being cancelled."""
        self.scope.cancel("nobody wants it any more")
        with trio.move_on_after(LEAVE, shield=True):
            await self.over.wait()


@define(eq=False)
class _Opening:
    settings: Settings
    ready: trio.Event = field(factory=trio.Event, init=False)
    leave: trio.Event = field(factory=trio.Event, init=False)
    gone: trio.Event = field(factory=trio.Event, init=False)
    conversation: Conversation | None = field(default=None, init=False)
    nursery: trio.Nursery | None = field(default=None, init=False)
    error: VoiceError | None = field(default=None, init=False)


@final
class Voice:
    """``nursery`` holds the conversation; it is opened with the settings of whoever needs it first, by
    ``open_conversation`` unless there is an ``opener``."""

    def __init__(self, nursery: trio.Nursery, opener: Opener | None = None) -> None:
        self._nursery, self._opener = nursery, opener
        self._lock = trio.Lock()
        self._opening: _Opening | None = None

    @property
    def conversation(self) -> Conversation | None:
        """The one that is open."""
        opening = self._opening
        return None if opening is None or opening.gone.is_set() else opening.conversation

    async def open(self, settings: Settings) -> None:
        """Have one open, with these settings if none is; one that is there or coming is left as its call wants it.

        Raises VoiceError when it cannot be had; the next call tries anew.
        """
        async with self._lock:
            if self._opening is not None:
                await self._opening.ready.wait()
            if self.conversation is None:
                await self._open(settings)

    async def open_as(self, settings: Settings) -> None:
        """Have one open with these settings; one with other devices or engines is closed for it.

        Raises VoiceError when it cannot be had; the next call tries anew.
        """
        async with self._lock:
            opening = self._opening
            if opening is not None:
                await opening.ready.wait()
                if opening.conversation is not None and not opening.gone.is_set():
                    if not opening.conversation.reconfigure(settings):
                        return
                    opening.leave.set()
                    await opening.gone.wait()
            await self._open(settings)

    async def _open(self, settings: Settings) -> None:
        opening = self._opening = _Opening(settings)
        self._nursery.start_soon(self._hold, opening)
        await opening.ready.wait()
        if opening.error is not None:
            self._opening = None
            raise opening.error
        if opening.conversation is None:
            raise RuntimeError("a conversation was opened and is not there")

    def start(self, take: Take) -> Task:
        """Begin ``take`` in the conversation that is open.  Raises RuntimeError when none is."""
        opening = self._opening
        if opening is None or opening.nursery is None or opening.conversation is None or opening.gone.is_set():
            raise RuntimeError("no conversation is open")
        task = Task()
        opening.nursery.start_soon(task.run, take, opening.conversation)
        return task

    async def _hold(self, opening: _Opening) -> None:
        try:
            if (opener := self._opener) is None:
                opener = await trio.to_thread.run_sync(_load_opener)
            async with opener(opening.settings) as conversation, trio.open_nursery() as nursery:
                opening.conversation, opening.nursery = conversation, nursery
                opening.ready.set()
                await opening.leave.wait()
                nursery.cancel_scope.cancel("other settings are asked for")
        except VoiceError as error:
            opening.error = error
        except Exception as error:  # whatever is wrong here, the server answers and the next call tries anew
            log.exception("the conversation broke down")
            opening.error = VoiceError(f"The voice broke down ({type(error).__name__}: {error}); its log says where.")
        finally:
            opening.gone.set()
            opening.ready.set()


def _load_opener() -> Opener:
    """Whoever only lists our tools need not wait until engines and devices are imported, a third of a second."""
    from voicemode import open_conversation

    return open_conversation
