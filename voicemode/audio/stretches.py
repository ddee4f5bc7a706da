"""Brings speech to the device's rate: samples written in, stretches out that know how many of those they stand for."""

from __future__ import annotations

from attrs import define

from actors.messages import SAMPLE_BYTES

from .resampler import StreamResampler


@define
class Stretch:
    """Audio at the device's rate, and how many of the samples written it stands for."""

    pcm: bytes
    written: int

    @property
    def samples(self) -> int:
        return len(self.pcm) // SAMPLE_BYTES

    def cut(self, samples: int) -> tuple[Stretch, Stretch]:
        written = self.written * samples // self.samples
        cut = SAMPLE_BYTES * samples
        return Stretch(self.pcm[:cut], written), Stretch(self.pcm[cut:], self.written - written)


class Conversion:
    """Samples written in, stretches out.  What the resampler holds back is accounted for when it comes out."""

    def __init__(self, rate: int, device_rate: int) -> None:
        self._rate, self._device_rate = rate, device_rate
        self.drop()

    def drop(self) -> None:
        """Forget what is held back."""
        self._resampler: StreamResampler | None = None
        self._written = self._accounted = self._made = 0

    def convert(self, pcm: bytes) -> Stretch:
        written = len(pcm) // SAMPLE_BYTES
        if self._rate == self._device_rate:
            return Stretch(pcm, written)
        if self._resampler is None:
            self._resampler = StreamResampler(self._rate, self._device_rate)
        self._written += written
        converted = self._resampler.convert(pcm)
        self._made += len(converted) // SAMPLE_BYTES
        due = min(self._written, self._made * self._rate // self._device_rate)
        return self._accounting(converted, due)

    def finish(self) -> Stretch:
        """What is held back, and the account squared."""
        rest = b"" if self._resampler is None else self._resampler.convert(b"", last=True)
        stretch = self._accounting(rest, self._written)
        self.drop()
        return stretch

    def _accounting(self, converted: bytes, due: int) -> Stretch:
        stretch = Stretch(converted, due - self._accounted)
        self._accounted = due
        return stretch
