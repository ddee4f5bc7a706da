"""The turns of a conversation, one after another.

In: what is to be said, and whether to listen.  Out: one result a turn, and the history that they make.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Sequence
from typing import TypeAlias

import trio
from attrs import evolve

from actors.converse import converse
from actors.errors import SettingsError
from actors.machines.dialogue import Dialogue
from actors.messages import Message, TurnId
from actors.orders import Input, RecorderOrder
from actors.ports import Agent, Words
from actors.request import Outside, Request
from actors.results import Presumed, TurnResult

from .agents import answer
from .groups import unwrapped
from .nesting import Nesting
from .sayable import check_speech
from .settings import Settings, check_speed
from .text import speakable
from .watchers import Watchers

Speech: TypeAlias = str | AsyncIterable[str] | Agent
"""What the assistant says: a text, a stream of text, or an agent that answers what the user said last."""


class Turns:
    """Whoever asks for one while another runs waits for its end.  ``settings`` are those of the next turn, to which
    ``adapt`` has the engines keep.  Chimes are heard if they say so, and if they say nothing when ``chiming``."""

    def __init__(
        self,
        settings: Settings,
        *,
        inbox: trio.MemoryReceiveChannel[Input],
        reports: trio.MemorySendChannel[Input],
        orders: trio.MemorySendChannel[RecorderOrder],
        dialogue: Dialogue,
        outside: Outside,
        watchers: Watchers,
        adapt: Callable[[Settings], None],
        chiming: bool,
    ) -> None:
        self.settings = settings
        self._adapt, self._chiming = adapt, chiming
        self._inbox, self._reports, self._orders = inbox, reports, orders
        self._dialogue, self._outside, self._watchers = dialogue, outside, watchers
        self.nesting = Nesting()
        self._floor = trio.Lock()
        self._count = 0
        self._history: list[Message] = []

    @property
    def history(self) -> tuple[Message, ...]:
        return tuple(self._history)

    async def take(
        self,
        speech: Speech | None,
        *,
        listen: bool,
        overhear: bool = False,
        keep: bool = False,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
        presume: Callable[[Presumed | None], None] | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> TurnResult:
        """Wait for the turn before, and take this one if it is still ``wanted`` then; if not it is ``stopped``.

        The rest is as in ``actors.request.Request``.  Raises SettingsError for what cannot be said or heard,
        RuntimeError where the turn that is running waits for whoever asks, and as ``actors.converse`` does.
        """
        if self._watchers.closed:
            raise SettingsError("This conversation is closed; open another.")
        self.nesting.refuse()
        if speech is not None:
            check_speech(speech, AsyncIterable)
        if isinstance(phrases, str):
            raise SettingsError("The phrases to expect are a list of texts, not a text.")
        if speech is not None and self._outside.tts is None and not self._outside.shown:
            raise SettingsError("This conversation was opened without a speech engine, so it cannot say anything.")
        if (listen or overhear) and self._outside.stt is None and not self._outside.shown:
            raise SettingsError("This conversation was opened without a recogniser, so it cannot listen.")
        if isinstance(speech, str):
            speech = speakable(speech)
        async with self._floor:
            self._count += 1
            if self._dialogue.policy != self.settings.bounds:
                self._dialogue.adopt(self.settings.bounds)
            if not wanted():
                return TurnResult(turn=TurnId(self._count), outcome="stopped")
            request = Request(
                turn=TurnId(self._count),
                words=self._words(speech),
                listen=listen,
                overhear=overhear,
                keep=keep,
                voice=voice or self.settings.voice,
                speed=check_speed(speed) or self.settings.speed,
                phrases=self.settings.phrases if phrases is None else tuple(phrases),
                presume=presume,
                remember=self._remember,
            )
            self._adapt(self.settings)
            with unwrapped():
                return await converse(
                    self._inbox,
                    self._reports,
                    self._orders,
                    request=request,
                    dialogue=self._dialogue,
                    outside=self._present,
                )

    @property
    def _present(self) -> Outside:
        """The outside as the settings have it."""
        chiming = self._chiming if self.settings.chimes is None else self.settings.chimes
        return self._outside if chiming else evolve(self._outside, chimes={})

    def _words(self, speech: Speech | None) -> Words | None:
        if speech is None or isinstance(speech, str):
            return speech
        if isinstance(speech, AsyncIterable):
            return self.nesting.marked(speech)
        *before, last = self._history or [Message(role="user", text="")]
        asked = ("", self.history) if last.role == "assistant" else (last.text, tuple(before))
        return self.nesting.marked(answer(speech, *asked))

    def _remember(self, heard: str, transcript: str) -> None:
        if heard.strip():
            self._history.append(Message(role="assistant", text=heard.strip()))
        if transcript:
            self._history.append(Message(role="user", text=transcript))
