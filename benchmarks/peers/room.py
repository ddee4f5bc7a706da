"""The room both servers are in: a private PulseAudio, what its speaker played, what its user said, who listens when.

Everything is on the Trio clock, and known from outside alone: tapes of both devices, and what the sound server tells of
those who record.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import numpy as np
import trio
from attrs import define, field, frozen
from marked_voice import RATE

from tests.desk import Mouth, mouth
from tests.virtual_audio import MICROPHONE, MICROPHONE_INPUT, SPEAKER, VirtualAudio

from .sounds import LOUD, Said, Samples, place

LATENCY = 10
"""Milliseconds of sound that the devices take, and the tapes get, at a time."""

LISTENING_RATE = 16_000
SEARCHED = 0.4
"""Seconds of a sound by which it is found on a tape."""

ALIKE = 0.6
"""From which on what was found is what was looked for."""


@define(eq=False)
class Tape:
    """What a device played, as it comes.

    A device without a sound card takes a block when the block before it is over, so that what it takes is played in the
    time that follows; the block that came soonest says when all of it began.
    """

    rate: int
    _pcm: bytearray = field(factory=bytearray)
    _began: float = float("inf")
    _grew: trio.Event = field(factory=trio.Event)

    def add(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._began = min(self._began, trio.current_time() - self.seconds + LATENCY / 1000)
        self._grew.set()
        self._grew = trio.Event()

    @property
    def seconds(self) -> float:
        return len(self._pcm) / (2 * self.rate)

    def until_now(self, since: float) -> Samples:
        first = 2 * self._sample(since)
        data = bytes(self._pcm[first : len(self._pcm) // 2 * 2])
        return np.frombuffer(data, "<i2").astype(np.int16)

    def between(self, since: float, until: float) -> Samples:
        return self.until_now(since)[: max(0, round((until - since) * self.rate))]

    async def reach(self, at: float) -> None:
        """Wait until everything until then is on it."""
        while not self._pcm or self._began + self.seconds < at:
            await self._grew.wait()

    async def first_sound(self, since: float) -> float:
        """When the first audible sample since then was played."""
        searched = since
        while True:
            loud = np.flatnonzero(np.abs(self.until_now(searched).astype(int)) > LOUD)
            if len(loud):
                return searched + int(loud[0]) / self.rate
            searched = max(searched, self._began + self.seconds)
            await self._grew.wait()

    async def silence(self, since: float, lasting: float) -> float:
        """When the last audible sample was played before the first ``lasting`` seconds of silence from ``since`` on;
        ``since`` when it was silent already."""
        while True:
            loud = np.flatnonzero(np.abs(self.until_now(since).astype(int)) > LOUD)
            ends = [*loud[np.flatnonzero(np.diff(loud) > lasting * self.rate)], *loud[-1:]]
            last = since + (int(ends[0]) + 1) / self.rate if len(ends) else since
            if len(loud) and int(loud[0]) > lasting * self.rate:
                return since
            if self._began + self.seconds > last + lasting:
                return last
            await self._grew.wait()

    def when(self, said: Said | Samples, since: float, until: float) -> float | None:
        """When the first sample of it was played; None when it was not."""
        samples = said.samples if isinstance(said, Said) else said
        first, alike = place(samples[: round(SEARCHED * self.rate)], self.between(since, until))
        return since + first / self.rate if alike > ALIKE else None

    def _sample(self, at: float) -> int:
        return max(0, round((at - self._began) * self.rate))


@frozen
class Opened:
    """A process began to record, or ended it."""

    kind: Literal["new", "remove"]
    process: int
    at: float


@define(eq=False)
class Room:
    audio: VirtualAudio
    speaker: Tape
    microphone: Tape
    mouth: Mouth
    openings: list[Opened] = field(factory=list)
    _changed: trio.Event = field(factory=trio.Event)

    async def opening(self, process: int, kind: Literal["new", "remove"], since: float) -> float:
        """When ``process`` began, or ended, to listen."""
        while True:
            for each in self.openings:
                if (each.kind, each.process) == (kind, process) and each.at >= since:
                    return each.at
            await self._changed.wait()

    def listening(self, process: int) -> bool:
        kinds = [each.kind for each in self.openings if each.process == process]
        return kinds.count("new") > kinds.count("remove")

    async def watch(self) -> None:
        """Until cancelled; who it was is asked when the sound server says that there was something."""
        numbers: dict[int, int] = {}
        async with trio.open_nursery() as nursery:
            watching = await nursery.start(self._start, ["pactl", "subscribe"])
            rest = b""
            async for chunk in watching.stdout:
                now = trio.current_time()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    found = re.search(rb"Event '(new|remove)' on source-output #(\d+)", line)
                    if found is None:
                        continue
                    number = int(found[2])
                    if found[1] == b"new":
                        numbers |= await self._processes()
                        if number in numbers:
                            self._tell(Opened("new", numbers[number], now))
                    elif number in numbers:
                        self._tell(Opened("remove", numbers.pop(number), now))

    def _tell(self, opened: Opened) -> None:
        self.openings.append(opened)
        self._changed.set()
        self._changed = trio.Event()

    async def _processes(self) -> dict[int, int]:
        """Who records from the microphone: numbers of streams, and of processes."""
        streams = await self._pactl("list", "source-outputs")
        sources = [line.split() for line in (await self._pactl("list", "short", "sources")).splitlines()]
        [microphone] = [number for number, name, *_ in sources if name == MICROPHONE]
        found: dict[int, int] = {}
        for entry in re.split(r"^Source Output #", streams, flags=re.MULTILINE)[1:]:
            source = re.search(r"Source: (\d+)", entry)
            process = re.search(r'application\.process\.id = "(\d+)"', entry)
            if source and process and source[1] == microphone:
                found[int(entry.split()[0])] = int(process[1])
        return found

    async def _pactl(self, *words: str) -> str:
        done = await trio.run_process(["pactl", *words], env=self.audio.env, capture_stdout=True)
        return done.stdout.decode()

    async def _start(
        self, command: list[str], *, task_status: trio.TaskStatus[trio.Process] = trio.TASK_STATUS_IGNORED
    ) -> None:
        await trio.run_process(
            command, env=self.audio.env, stdout=subprocess.PIPE, check=False, task_status=task_status
        )

    async def record(self, tape: Tape, device: str) -> None:
        options = [f"--device={device}.monitor", f"--rate={tape.rate}", "--channels=1", "--format=s16le"]
        async with trio.open_nursery() as nursery:
            command = ["pacat", "--record", *options, f"--latency-msec={LATENCY}"]
            recorder = await nursery.start(self._start, command)
            async for chunk in recorder.stdout:
                tape.add(bytes(chunk))


@asynccontextmanager
async def room() -> AsyncGenerator[Room]:
    with VirtualAudio(LISTENING_RATE, RATE) as audio:
        async with mouth(audio) as user, trio.open_nursery() as nursery:
            here = Room(audio, Tape(RATE), Tape(LISTENING_RATE), user)
            nursery.start_soon(here.record, here.speaker, SPEAKER)
            nursery.start_soon(here.record, here.microphone, MICROPHONE_INPUT)
            nursery.start_soon(here.watch)
            await here.speaker.reach(trio.current_time() + 0.1)
            await here.microphone.reach(trio.current_time() + 0.1)
            yield here
            nursery.cancel_scope.cancel("everybody has left")
