"""A conversation as a bystander hears it: what the user said and what left the speaker in, two channels out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from attrs import field, frozen

from actors.messages import seconds_of

from ..audio.file_errors import explaining
from ..audio.files import Sound, resampled
from ..audio.wav_writer import WavWriter


@frozen(kw_only=True)
class Recording:
    """Both sides on one clock: signed 16-bit little-endian samples, as many of one as of the other.

    ``began`` is when the first sample sounded, in seconds on the Trio clock; ``rate`` is the assistant's.
    """

    began: float
    rate: int
    user: bytes = field(repr=False)
    assistant: bytes = field(repr=False)

    @property
    def seconds(self) -> float:
        return seconds_of(self.assistant, self.rate)

    def write(self, path: Path) -> None:
        """Write a stereo WAV file, the user left and the assistant right.  Blocks.  Raises AudioFileError."""
        both = np.stack([np.frombuffer(self.user, "<i2"), np.frombuffer(self.assistant, "<i2")], axis=1)
        writer = WavWriter(path, self.rate, channels=2)
        try:
            writer.write(both.tobytes())
        finally:
            writer.close()


class Tape:
    """Runs while the conversation does; its ``add`` is the speaker's sink."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._played: list[tuple[float, Sound]] = []

    def add(self, at: float, pcm: bytes, rate: int) -> None:
        self._played.append((at, Sound(pcm=pcm, rate=rate)))

    def recording(self, said: Iterable[tuple[float, Sound]], *, began: float, ended: float) -> Recording:
        """What sounded between ``began`` and ``ended``; the user ``said`` sounds at moments of the Trio clock.

        Takes about 1 ms for each second that has to be resampled.
        """
        length = round((ended - began) * self._rate)
        return Recording(
            began=began,
            rate=self._rate,
            user=self._channel(said, began, length),
            assistant=self._channel(self._played, began, length),
        )

    def _channel(self, sounds: Iterable[tuple[float, Sound]], began: float, length: int) -> bytes:
        mix = np.zeros(length, np.int32)
        for at, sound in sounds:
            samples = np.frombuffer(resampled(sound, self._rate).pcm, "<i2")
            offset = round((at - began) * self._rate)
            begin, end = max(offset, 0), min(offset + len(samples), length)
            if begin < end:
                mix[begin:end] += samples[begin - offset : end - offset]
        return np.clip(mix, -32768, 32767).astype("<i2").tobytes()


def check_writable(path: Path) -> None:
    """Find out now whether a recording can be written to ``path`` later; leaves what is there as it is.

    Raises AudioFileError.
    """
    with explaining(path, "written"):
        new = not path.exists()
        path.open("ab").close()
        if new:
            path.unlink()
