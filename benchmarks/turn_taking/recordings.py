"""Human sentences, cut where their speakers might have stopped to think.  In: the recordings of the tests and what is
said in them.  Out: the stretches of every sentence, with their words.

Where a word ends is found by forced alignment with pocketsphinx; the cut is the quietest moment near it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from string import digits
from typing import Any

import numpy as np
import pocketsphinx
from attrs import frozen
from numpy.typing import NDArray

from voicemode.audio.files import read_audio

RATE = 16_000
FRAME = RATE // 100
CLIPS = Path(__file__).parents[2] / "tests" / "audio"

Samples = NDArray[np.float32]
"""Full scale is 1."""

CUTS = {
    "lj001-0002": "in being | comparatively modern",
    "lj001-0004": "produced the block books | which were the immediate predecessors | of the true printed book",
    "lj001-0006": "and | it is worth mention in passing | that | as an example of fine typography",
    "lj001-0008": "has never been surpassed",
    "lj001-0013": "than in the same operations | with ugly ones",
    "librivox-0870": "and mister john dashwood had then | leisure to consider | how much there might be | "
    "prudently in his power | to do for them",
    "librivox-0880": "he was not an ill disposed young man",
    "librivox-0890": "unless | to be rather cold hearted | and rather selfish | is to be ill disposed",
}
"""Where somebody who thinks while they speak might stop."""

SENTENCES = (
    ("lj001-0002",),
    ("lj001-0004", "lj001-0002"),
    ("lj001-0006", "lj001-0008"),
    ("lj001-0008",),
    ("lj001-0013",),
    ("librivox-0870",),
    ("librivox-0880",),
    ("librivox-0890",),
    ("librivox-0880", "librivox-0890"),
    ("librivox-0870", "librivox-0880"),
)
"""Turns, by their recordings.  What ends with a comma is never the end of one; the last two go on after a sentence."""

NEAR = 0.05
"""Seconds round the end of a word in which the quietest moment is looked for."""

AUDIBLE = -35.0
"""Decibels below the loud parts of a recording from which on a frame is speech."""

DECAY = 0.08
"""Seconds of a recording that are kept after its last frame of speech, so that it dies away."""


@frozen(kw_only=True)
class Stretch:
    """``starts``: nothing was said right before it in the recording.  Its last ``decay`` samples hold no speech."""

    samples: Samples
    text: str
    starts: bool
    decay: int = 0


@frozen(kw_only=True)
class Sentence:
    """``room`` is the level of the silence in the recording, as a fraction of full scale."""

    name: str
    speaker: str
    stretches: tuple[Stretch, ...]
    room: float


def human_sentences() -> list[Sentence]:
    """All of ``SENTENCES``, always the same."""
    return [
        Sentence(
            name="+".join(names),
            speaker=_speaker(names[0]),
            stretches=tuple(stretch for name in names for stretch in _stretches(name)),
            room=_room(_speaker(names[0])),
        )
        for names in SENTENCES
    ]


@cache
def clip(name: str) -> Samples:
    """The speech of a recording, without the silence round it."""
    samples = _read(name)
    first, last = audible(samples)
    return samples[first:last]


@cache
def _read(name: str) -> Samples:
    sound = read_audio(CLIPS / f"{name}.wav", RATE)
    return np.frombuffer(sound.pcm, "<i2").astype(np.float32) / np.float32(32768)


def _speaker(name: str) -> str:
    return name.partition("-")[0].rstrip(digits)


def audible(samples: Samples) -> tuple[int, int]:
    """The first sample of speech in ``samples``, and the one after the last."""
    levels = _levels(samples)
    loud = np.flatnonzero(levels > np.percentile(levels, 95) + AUDIBLE)
    return int(loud[0]) * FRAME, (int(loud[-1]) + 1) * FRAME


def _levels(samples: Samples) -> NDArray[np.float64]:
    """Decibels of every frame."""
    whole = samples[: len(samples) // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME)
    decibels: NDArray[np.float64] = 10 * np.log10((whole**2).mean(axis=1) + 1e-10)
    return decibels


@cache
def _room(speaker: str) -> float:
    """The quietest that is in this speaker's recordings."""
    quiet = min(float(np.percentile(_levels(_read(name)), 2)) for name in CUTS if _speaker(name) == speaker)
    return float(10 ** (quiet / 20))


@cache
def _stretches(name: str) -> tuple[Stretch, ...]:
    samples, texts = clip(name), [part.strip() for part in CUTS[name].split("|")]
    words = " ".join(texts).split()
    ends = _word_ends(samples, words)
    marks = [0]
    counted = 0
    for text in texts[:-1]:
        counted += len(text.split())
        marks.append(_quietest(samples, ends[counted - 1]))
    _, last = audible(_read(name))
    tail = _read(name)[last : last + round(DECAY * RATE)]
    marks.append(len(samples) + len(tail))
    whole = np.concatenate([samples, tail])
    return tuple(
        Stretch(samples=whole[begin:end], text=text, starts=not begin, decay=len(tail) if end == len(whole) else 0)
        for text, begin, end in zip(texts, marks, marks[1:], strict=False)
    )


def _word_ends(samples: Samples, words: list[str]) -> list[int]:
    """The last sample of each word, but of the last word the end of all."""
    decoder = _aligner()
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw((samples * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    segments = [segment for segment in decoder.seg() if not segment.word.startswith(("<", "["))]
    found = [re.sub(r"\(\d+\)$", "", segment.word) for segment in segments]
    if found != words:
        raise RuntimeError(f"pocketsphinx aligned {found}, not {words}")
    return [(segment.end_frame + 1) * FRAME for segment in segments]


@cache
def _aligner() -> Any:
    model = pocketsphinx.get_model_path("en-us")
    return pocketsphinx.Decoder(
        hmm=f"{model}/en-us", lm=None, dict=f"{model}/cmudict-en-us.dict", samprate=RATE, loglevel="FATAL"
    )


def _quietest(samples: Samples, near: int) -> int:
    begin, end = max(0, near - round(NEAR * RATE)), min(len(samples), near + round(NEAR * RATE))
    power = np.convolve(samples[begin:end].astype(np.float64) ** 2, np.ones(FRAME), "same")
    return begin + int(power.argmin())
