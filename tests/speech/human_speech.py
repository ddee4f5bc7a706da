"""The recordings of human speech in tests/audio, and how far a transcript is from what is said in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import soundfile

FOLDER = Path(__file__).parent.parent / "audio"
TRANSCRIPTS = dict(line.split("\t", 1) for line in (FOLDER / "transcripts.tsv").read_text().splitlines() if line)


class Recording(NamedTuple):
    pcm: bytes
    rate: int
    said: str


def recording(name: str) -> Recording:
    samples, rate = soundfile.read(FOLDER / name, dtype="int16")
    return Recording(samples.astype("<i2").tobytes(), rate, TRANSCRIPTS[name])


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower().replace("-", " "))


def word_errors(said: str, heard: str) -> int:
    """Words to change, add or take away to make one of the other."""
    row = list(range(len(words(heard)) + 1))
    for count, word in enumerate(words(said), 1):
        before, row[0] = row[:], count
        for at, other in enumerate(words(heard), 1):
            row[at] = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (word != other))
    return row[-1]
