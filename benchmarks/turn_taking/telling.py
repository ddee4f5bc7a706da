"""How well the evidence tells the end of a turn from a pause in it, before any policy makes something of it.

In: pauses with what engines said of them.  Out: for words, sound and both, how alike ends and pauses look.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from actors.machines.finished import looks_finished

from .judge import Evidence
from .turns import Turn

Vector = NDArray[np.float64]

_VERDICTS = {"open": 0.0, "unsure": 1.0, "done": 2.0}
_PUNCTUATION = (".", "!", "?")
_MANY = 8
"""Words beyond which it does not matter how many there are."""

_RIDGE = 1.0
"""Keeps the weights small, for there are few turns to learn them from."""


@frozen(kw_only=True)
class Told:
    """One silence: whether it was the ``end`` of ``turn``, and what was known of it."""

    turn: Turn
    end: bool
    text: str
    probability: float | None

    @property
    def words(self) -> float:
        return _VERDICTS[looks_finished(self.text)]

    @property
    def features(self) -> list[float]:
        """All that the words and the sound offer, for ``combined``."""
        said, verdict, count = self.text.strip(), looks_finished(self.text), len(self.text.split())
        words = [verdict == "open", verdict == "done", said.endswith("?"), not said.endswith(_PUNCTUATION), count <= 1]
        return [
            1.0,
            *map(float, words),
            min(count, _MANY) / _MANY,
            0.5 if self.probability is None else self.probability,
        ]


def told(heard: Sequence[tuple[Turn, Sequence[Evidence]]]) -> list[Told]:
    return [
        Told(turn=turn, end=each.pause.resumed is None, text=each.text or "", probability=each.probability)
        for turn, evidence in heard
        for each in evidence
    ]


def separation(scores: Sequence[float], ends: Sequence[bool]) -> float:
    """How likely an end scores higher than a pause, ties as a half (the area under the ROC curve): 1 when they are told
    apart every time, 0.5 when it is chance."""
    scored, which = np.array(scores), np.array(ends)
    higher, pauses = scored[which][:, None], scored[~which][None]
    return float((higher > pauses).mean() + (higher == pauses).mean() / 2)


def price(scores: Sequence[float], ends: Sequence[bool]) -> float:
    """The share of pauses that look at least as done as the half of the ends does that looks so most."""
    scored, which = np.array(scores), np.array(ends)
    return float((scored[~which] >= np.quantile(scored[which], 0.5)).mean())


def combined(silences: Sequence[Told]) -> list[float]:
    """What a logistic regression makes of everything, each sentence judged by what was learnt from all the others."""
    known = np.array([each.features for each in silences])
    ends = np.array([each.end for each in silences], dtype=np.float64)
    names = np.array([each.turn.name for each in silences])
    scores = np.zeros(len(silences))
    for name in set(names.tolist()):
        own = names == name
        scores[own] = known[own] @ _weights(known[~own], ends[~own])
    return scores.tolist()


def _weights(known: Vector, ends: Vector) -> Vector:
    """By Newton's method."""
    weights = np.zeros(known.shape[1])
    ridge = _RIDGE * np.eye(len(weights))
    for _ in range(25):
        likely = 1 / (1 + np.exp(-known @ weights))
        slope = known.T @ (ends - likely) - ridge @ weights
        weights += np.linalg.solve((known.T * (likely * (1 - likely))) @ known + ridge, slope)
    return weights
