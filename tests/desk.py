"""A person and an assistant at a desk with virtual devices.

In: what each of them says.  Out: what became of it at the other's end, judged sample by sample.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import trio
from attrs import define, field, frozen
from numpy.typing import NDArray

from actors.events import Event
from actors.messages import Synthesis, Transcript
from actors.ports import SpeechModel, SpeechToText, TextToSpeech, UtteranceStore
from tests.virtual_audio import MICROPHONE_INPUT, VirtualAudio
from voicemode import Conversation, Settings, open_conversation
from voicemode.audio.files import read_audio
from voicemode.audio.portaudio_microphone import PortAudioMicrophone
from voicemode.audio.portaudio_speaker import PortAudioPlayback, PortAudioSpeaker
from voicemode.audio.store import MemoryStore

SETTINGS = Settings(microphone="portaudio:", speaker="portaudio:", echo="off", chimes=False)
"""What is played has to be the voice alone, and the microphone cannot hear it."""

Samples = NDArray[np.int16]
E = TypeVar("E", bound=Event)


class KeptVoice:
    """Keeps what its engine makes, all of it as soon as it is made; ``begin`` forgets it."""

    def __init__(self, engine: TextToSpeech) -> None:
        self.name, self.rate = engine.name, engine.rate
        self._engine = engine
        self.begin()

    def begin(self) -> None:
        self._pcm = bytearray()
        self.made = trio.Event()
        """The first piece has been made to its end."""

    @property
    def samples(self) -> Samples:
        return np.frombuffer(bytes(self._pcm), "<i2").astype(np.int16)

    @property
    def seconds(self) -> float:
        return len(self._pcm) / (2 * self.rate)

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](math.inf)
        async with self._engine.speak(text, voice=voice, speed=speed) as audio, trio.open_nursery() as nursery:
            nursery.start_soon(self._pass_on, audio, send)
            with receive:
                yield receive
            nursery.cancel_scope.cancel("whoever listened is done")

    async def _pass_on(
        self, audio: trio.MemoryReceiveChannel[Synthesis], send: trio.MemorySendChannel[Synthesis]
    ) -> None:
        with send:
            async for part in audio:
                self._pcm += part.pcm
                send.send_nowait(part)
        self.made.set()


class QuickEars:
    """Hears "yes" at once, whatever is said."""

    name = "quick ears"

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        await trio.lowlevel.checkpoint()
        return Transcript(text="yes", engine=self.name, seconds=0.0)


class WatchedSpeaker(PortAudioSpeaker):
    """Remembers its openings."""

    def __init__(self, device: str | int | None = None) -> None:
        super().__init__(device)
        self.openings: list[PortAudioPlayback] = []

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[PortAudioPlayback]:
        async with super().open(rate) as playback:
            self.openings.append(playback)
            yield playback

    @property
    def underruns(self) -> int:
        return sum(playback.underruns for playback in self.openings)


class Log:
    """Everything that happened in a conversation, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = trio.Event()

    async def follow(
        self, conversation: Conversation, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        events = conversation.events()
        task_status.started()
        async for event in events:
            self.events.append(event)
            self._changed.set()
            self._changed = trio.Event()

    def all(self, kind: type[E], since: float = -math.inf) -> list[E]:
        # of TextPiece alone nobody knows when it was
        return [event for event in self.events if isinstance(event, kind) and getattr(event, "at", -math.inf) >= since]

    async def first(self, kind: type[E], since: float = -math.inf) -> E:
        """The first of its kind, from ``since`` on, which may have happened already."""
        while not (found := self.all(kind, since)):
            await self._changed.wait()
        return found[0]


class Mouth:
    """The user's: a stream into the microphone that is there all the time, so that a word is heard 20 ms later."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process

    async def say(self, pcm: bytes) -> float:
        """Say it, and return when it was begun.  It has to last a third of a second."""
        assert self._process.stdin is not None
        begun = trio.current_time()
        await self._process.stdin.send_all(pcm)
        return begun


@asynccontextmanager
async def mouth(audio: VirtualAudio, into: str = MICROPHONE_INPUT) -> AsyncGenerator[Mouth]:
    # all of what is said is handed over at once, and 0.3 s of it are more than a busy machine keeps the server waiting
    options = [f"--device={into}", "--latency-msec=300", f"--rate={audio.rate}", "--channels=1", "--format=s16le"]
    process = await trio.lowlevel.open_process(
        ["pacat", "--playback", *options], env=audio.env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield Mouth(process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


@define
class Desk:
    audio: VirtualAudio
    conversation: Conversation
    voice: KeptVoice
    microphone: PortAudioMicrophone
    speaker: WatchedSpeaker
    log: Log = field(factory=Log)


@asynccontextmanager
async def at_desk(
    audio: VirtualAudio,
    tts: TextToSpeech,
    *,
    settings: Settings = SETTINGS,
    stt: SpeechToText | None = None,
    vad: SpeechModel | None = None,
    store: UtteranceStore | None = None,
    microphone: str | None = None,
    speaker: str | None = None,
) -> AsyncGenerator[Desk]:
    """A conversation through ``audio``, to which PortAudio has been led already; devices by name, or the defaults."""
    voice, ear, loudspeaker = KeptVoice(tts), PortAudioMicrophone(microphone), WatchedSpeaker(speaker)
    async with (
        open_conversation(
            settings,
            microphone=ear,
            speaker=loudspeaker,
            tts=voice,
            stt=stt or QuickEars(),
            vad=vad,
            store=store or MemoryStore(),
        ) as conversation,
        trio.open_nursery() as nursery,
    ):
        desk = Desk(audio, conversation, voice, ear, loudspeaker)
        await nursery.start(desk.log.follow, conversation)
        yield desk
        nursery.cancel_scope.cancel("the conversation is over")


@frozen
class Difference:
    """In samples: what is missing of the original, what stands there and is not in it, and how much is missing at the
    very beginning."""

    lost: int = 0
    extra: int = 0
    head: int = 0


def difference(original: Samples, heard: Samples) -> Difference:
    """What became of ``original``.  Silence before and after both does not count."""
    original, heard = np.trim_zeros(original), np.trim_zeros(heard)
    shorter = min(len(original), len(heard))
    prefix = _equal(original[:shorter], heard[:shorter])
    suffix = min(shorter - prefix, _equal(original[::-1][:shorter], heard[::-1][:shorter]))
    lost = len(original) - prefix - suffix
    return Difference(lost, len(heard) - prefix - suffix, 0 if prefix else lost)


def _equal(one: Samples, other: Samples) -> int:
    """How many samples are the same until the first that is not."""
    different = np.flatnonzero(one != other)
    return int(different[0]) if len(different) else len(one)


def spans(recording: Samples, rate: int, gap: float = 0.45) -> list[tuple[int, int]]:
    """Begin and end of what was said in one go, with less than ``gap`` seconds of silence in it."""
    sounding = np.flatnonzero(recording)
    if not len(sounding):
        return []
    breaks = np.flatnonzero(np.diff(sounding) > gap * rate)
    begins = [sounding[0], *sounding[breaks + 1]]
    ends = [*sounding[breaks], sounding[-1]]
    return [(int(begin), int(end) + 1) for begin, end in zip(begins, ends, strict=True)]


def human_voice(name: str = "lj001-0008.wav") -> Samples:
    """A recorded voice at 16 kHz, from its first loud sample to its last: a missing head or tail shows."""
    samples = np.frombuffer(read_audio(Path(__file__).parent / "audio" / name, 16_000).pcm, "<i2").astype(np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 1_000)
    return samples[loud[0] : loud[-1] + 1]
