"""The lines of the table of frameworks: values by side in, medians with their intervals, and ratios, out."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import median
from typing import Literal

from attrs import define, field
from report import Figure, figure
from tables import Table

CERTAIN = 0.95


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The two values between which the median of what they are drawn from lies, with at least 95 % certainty; with
    fewer than six values the smallest and the largest, which is as certain as can be.  Raises ValueError for none."""
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        raise ValueError("nothing was measured")
    best = 0
    for skipped in range(count // 2):
        outside = 2 * sum(comb(count, each) for each in range(skipped + 1)) / 2**count
        if 1 - outside < CERTAIN:
            break
        best = skipped
    return ordered[best], ordered[count - 1 - best]


@define
class Line:
    """``values`` by the name of a side; less is better.  ``cannot``: what a side does instead.

    ``total``: what counts is the sum of the values, of ``of`` of which each trial has so many.
    """

    what: str
    unit: str
    total: bool = False
    about: str = ""
    values: dict[str, list[float]] = field(factory=dict)
    of: dict[str, float] = field(factory=dict)
    cannot: dict[str, str] = field(factory=dict)

    def add(self, side: str, value: float, of: float = 0.0) -> None:
        self.values.setdefault(side, []).append(value)
        self.of[side] = self.of.get(side, 0.0) + of

    def middle(self, side: str) -> float | None:
        values = self.values.get(side)
        if not values:
            return None
        return sum(values) if self.total else median(values)

    def share(self, side: str) -> float | None:
        """What is compared: the median, or the share that the total has of all there were."""
        middle = self.middle(side)
        if middle is None or not self.total:
            return middle
        return middle / self.of[side] if self.of[side] else middle

    def cell(self, side: str) -> str:
        parts: list[str] = []
        middle = self.middle(side)
        if middle is not None and self.total:
            parts.append(f"{number(middle)} of {number(self.of[side])}" if self.of[side] else number(middle))
        elif middle is not None:
            low, high = interval(self.values[side])
            spread = f" ({number(low)} to {number(high)})" if low != high else ""
            parts.append(f"{number(middle)}{spread}")
        if side in self.cannot:
            parts.append(self.cannot[side])
        return "; ".join(parts) or "not measured"

    def best(self, peers: Sequence[str]) -> str | None:
        """The peer with the least; None when none was measured."""
        shares = {peer: share for peer in peers if (share := self.share(peer)) is not None}
        return min(shares, key=lambda peer: shares[peer]) if shares else None

    def worse(self, ours: str, peers: Sequence[str]) -> Literal["", "within", "apart"]:
        """Whether the best of the peers has less, and whether the intervals overlap."""
        peer, mine = self.best(peers), self.share(ours)
        best = None if peer is None else self.share(peer)
        if peer is None or best is None:
            return ""
        if mine is None:
            return "apart"
        if mine <= best:
            return ""
        apart = self.total or interval(self.values[ours])[0] > interval(self.values[peer])[1]
        return "apart" if apart else "within"

    def verdict(self, ours: str, peers: Sequence[str]) -> str:
        """Ours over the best of the peers; where either is not above 0, how much it is less or more.  Worse is said
        to be so with or without overlapping intervals."""
        worse = {"": "", "within": " worse, within the intervals", "apart": " **worse**"}[self.worse(ours, peers)]
        peer, mine = self.best(peers), self.share(ours)
        best = None if peer is None else self.share(peer)
        if best is None or mine is None:
            return worse.strip()
        if mine == best:
            return "equal"
        if best <= 0 or mine < 0:
            return f"{number(mine - best)} {'' if self.total else self.unit}".strip() + worse
        return f"{mine / best:.2f}{worse}"

    def figures(self) -> list[Figure]:
        unit = self.unit or "in all"
        return [
            figure(f"{self.what}: {side}", unit, [self.share(side) or 0.0] if self.total else values)
            for side, values in self.values.items()
        ]


def number(value: float) -> str:
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def table(lines: Sequence[Line], sides: Sequence[str], peers: Sequence[str], *, smoke: bool = False) -> Table:
    """The median of each side with its interval, and the first of them, which is ours, over the best peer; below it,
    where we lose.  A side that is no peer is shown and not compared with."""
    return Table(
        head=("", "unit", *sides, "ours / best peer"),
        rows=tuple(
            (line.what, line.unit, *(line.cell(side) for side in sides), line.verdict(sides[0], peers))
            for line in lines
        ),
        below=(
            *(("Few repetitions: they show that it runs, and prove nothing of who is better.",) if smoke else ()),
            *losses(lines, sides[0], peers),
        ),
    )


def losses(lines: Sequence[Line], ours: str, peers: Sequence[str]) -> list[str]:
    """Where the best peer is better, in so many words."""
    compared = [(line, best) for line in lines if (best := line.best(peers)) is not None]
    if not compared:
        return ["Compared with nobody: no peer was measured."]
    apart = [(line, best) for line, best in compared if line.worse(ours, peers) == "apart"]
    within = [(line, best) for line, best in compared if line.worse(ours, peers) == "within"]
    many = f"in {len(apart)} of {len(compared)} lines" if apart else f"in none of {len(compared)} lines"
    return [
        f"Where we lose: {many}{':' if apart else '.'}",
        *(_loss(*each, ours, peers) for each in apart),
        *((f"Worse, but within the intervals: in {len(within)}:",) if within else ()),
        *(_loss(*each, ours, peers) for each in within),
    ]


def _loss(line: Line, best: str, ours: str, peers: Sequence[str]) -> str:
    ratio = line.verdict(ours, peers).partition("**")[0].partition(" worse")[0].strip()
    sides = (f"{side} {line.cell(side)}{f' {line.unit}' if side in line.values else ''}" for side in (ours, best))
    return f"  {line.what}: {f'{ratio}; ' if ratio else ''}{', '.join(sides)}"
