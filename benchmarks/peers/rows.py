"""The lines of the table: what was measured on either side, or what a side did instead."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field, frozen
from report import Budget, Figure, figure, spread_of


@frozen
class Target:
    """What our ``statistic`` of a line may be ``at_most``."""

    at_most: float
    statistic: str = "p50"


@define
class Row:
    """``values`` by the name of a side, and ``instead`` what it did where it could not do the thing."""

    what: str
    unit: str
    target: Target | None = None
    values: dict[str, list[float]] = field(factory=dict)
    instead: dict[str, str] = field(factory=dict)

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

    def cells(self, sides: Sequence[str]) -> list[str]:
        ours = sides[0]
        verdict = ""
        if self.target is not None and ours in self.values:
            held = getattr(spread_of(self.values[ours]), self.target.statistic) <= self.target.at_most
            verdict = "held" if held and ours not in self.instead else "**missed**"
        asked = "" if self.target is None else f"≤ {number(self.target.at_most)} {self.unit}".strip()
        return [self.what, *(self._cell(side) for side in sides), asked, verdict]

    def _cell(self, side: str) -> str:
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


def table(rows: Sequence[Row], sides: Sequence[str]) -> str:
    """As Markdown: p50 and p99 of either side."""
    head = ["", *(f"{side}: p50, p99" for side in sides), "target", ""]
    lines = [head, ["---", *("---:" for _ in sides), "---:", "---"], *(row.cells(sides) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
