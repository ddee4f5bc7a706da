"""What it costs to have the engine in a host's process, and what becomes of the sound when the host blocks its loop.

Every way in does the same work: Trio, asyncio with the engine in its thread, asyncio with it as a guest, plain code.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import trio
from attrs import define, field
from report import Budget, Figure, Findings, figure, run
from stand_ins import InstantEars, InstantVoice, ObservedSpeaker, Room, human_voice

import voicemode
import voicemode.aio
import voicemode.sync
from actors.events import BargedIn, Event
from actors.machines.barge_in import BargeInPolicy
from actors.messages import Message, SpeakingStarted, Synthesis
from voicemode import Settings, TurnPolicy
from voicemode.aio.waiting import settled
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_microphone import NullMicrophone
from voicemode.audio.virtual_speaker import NullSpeaker
from voicemode.embed.switching import SOON
from voicemode.sync.host import Host

MILLI = 1_000
BLOCKED = 1.0
"""Seconds for which the host blocks its loop, again and again."""

USER = 0.6
"""Seconds of the user's voice, enough to be an interruption."""

BY_VOICE = Settings(turn=TurnPolicy(barge_in=BargeInPolicy(manners="interrupt", duck=1.0)))
"""So that the decision is what silences the assistant, and nothing has made it quieter before."""

ROUNDING = 1e-6

ANSWER = "Yes. And so on."
"""A sentence that is whole as soon as it is there."""

TEXT = Settings(text=True)


async def nothing(_: object) -> None:
    await trio.lowlevel.checkpoint()


async def calls(times: int, *, guest: bool) -> tuple[list[float], list[float]]:
    """Milliseconds that a coroutine in the engine takes a host, and a button."""
    waited, pressed = list[float](), list[float]()
    async with voicemode.aio.open_conversation(TEXT, guest=guest) as conversation:
        session = conversation._session
        for _ in range(times):
            begun = time.perf_counter()
            await settled(session.call(nothing).outcome, lambda: None)
            waited.append(MILLI * (time.perf_counter() - begun))
            begun = time.perf_counter()
            conversation.interrupt()
            pressed.append(MILLI * (time.perf_counter() - begun))
            # a host has something else to do, and the engine comes to rest
            await asyncio.sleep(0.001)
    return waited, pressed


def plain_calls(times: int) -> list[float]:
    waited = list[float]()
    with voicemode.sync.open_conversation(TEXT) as conversation:
        session = conversation._session
        for _ in range(times):
            begun = time.perf_counter()
            Host().settled(session.call(nothing).outcome, lambda: None)
            waited.append(MILLI * (time.perf_counter() - begun))
            time.sleep(0.001)
    return waited


class Asked(InstantVoice):
    """Notes when it is asked, on a clock that all threads have."""

    def __init__(self) -> None:
        super().__init__(0.05)
        self.at = list[float]()

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        self.at.append(time.perf_counter())
        async with super().speak(text, voice=voice, speed=speed) as channel:
            yield channel


class Answers:
    """Agents that note when they give their first text."""

    def __init__(self) -> None:
        self.given = 0.0

    async def stream(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        self.given = time.perf_counter()
        yield ANSWER

    def generator(self, transcript: str, history: Sequence[Message]) -> Iterator[str]:
        self.given = time.perf_counter()
        yield ANSWER


def first_texts(times: int, way: str) -> list[float]:
    """Milliseconds from an agent's first text to the engine that is to say it."""
    voice, answers, took = Asked(), Answers(), list[float]()
    parts: dict[str, Any] = {
        "microphone": NullMicrophone(),
        "speaker": NullSpeaker(),
        "tts": voice,
        "stt": InstantEars(),
        "store": MemoryStore(),
    }

    def note() -> None:
        took.append(MILLI * (voice.at[0] - answers.given))
        voice.at.clear()

    async def on_trio() -> None:
        async with voicemode.open_conversation(**parts) as conversation:
            for _ in range(times):
                await conversation.say(answers.stream)
                note()

    async def on_asyncio(guest: bool) -> None:
        async with voicemode.aio.open_conversation(guest=guest, **parts) as conversation:
            for _ in range(times):
                await conversation.say(answers.stream)
                note()

    if way == "Trio":
        trio.run(on_trio)
    elif way == "plain":
        with voicemode.sync.open_conversation(**parts) as conversation:
            for _ in range(times):
                conversation.say(answers.generator)
                note()
    else:
        asyncio.run(on_asyncio(way == "guest"))
    return took


@define
class Sound:
    """Milliseconds, one value an interruption: from the decision to silence, from the user's first sample to silence;
    one value each for how often the speaker ran dry before, and for how long."""

    decided: list[float] = field(factory=list[float])
    began: list[float] = field(factory=list[float])
    underruns: list[float] = field(factory=list[float])
    dry: list[float] = field(factory=list[float])


class Stage:
    """An assistant that has much to say, and a user who speaks over it, whatever the host does."""

    def __init__(self) -> None:
        self.voice, self.speaker, self.room = InstantVoice(8.0), ObservedSpeaker(), Room(self._tell)
        self._user = human_voice(seconds=USER)
        self._began = self._decided = 0.0
        self._turns = list[tuple[int, float, float]]()

    def _tell(self, event: Event) -> None:
        """In the engine."""
        if isinstance(event, SpeakingStarted):
            self._began = event.at + random.uniform(0.3, 0.8)
            self.room.place(self._user, self._began)
        elif isinstance(event, BargedIn):
            self._decided = event.at

    async def hold(self, times: int, guest: bool, busy: Callable[[], None] | None) -> None:
        async with voicemode.aio.open_conversation(
            BY_VOICE,
            guest=guest,
            microphone=self.room,
            speaker=self.speaker,
            tts=self.voice,
            stt=InstantEars(),
            store=MemoryStore(),
        ) as conversation:
            for level in range(1_000, 1_000 + times):
                self.voice.level = level
                turn = asyncio.create_task(conversation.converse(agent))
                while not turn.done():
                    # a guest has to come to something between two blocks
                    if busy is not None and (not guest or conversation.status().state == "speaking"):
                        busy()
                    await asyncio.sleep(0.5 if guest else 0.001)
                if (await turn).outcome != "interrupted":
                    raise RuntimeError("the user was not noticed")
                self._turns.append((level, self._began, self._decided))

    def judge(self) -> Sound:
        """When the speaker is closed, and has told all that left it."""
        sound = Sound()
        for level, began, decided in self._turns:
            played = [each for each in self.speaker.played if each.level == level]
            silent = max(each.end for each in played)
            between = [after.begin - before.end for before, after in pairwise(played)]
            gaps = [gap for gap in between if gap > ROUNDING]
            sound.decided.append(MILLI * max(0.0, silent - decided))
            sound.began.append(MILLI * (silent - began))
            sound.underruns.append(float(len(gaps)))
            sound.dry.append(MILLI * sum(gaps))
        return sound


async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
    """It is in the host's loop too."""
    yield "Once upon a time. And then"
    await asyncio.Event().wait()


def sleep() -> None:
    time.sleep(BLOCKED)


def compute() -> None:
    """Python code that never waits, and leaves the interpreter only when it is made to."""
    until = time.perf_counter() + BLOCKED
    while time.perf_counter() < until:
        pass


def sound_while(times: int, guest: bool, busy: Callable[[], None] | None) -> Sound:
    stage = Stage()
    asyncio.run(stage.hold(times, guest, busy))
    return stage.judge()


HOSTS: tuple[tuple[str, bool, Callable[[], None] | None], ...] = (
    ("thread, host free", False, None),
    ("thread, host in time.sleep(1)", False, sleep),
    ("thread, host computes for 1 s", False, compute),
    ("guest, host free", True, None),
    ("guest, host in time.sleep(1), then free for 0.5 s", True, sleep),
)


def measure(smoke: bool) -> Findings:
    times = 20 if smoke else 1_000
    figures = list[Figure]()
    crossing = Budget(at_most=1, statistic="p99")
    for name, guest in (("thread", False), ("guest", True)):
        waited, pressed = asyncio.run(calls(times, guest=guest))
        figures += [
            figure(f"asyncio, {name}: await a call", "ms", waited, crossing),
            figure(f"asyncio, {name}: press a button", "ms", pressed, crossing),
        ]
    figures.append(figure("plain code: a call", "ms", plain_calls(times), crossing))
    for way in ("Trio", "thread", "guest", "plain"):
        took = first_texts(3 if smoke else 100, way)
        figures.append(figure(f"agent's first text → engine, {way}", "ms", took, Budget(at_most=2, statistic="p99")))
    for name, guest, busy in HOSTS:
        sound = sound_while(1 if smoke else 20, guest, busy)
        # a guest stops with its host, and that is what this shows
        held = guest and busy is not None
        figures += [
            # the one turn of a short run says that it runs, and not how busy the machine is
            figure(f"{name}: underruns", "", sound.underruns, None if held or smoke else Budget(at_most=0)),
            figure("  without sound", "ms", sound.dry),
            figure("  decision → silence", "ms", sound.decided, None if held else Budget(at_most=30, statistic="p99")),
            figure("  user's first sample → silence", "ms", sound.began),
        ]
    return Findings(
        figures=tuple(figures),
        notes=(f"Beside the engine's thread, others are changed after {MILLI * SOON:g} ms of computing.",),
    )


def main(arguments: list[str] | None = None) -> int:
    return run("embed", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
