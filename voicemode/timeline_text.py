"""Puts words beside one another without overlap: labels with a wished-for place in, lines with a place out.

All lengths are inches on the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

NARROWEST, WIDEST = 2.6, 5.0
"""A label is broken into lines no longer than the way to the next one, within these bounds."""

GAP = 0.12
LINES = 4
"""Lines of one label; what is longer ends in an ellipsis."""


@frozen
class Label:
    """``words`` in a colour each, to begin at ``x``."""

    x: float
    words: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, x: float, *parts: tuple[str, str]) -> Label:
        """From texts in a colour each."""
        return cls(x, tuple((word, colour) for text, colour in parts for word in text.split()))


@frozen
class Line:
    """A few words of one colour at ``x``, in ``row`` counted from 0 at the top."""

    x: float
    row: int
    text: str
    colour: str


def pack(labels: Sequence[Label], measure: Callable[[str], float], right: float) -> tuple[list[Line], int]:
    """Break ``labels`` into lines between 0 and ``right`` and say how many rows they take."""
    taken: list[list[tuple[float, float]]] = []
    placed: list[Line] = []
    ordered = sorted((label for label in labels if label.words), key=lambda label: label.x)
    for label in ordered:
        room = min((other.x for other in ordered if other.x > label.x + GAP), default=right) - label.x - GAP
        lines = _broken(label.words, measure, min(max(room, NARROWEST), WIDEST, right))
        width = max(measure(" ".join(word for word, _ in line)) for line in lines)
        x = max(0.0, min(label.x, right - width))
        first = _free(taken, len(lines), x, x + width + GAP)
        for row, line in enumerate(lines, first):
            placed.extend(_runs(line, x, row, measure))
    return placed, len(taken)


_Words = list[tuple[str, str]]


def _broken(words: Sequence[tuple[str, str]], measure: Callable[[str], float], width: float) -> list[_Words]:
    lines: list[_Words] = [[]]
    for word, colour in words:
        fitting = _cut(word, measure, width)
        if lines[-1] and measure(" ".join([*(before for before, _ in lines[-1]), fitting])) > width:
            lines.append([])
        lines[-1].append((fitting, colour))
    if len(lines) > LINES:
        lines = lines[:LINES]
        lines[-1][-1] = ("…", lines[-1][-1][1])
    return lines


def _cut(word: str, measure: Callable[[str], float], width: float) -> str:
    if measure(word) <= width:
        return word
    short = next((word[:size] for size in range(len(word) - 1, 0, -1) if measure(word[:size] + "…") <= width), "")
    return short + "…"


def _free(taken: list[list[tuple[float, float]]], count: int, begin: float, end: float) -> int:
    """The first of ``count`` rows that are free from ``begin`` to ``end``; they are taken then."""
    first = 0
    while any(begin < right and left < end for row in taken[first : first + count] for left, right in row):
        first += 1
    taken.extend([] for _ in range(first + count - len(taken)))
    for row in taken[first : first + count]:
        row.append((begin, end))
    return first


def _runs(line: _Words, x: float, row: int, measure: Callable[[str], float]) -> Iterator[Line]:
    """One ``Line`` for neighbours of the same colour."""
    begin = 0
    for index in range(1, len(line) + 1):
        if index == len(line) or line[index][1] != line[begin][1]:
            before = " ".join(word for word, _ in line[:begin])
            text = " ".join(word for word, _ in line[begin:index])
            offset = measure(before + " " + text) - measure(text) if before else 0.0
            yield Line(x + offset, row, text, line[begin][1])
            begin = index
