"""Turns to judge by.  In: sentences in stretches, and a seed.  Out: sound in which somebody stops to think, goes on,
and is done at a moment that is known to the sample.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from math import log

import numpy as np
from attrs import frozen

from .recordings import CUTS, FRAME, RATE, Samples, Sentence, Stretch, clip

MEDIAN, SPREAD, SHORTEST, LONGEST = 0.6, 0.6, 0.3, 2.0
"""Seconds of a pause for thought: log-normal with this median and deviation of the logarithm, within these bounds."""

STOPS = 0.6
"""How likely a speaker stops where they may."""

BEFORE, AFTER = 0.4, 3.5
"""Seconds of silence round a turn."""

FADE = FRAME // 2
BABBLING = 5
"""Voices in the babble."""


@frozen(kw_only=True)
class Setting:
    """``noise`` in the room, ``snr`` decibels below the voice, and all of it ``level`` decibels below full scale at
    its peak."""

    noise: str = ""
    snr: float = 0.0
    level: float = -6.0

    def __str__(self) -> str:
        return f"{self.noise} {self.snr:g} dB" if self.noise else f"quiet room, {self.level:g} dB"


SETTINGS = (
    Setting(),
    Setting(noise="white", snr=20),
    Setting(noise="white", snr=10),
    Setting(noise="babble", snr=20),
    Setting(level=-20),
)
CROWD = Setting(noise="babble", snr=10)
"""Where Silero hears voices all the time: no silence of this speaker is to be seen."""


@frozen(kw_only=True)
class Turn:
    """``pcm`` at 16 kHz; ``end`` is when the last word is over and ``pauses`` what was put in, in seconds; ``said`` has
    what is said in one go, and when that is over."""

    name: str
    source: str
    speaker: str
    setting: Setting
    said: tuple[tuple[float, str], ...]
    pcm: bytes
    end: float
    pauses: tuple[float, ...]

    def text_until(self, at: float) -> str:
        """All words that are over ``at`` seconds into the sound, without a sign."""
        return re.sub(r"[^\w\s']", "", " ".join(text for end, text in self.said if end <= at))


def turns(
    sentences: Sequence[Sentence], source: str, draws: int, seed: int = 1, settings: Sequence[Setting] = SETTINGS
) -> Iterator[Turn]:
    """Every sentence ``draws`` times, each time in the next of the ``settings``."""
    ahead = cycle(settings)
    for sentence in sentences:
        for draw in range(draws):
            yield one_turn(sentence, source, next(ahead), random.Random(f"{seed} {sentence.name} {draw}"))


def one_turn(sentence: Sentence, source: str, setting: Setting, drawn: random.Random) -> Turn:
    """One way in which ``sentence`` may be said."""
    noise = np.random.default_rng(drawn.getrandbits(32))
    parts: list[Samples] = [_room(noise, BEFORE, sentence.room)]
    pauses: list[float] = []
    said: list[tuple[float, str]] = []
    decay = 0
    for spoken in _runs(sentence.stretches, drawn):
        if len(parts) > 1:
            pauses.append(min(LONGEST, max(SHORTEST, drawn.lognormvariate(log(MEDIAN), SPREAD))))
            parts.append(_room(noise, max(0.0, pauses[-1] - decay / RATE), sentence.room))
        decay = spoken[-1].decay
        parts.append(_faded(np.concatenate([each.samples for each in spoken]), max(FADE, decay // 2)))
        said.append(((sum(map(len, parts)) - decay) / RATE, " ".join(each.text for each in spoken)))
    samples = np.concatenate([*parts, _room(noise, AFTER, sentence.room)])
    return Turn(
        name=sentence.name,
        source=source,
        speaker=sentence.speaker,
        setting=setting,
        said=tuple(said),
        pcm=_recorded(samples, setting, noise, besides=sentence.name),
        end=said[-1][0],
        pauses=tuple(pauses),
    )


def _runs(stretches: Iterable[Stretch], drawn: random.Random) -> list[list[Stretch]]:
    """What is said in one go; two recordings never are."""
    runs: list[list[Stretch]] = []
    for stretch in stretches:
        if not runs or stretch.starts or drawn.random() < STOPS:
            runs.append([])
        runs[-1].append(stretch)
    return runs


def _faded(samples: Samples, out: int) -> Samples:
    faded = samples.copy()
    faded[:FADE] *= np.linspace(0, 1, FADE, dtype=np.float32)
    faded[-out:] *= np.linspace(1, 0, out, dtype=np.float32)
    return faded


def _room(noise: np.random.Generator, seconds: float, level: float) -> Samples:
    return (noise.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def _recorded(samples: Samples, setting: Setting, noise: np.random.Generator, besides: str) -> bytes:
    spoken = samples[np.abs(samples) > 0.01 * np.abs(samples).max()]
    if setting.noise:
        other = (
            _babble(noise, len(samples), besides) if setting.noise == "babble" else noise.standard_normal(len(samples))
        )
        other = other / np.sqrt((other**2).mean()) * np.sqrt((spoken**2).mean()) * 10 ** (-setting.snr / 20)
        samples = samples + other.astype(np.float32)
    samples = samples / np.abs(samples).max() * 10 ** (setting.level / 20)
    return (samples * 32767).round().astype("<i2").tobytes()


def _babble(noise: np.random.Generator, length: int, besides: str) -> np.ndarray:
    """Other recordings than those ``besides``, over and over, from anywhere in them on."""
    others = [name for name in CUTS if name not in besides]
    babble = np.zeros(length)
    for name in noise.choice(others, BABBLING, replace=False):
        voice = clip(str(name))
        voice = np.resize(np.roll(voice, int(noise.integers(len(voice)))), length)
        babble += voice / np.sqrt((voice**2).mean())
    return babble
