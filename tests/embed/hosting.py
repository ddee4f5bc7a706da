"""A conversation for hosts of any kind: virtual devices in real time, fake engines, and what became of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio

from tests.fakes import FakeEars, FakeVoice
from tests.fakes_speech import LoudnessModel
from voicemode import Settings, TurnPolicy
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_microphone import MicrophoneStream, VirtualMicrophone
from voicemode.audio.virtual_speaker import VirtualPlayback, VirtualSpeaker

TEXT = Settings(text=True)

QUICK = Settings(turn=TurnPolicy(no_speech=0.6))
"""Nobody is waited for for long."""

GREETING = "one two three four five six seven eight."
"""Two seconds of the fake voice."""


class HostedPlayback(VirtualPlayback):
    """Tells its speaker when it is written to and stopped."""

    def __init__(self, rate: int, speaker: HostedSpeaker) -> None:
        super().__init__(rate, speaker.left)
        self._speaker = speaker

    async def write(self, pcm: bytes) -> float:
        self._speaker.playing.set()
        return await super().write(pcm)

    def stop(self) -> None:
        super().stop()
        self._speaker.stops += 1
        self._speaker.playing.clear()


class HostedSpeaker(VirtualSpeaker):
    """Knows whether anything is being played, for a host to see."""

    def __init__(self) -> None:
        super().__init__(self.left)
        self.played: list[tuple[float, bytes, int]] = []
        self.playing = threading.Event()
        self.stops = 0

    def left(self, at: float, pcm: bytes, rate: int) -> None:
        self.played.append((at, pcm, rate))

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[VirtualPlayback]:
        await trio.lowlevel.checkpoint()
        playback = HostedPlayback(rate, self)
        try:
            yield playback
        finally:
            playback.close()

    def gaps(self) -> list[float]:
        """Seconds in which there was nothing to play between the first sample and the last."""
        ends = [at + len(pcm) / 2 / rate for at, pcm, rate in self.played]
        begins = [at for at, _, _ in self.played]
        return [begin - end for end, begin in zip(ends, begins[1:], strict=False) if begin - end > 1e-6]


class TalkingMicrophone(VirtualMicrophone):
    """Somebody says ``sound`` so many seconds after it opens, at each of ``openings``."""

    def __init__(self, sound: Any = None, after: float = 0.0) -> None:
        super().__init__()
        self._sound, self._after = sound, after

    def on_open(self, stream: MicrophoneStream) -> None:
        if self._sound is not None:
            self.place(self._sound, stream.opened + self._after)


class Hosted:
    """What to open a conversation with, and what becomes of it."""

    def __init__(self, **parts: Any) -> None:
        self.microphone = parts.pop("microphone", None) or TalkingMicrophone()
        self.speaker = HostedSpeaker()
        self.parts: dict[str, Any] = {
            "settings": QUICK,
            "microphone": self.microphone,
            "speaker": self.speaker,
            "tts": FakeVoice(),
            "stt": FakeEars(),
            "vad": LoudnessModel(),
            "store": MemoryStore(),
        } | parts

    @property
    def quiet(self) -> bool:
        """Whether the speaker is silent and the microphone closed."""
        return not self.speaker.playing.is_set() and not self.microphone.is_open


async def until(condition: Callable[[], bool]) -> None:
    """In asyncio: wait for what nobody tells."""
    while not condition():  # noqa: ASYNC110  what the engine's thread does sets no event of this loop
        await asyncio.sleep(0.001)


def engines_at_work() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "voicemode engine"]
