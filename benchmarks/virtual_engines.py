"""Engines for virtual time: the real voice detector without its thread, and a recogniser whose slowness is calculated.

Under Trio's ``MockClock`` a thread takes no time and the clock runs away from it, so whatever is real is called in the
task itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from attrs import define, field, frozen

from actors.messages import SAMPLE_BYTES, Transcript
from voicemode.speech.silero import SileroModel, SileroStream


class InlineModel:
    """Implements ``SpeechModel`` with ``model``; judging takes no virtual time."""

    rate, window = SileroModel.rate, SileroModel.window

    def __init__(self, model: SileroModel) -> None:
        self._model = model

    def stream(self) -> InlineStream:
        return InlineStream(self._model.stream())


class InlineStream:
    def __init__(self, stream: SileroStream) -> None:
        self._stream = stream

    async def probability(self, window: bytes) -> float:
        await trio.lowlevel.checkpoint()
        return self._stream.probability_now(window)


@frozen
class Slowness:
    """Seconds a recogniser takes, and how many more for each second of sound."""

    least: float
    share: float = 0.0

    def of(self, seconds: float) -> float:
        return self.least + self.share * seconds


@define
class CalculatedEars:
    """Implements ``SpeechToText``: understands what ``text`` says there is to hear when it is asked, and answers late.

    ``asked`` has the seconds of sound of every request, also of those that were dropped.
    """

    text: Callable[[], str]
    slowness: Slowness
    asked: list[float] = field(factory=list[float])
    name: str = "calculated ears"

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        seconds = len(pcm) / SAMPLE_BYTES / rate
        self.asked.append(seconds)
        text, begun = self.text(), trio.current_time()
        await trio.sleep(self.slowness.of(seconds))
        return Transcript(text=text, engine=self.name, seconds=trio.current_time() - begun)
