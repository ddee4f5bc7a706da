"""What the benchmarks put in place of people and engines, so that only our own time is left to measure.

The engines answer at once and keep the time it took them; the room and the speaker keep what happened in them and when.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar, cast

import trio
from attrs import frozen

from actors.errors import DeviceLost
from actors.events import Event
from actors.messages import Synthesis, Transcript
from actors.ports import Playback
from voicemode.audio.files import Sound, read_audio
from voicemode.audio.level import level_of
from voicemode.audio.virtual_microphone import MicrophoneStream, VirtualMicrophone
from voicemode.audio.virtual_speaker import Sink, VirtualSpeaker

CLIPS = Path(__file__).parent.parent / "tests" / "audio"
LISTENING_RATE = 16_000
STRETCH = 0.05
"""Seconds of audio that the instant voice delivers at a time."""

E = TypeVar("E", bound=Event)


def human_voice(name: str = "lj001-0008.wav", *, seconds: float | None = None) -> Sound:
    """A recorded voice at the rate of the listeners, from where it becomes loud, and only ``seconds`` of it."""
    sound = read_audio(CLIPS / name, LISTENING_RATE)
    samples = array("h", sound.pcm)
    first = next(index for index, sample in enumerate(samples) if abs(sample) > 1_000)
    last = len(samples) if seconds is None else first + round(seconds * LISTENING_RATE)
    return Sound(pcm=samples[first:last].tobytes(), rate=LISTENING_RATE)


class InstantVoice:
    """Says every text as ``seconds`` of a constant ``level``, which tells one turn's samples from another's."""

    name = "instant voice"
    rate = LISTENING_RATE

    def __init__(self, seconds: float) -> None:
        self.seconds, self.level = seconds, 1_000
        self.took = 0.0

    @asynccontextmanager
    async def speak(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        asked = trio.current_time()
        send, receive = trio.open_memory_channel[Synthesis](math.inf)
        pcm = array("h", [self.level] * round(STRETCH * self.rate)).tobytes()
        with receive:
            with send:
                for _ in range(round(self.seconds / STRETCH)):
                    send.send_nowait(Synthesis(pcm=pcm, rate=self.rate))
            self.took = trio.current_time() - asked
            await trio.lowlevel.checkpoint()
            yield receive


class InstantEars:
    """Understands the same thing every time."""

    name = "instant ears"

    def __init__(self) -> None:
        self.asked = self.answered = 0.0

    async def transcribe(
        self,
        pcm: bytes,
        rate: int,
        *,
        phrases: Sequence[str] = (),
    ) -> Transcript:
        self.asked = trio.current_time()
        await trio.lowlevel.checkpoint()
        self.answered = trio.current_time()
        return Transcript(text="yes", engine=self.name, seconds=self.answered - self.asked)


class LoudnessModel:
    """A speech model without a network, for virtual time: what is louder than −40 dBFS is speech."""

    rate, window = LISTENING_RATE, 512

    def stream(self) -> LoudnessModel:
        return self

    async def probability(self, window: bytes) -> float:
        await trio.lowlevel.checkpoint()
        return float(level_of(window) > -40)


class Room(VirtualMicrophone):
    """Only the newest sound placed is heard, so that the thousandth turn costs no more than the first.

    ``tell`` is called with every event of the conversation as it happens.
    """

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self.opened = 0.0
        self._tell = tell
        self._sounding = VirtualMicrophone()

    def on_open(self, stream: MicrophoneStream) -> None:
        self.opened = stream.opened

    def cue(self, event: Event) -> None:
        self._tell(event)

    def place(self, sound: Sound, at: float) -> None:
        self._sounding = VirtualMicrophone()
        self._sounding.place(sound, at)

    def take(self, first: int, size: int, opened: float, rate: int) -> bytes:
        return self._sounding.take(first, size, opened, rate)


class Cues:
    """The newest event of each kind since ``clear``, with the moment it was told, and waiting for one."""

    def __init__(self) -> None:
        self._seen: dict[type[object], tuple[float, Event]] = {}
        self._changed = trio.Event()

    def tell(self, event: Event) -> None:
        self._seen[type(event)] = trio.current_time(), event
        self._changed.set()
        self._changed = trio.Event()

    def clear(self) -> None:
        self._seen.clear()

    def told(self, kind: type[E]) -> tuple[float, E]:
        """Raises KeyError when there was none."""
        at, event = self._seen[kind]
        return at, cast("E", event)

    async def wait(self, kind: type[E]) -> E:
        while kind not in self._seen:
            await self._changed.wait()
        return self.told(kind)[1]


@frozen
class Played:
    """What left the speaker in one go, at one level; times on the Trio clock."""

    begin: float
    end: float
    level: int


class ObservedSpeaker:
    """A virtual speaker that keeps what left it, and when it was written to and stopped; ``sink`` is told as well."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink
        self.played: list[Played] = []
        self.writes: list[float] = []
        self.stops: list[float] = []

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[Playback]:
        async with VirtualSpeaker(self._heard).open(rate) as playback:
            yield _ObservedPlayback(playback, self)

    def _heard(self, at: float, pcm: bytes, rate: int) -> None:
        if self._sink is not None:
            self._sink(at, pcm, rate)
        samples = array("h", pcm)
        self.played.append(Played(at, at + len(samples) / rate, samples[0]))


class _ObservedPlayback:
    def __init__(self, playback: Playback, speaker: ObservedSpeaker) -> None:
        self.rate = playback.rate
        self._playback, self._speaker = playback, speaker

    async def write(self, pcm: bytes) -> float:
        self._speaker.writes.append(trio.current_time())
        return await self._playback.write(pcm)

    async def drain(self) -> None:
        await self._playback.drain()

    def stop(self) -> None:
        self._playback.stop()
        self._speaker.stops.append(trio.current_time())

    def played(self) -> int:
        return self._playback.played()

    def overlay(self, pcm: bytes) -> None:
        self._playback.overlay(pcm)

    def duck(self, gain: float) -> None:
        self._playback.duck(gain)

    async def lost(self) -> DeviceLost:
        return await self._playback.lost()
