"""Turn-taking in a room under a virtual clock: what tests of it share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from actors.events import Event
from actors.machines.barge_in import BargeInPolicy, Manners
from actors.machines.policy import TurnPolicy
from actors.messages import Transcript
from actors.results import TurnResult
from tests.conversing import Room, conversing, follow
from tests.fakes import FakeEars, said
from voicemode import Conversation, Settings

E = TypeVar("E")
QUANTUM = 0.01
WINDOW = 0.032

STORY = "one two three four. five six seven eight. nine ten eleven twelve."
"""Three seconds of the fake voice; a sentence takes one."""


def mannered(manners: Manners, **policy: Any) -> Settings:
    turn = {name: policy.pop(name) for name in ("interruptible", "no_speech", "rest") if name in policy}
    return Settings(turn=TurnPolicy(barge_in=BargeInPolicy(manners=manners, **policy), **turn))


@define
class Scene:
    """A conversation, its room, and all that has happened; ``at`` are seconds since ``began``."""

    conversation: Conversation
    room: Room
    began: float
    seen: list[Event] = field(factory=list[Event])

    def user_says(self, at: float, seconds: float) -> None:
        self.room.microphone.place(said(seconds), self.began + at)

    async def until(self, at: float) -> None:
        await trio.sleep_until(self.began + at)

    @property
    def now(self) -> float:
        return trio.current_time() - self.began

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.seen if isinstance(event, kind)]

    def only(self, kind: type[E]) -> E:
        [event] = self.all(kind)
        return event

    async def doing(
        self, turn: Callable[[], Awaitable[TurnResult]], *then: tuple[float, Callable[[], object]]
    ) -> TurnResult:
        """The result of ``turn``, with buttons pressed at their times."""
        results: list[TurnResult] = []

        async def take() -> None:
            results.append(await turn())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            for at, press in then:
                await self.until(at)
                press()
        return results[0]


@asynccontextmanager
async def scene(settings: Settings | None = None, **parts: Any) -> AsyncGenerator[Scene]:
    room = Room()
    async with (
        conversing(room, settings=settings or Settings(), **parts) as conversation,
        trio.open_nursery() as nursery,
    ):
        found = Scene(conversation, room, trio.current_time())
        nursery.start_soon(follow, conversation, found.seen)
        await wait_all_tasks_blocked()
        found.began = trio.current_time()
        yield found
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


def levels(room: Room, step: float = QUANTUM) -> list[tuple[float, int]]:
    """When the speaker's level changed to what: the loudest sample in each ``step``, gaps between words left out."""
    loudest: dict[int, int] = {}
    for at, pcm, rate in room.played:
        for index, sample in enumerate(memoryview(pcm).cast("h")):
            place = int((at + index / rate) / step)
            loudest[place] = max(loudest.get(place, 0), abs(sample))
    return [(place * step, level) for place, level in sorted(loudest.items()) if level]


def loud_seconds(room: Room, level: int = 8_000) -> float:
    """How long the voice was heard at its full level."""
    return sum(sum(abs(sample) == level for sample in memoryview(pcm).cast("h")) / rate for _, pcm, rate in room.played)


class LiveEars(FakeEars):
    """Takes sound while it comes; ``given`` are (when, bytes) of each utterance, ``asked`` those whose end was waited
    for."""

    name = "live ears"

    def __init__(self, *texts: str, wait: float = 0.0) -> None:
        super().__init__(*texts, wait=wait)
        self.given: list[list[tuple[float, bytes]]] = []
        self.open = self.finished = 0

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[LiveHearing]:
        self.open += 1
        self.given.append([])
        try:
            yield LiveHearing(self, self.given[-1], rate, phrases, partial)
        finally:
            self.open -= 1


class LiveHearing:
    def __init__(
        self,
        ears: LiveEars,
        given: list[tuple[float, bytes]],
        rate: int,
        phrases: Sequence[str],
        partial: Callable[[str], None] | None,
    ) -> None:
        self._ears, self._given, self._rate, self._phrases, self._partial = ears, given, rate, phrases, partial

    def write(self, pcm: bytes) -> None:
        self._given.append((trio.current_time(), pcm))
        if self._partial is not None:
            self._partial("so far")

    async def finish(self) -> Transcript:
        self._ears.finished += 1
        pcm = b"".join(part for _, part in self._given)
        return await self._ears.transcribe(pcm, self._rate, phrases=self._phrases)
