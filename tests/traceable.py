"""Speech of which every stretch of 2 ms says where it belongs, so that a recording tells what was played of it.

The sound is noise of two levels, loud in words and soft between them, with signs that are drawn once: they survive
fades and a voice that is ducked, and 32 of them in a row occur only once.
"""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from actors.messages import SpeechChunk, TextPiece, TurnId, WordTime

LOUD, SOFT = 8_000, 600
SIGNS = 32
HOLE = 4
"""Samples: where a fade begins or ends some have no sign."""

CHANCE = 16
"""Samples."""

SECONDS_PER_CHARACTER = 0.06
PAUSES = 0.0, 0.15
LETTERS = (1, 3), (2, 17), (3, 21), (4, 16), (5, 12), (6, 9), (7, 8), (8, 6), (9, 4), (10, 4)
"""How many words in a hundred are so long, about as in English."""

CHUNK = 0.13

Samples = NDArray[np.int16]


class Story:
    """Sentences of random words.  ``words`` are first and last + 1 sample of each."""

    def __init__(self, dice: random.Random, turn: TurnId, rate: int, *, timed: bool) -> None:
        self.rate, self.turn = rate, turn
        self.words: list[tuple[int, int]] = []
        self.chunks: list[SpeechChunk] = []
        numbers = np.random.default_rng(dice.getrandbits(32))
        sounds: list[Samples] = []
        text = 0
        for index in range(dice.randint(1, 4)):
            begin = sum(map(len, sounds))
            said = ["n" * dice.choices(*zip(*LETTERS, strict=True))[0] for _ in range(dice.randint(1, 8))]
            piece = TextPiece(turn=turn, index=index, start=text, text=" ".join(said) + dice.choice([" ", ". "]))
            text += len(piece.text)
            loudness, times = self._sentence(dice, said, begin)
            sound = (loudness * numbers.choice(np.array([-1, 1], np.int16), len(loudness))).astype(np.int16)
            sounds.append(sound)
            self._cut(piece, sound, times if timed else [])
        self.samples: Samples = np.concatenate(sounds)
        self._signs = Signs(self.samples)

    def _sentence(self, dice: random.Random, said: list[str], begin: int) -> tuple[Samples, list[WordTime]]:
        """How loud every sample is, and when the words are said."""
        pace = SECONDS_PER_CHARACTER * dice.uniform(0.85, 1.15)
        parts, times, at, now = [np.full(round(0.03 * self.rate), SOFT)], list[WordTime](), 0, 0.03
        for word in said:
            first = sum(map(len, parts))
            length = round(pace * (len(word) + 1) * dice.uniform(0.9, 1.1) * self.rate)
            now = first / self.rate
            times.append(WordTime(start=at, end=at + len(word), begin=now, finish=(first + length) / self.rate))
            self.words.append((begin + first, begin + first + length))
            parts += [np.full(length, LOUD), np.full(round(dice.uniform(*PAUSES) ** 2 * self.rate), SOFT)]
            at += len(word) + 1
        return np.concatenate(parts), times

    def _cut(self, piece: TextPiece, sound: Samples, times: list[WordTime]) -> None:
        step = round(CHUNK * self.rate)
        for begin, end in pairwise([*range(0, len(sound), step), len(sound)]):
            words = tuple(time for time in times if begin <= time.begin * self.rate < end)
            pcm = sound[begin:end].astype("<i2").tobytes()
            self.chunks.append(SpeechChunk(turn=self.turn, piece=piece, pcm=pcm, rate=self.rate, words=words))
        self.chunks.append(SpeechChunk(turn=self.turn, piece=piece, pcm=b"", rate=self.rate, last=True))

    def unbroken(self, recording: Samples) -> int:
        """As ``Signs``."""
        return self._signs.unbroken(recording)

    def said(self, samples: int) -> int:
        """How many words are over after so many samples."""
        return sum(end <= samples for _, end in self.words)

    def surely_said(self, samples: int) -> int:
        """The same of samples that ``unbroken`` has counted."""
        return self.said(samples if samples == len(self.samples) else samples - CHANCE)


class Signs:
    """What recognises ``samples``, whose signs were drawn, wherever they are."""

    def __init__(self, samples: Samples) -> None:
        self._count = len(samples)
        codes = _codes(samples)
        self._order = np.argsort(codes, kind="stable")
        self._sorted = codes[self._order]

    def unbroken(self, recording: Samples) -> int:
        """How many samples from the beginning on are in ``recording``, in whatever order and however often.

        It may be up to ``CHANCE`` too many: what follows a cut has the right signs for a while, if rarely for long.
        """
        codes = _codes(recording)
        found = np.searchsorted(self._sorted, codes).clip(0, len(self._sorted) - 1)
        places = self._order[found[self._sorted[found] == codes]]
        ends = np.bincount(places, minlength=self._count) > 0
        # each place is the first of as many samples that are there
        covered = np.zeros(self._count + SIGNS, np.int32)
        np.add.at(covered, np.flatnonzero(ends), 1)
        np.add.at(covered, np.flatnonzero(ends) + SIGNS, -1)
        missing = np.flatnonzero(np.cumsum(covered)[: self._count] == 0)
        # a hole of few samples is the edge of a fade
        holes = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1)
        return next((int(hole[0]) for hole in holes if len(hole) > HOLE), self._count)


def _codes(samples: Samples) -> NDArray[np.uint32]:
    """For every sample the signs of it and those that follow it, in one number."""
    signs = (samples > 0).astype(np.uint32)
    count = max(len(signs) - SIGNS + 1, 0)
    codes = np.zeros(count, np.uint32)
    for shift in range(SIGNS):
        codes = (codes << np.uint32(1)) | signs[shift : shift + count]
    return codes
