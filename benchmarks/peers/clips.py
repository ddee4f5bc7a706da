"""What the users of the contest say: the tests' human recordings in, files of sound with their words' places out."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from voicemode.audio.files import read_audio

from .world import QUANTUM, RATE

RECORDINGS = Path(__file__).parents[2] / "tests" / "audio"
SILENT = 330
"""−40 dB of full scale: what is softer is no voice."""


@frozen
class Spoken:
    """Human speech from its first sample above −40 dB of full scale to the last, and its words."""

    name: str
    samples: NDArray[np.int16]
    words: tuple[str, ...]

    def places(self) -> list[list[Any]]:
        """[word, sample] at which a stretch of sound stands for the word: the loudest 10 ms of its share.

        Words are taken to be of one length, so that they are in the right order and somewhere near; a stand-in for a
        recogniser needs no more.
        """
        voiced = np.flatnonzero(np.abs(self.samples) > SILENT)
        share = len(voiced) / len(self.words)
        places: list[list[Any]] = []
        for index, word in enumerate(self.words):
            begin, end = voiced[int(index * share)], voiced[int((index + 1) * share) - 1]
            starts = range(begin, max(begin + 1, end - QUANTUM), QUANTUM // 4)
            best = max(starts, key=lambda at: int(np.abs(self.samples[at : at + QUANTUM].astype(int)).sum()))
            places.append([word, int(best)])
        return places

    def with_pause(self, seconds: float) -> Spoken:
        """The softest place in the middle half becomes a pause: all of its silence together is ``seconds`` long."""
        window = round(0.03 * RATE)
        power = np.convolve(self.samples.astype(float) ** 2, np.ones(window), "same")
        quarter = len(power) // 4
        middle = quarter + int(power[quarter : 3 * quarter].argmin())
        loud = np.flatnonzero(np.abs(self.samples) > SILENT)
        before, after = loud[loud <= middle][-1] + 1, loud[loud > middle][0]
        silence = np.zeros(round(seconds * RATE), np.int16)
        return Spoken(self.name, np.concatenate([self.samples[:before], silence, self.samples[after:]]), self.words)

    def write(self, folder: Path) -> dict[str, Any]:
        """A clip for a job; ``folder`` is made where it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}-{len(self.samples)}.pcm"
        path.write_bytes(array("h", self.samples.tolist()).tobytes())
        return {"path": str(path), "words": self.places()}


def spoken(name: str) -> Spoken:
    lines = (RECORDINGS / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
    text = dict(line.split("\t") for line in lines)[f"{name}.wav"]
    samples = np.frombuffer(read_audio(RECORDINGS / f"{name}.wav", RATE).pcm, "<i2")
    loud = np.flatnonzero(np.abs(samples) > SILENT)
    return Spoken(name, samples[loud[0] : loud[-1] + 1], tuple(text.split()))
