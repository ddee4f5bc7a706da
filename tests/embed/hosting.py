"""A conversation for hosts of any kind: virtual devices in real time, fake engines, and what became of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

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


class HostedSpeaker(VirtualSpeaker):
    """Knows whether anything is being played, for a host to see."""

    def __init__(self) -> None:
        super().__init__(self._sink)
        self.played: list[tuple[float, bytes, int]] = []
        self.playing = threading.Event()
        self.stops = 0

    def _sink(self, at: float, pcm: bytes, rate: int) -> None:
        self.played.append((at, pcm, rate))

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[VirtualPlayback]:
        async with super().open(rate) as playback:
            write, stop = playback.write, playback.stop

            async def written(pcm: bytes) -> float:
                self.playing.set()
                return await write(pcm)

            def stopped() -> None:
                stop()
                self.stops += 1
                self.playing.clear()

            playback.write, playback.stop = written, stopped  # type: ignore[method-assign]
            yield playback

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
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def engines_at_work() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "voicemode engine"]
