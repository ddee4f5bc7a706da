"""The lines of the table: what was measured on either side, or what a side did instead."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field, frozen
from report import Budget, Figure, figure, full_names, spread_of
from tables import Table


@frozen
class Target:
    """What our ``statistic`` of a line may be ``at_most``."""

    at_most: float
    statistic: str = "p50"


@define
class Row:
    """``values`` by the name of a side, and ``instead`` what it did where it could not do the thing.

    Less is better unless ``more`` is.
    """

    what: str
    unit: str
    target: Target | None = None
    values: dict[str, list[float]] = field(factory=dict)
    instead: dict[str, str] = field(factory=dict)
    more: bool = False

    def add(self, side: str, value: float) -> None:
        self.values.setdefault(side, []).append(value)

    def figures(self, ours: str) -> list[Figure]:
        found: list[Figure] = []
        for side, values in self.values.items():
            budget = None
            if side == ours and self.target is not None:
                budget = Budget(at_most=self.target.at_most, statistic=self.target.statistic)
            found.append(figure(f"{self.what}: {side}", self.unit, values, budget))
        return found

    def missed(self, ours: str) -> bool:
        if self.target is None or ours not in self.values:
            return False
        return (
            ours in self.instead or getattr(spread_of(self.values[ours]), self.target.statistic) > self.target.at_most
        )

    def lost(self, ours: str, peer: str) -> bool:
        """Whether the median of the peer is better, by values alone."""
        if ours not in self.values or peer not in self.values:
            return False
        mine, other = (spread_of(self.values[side]).p50 for side in (ours, peer))
        return mine < other if self.more else mine > other

    def cells(self, sides: Sequence[str]) -> list[str]:
        ours = sides[0]
        verdict = ""
        if self.target is not None and ours in self.values:
            verdict = "**missed**" if self.missed(ours) else "held"
        asked = "" if self.target is None else f"≤ {number(self.target.at_most)} {self.unit}".strip()
        return [self.what, *(self.cell(side) for side in sides), asked, verdict]

    def cell(self, side: str) -> str:
        parts = []
        if values := self.values.get(side):
            spread = spread_of(values)
            many = f", {number(spread.p99)}" if len(values) > 1 and spread.p99 != spread.p50 else ""
            parts.append(f"{number(spread.p50)}{many} {self.unit}".strip())
        if side in self.instead:
            parts.append(self.instead[side])
        return "; ".join(parts) or "not measured"


def number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"


def table(rows: Sequence[Row], sides: Sequence[str], *, smoke: bool = False) -> Table:
    """p50 and p99 of either side, the first of which is ours; below it, where we lose."""
    return Table(
        head=("", *(f"{side}: p50, p99" for side in sides), "target", ""),
        rows=tuple(tuple(row.cells(sides)) for row in rows),
        below=(
            *(("Few repetitions: they show that it runs, and prove nothing of who is better.",) if smoke else ()),
            *losses(rows, sides),
        ),
    )


def losses(rows: Sequence[Row], sides: Sequence[str]) -> list[str]:
    """Where the peer's median is better, and where we miss our own target, in so many words."""
    ours, *peers = sides
    whole = full_names(rows)
    lost = [
        f"  {name}: {ours} {row.cell(ours)}, {peer} {row.cell(peer)}"
        for name, row in zip(whole, rows, strict=True)
        for peer in peers
        if row.lost(ours, peer)
    ]
    missed = [name for name, row in zip(whole, rows, strict=True) if row.missed(ours)]
    told = (
        [f"Where we lose:{'' if lost else ' nowhere.'}", *lost]
        if peers
        else ["Compared with nobody: no peer was measured."]
    )
    return [*told, *([f"Where we miss our own target: {'; '.join(missed)}."] if missed else [])]
