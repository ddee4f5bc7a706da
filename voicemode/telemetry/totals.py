"""Adds up what is measured.  In: measured values, one by one.  Out: all of it so far, by metric and attributes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from .catalogue import BOUNDS, Metric
from .values import Measured, Value

MOST = 2000
"""Series that are kept: what varies without end, as the names of agents may, takes no memory without end."""


@define
class _Series:
    count: int = 0
    total: float = 0.0
    least: float = 0.0
    most: float = 0.0
    buckets: list[int] = field(factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, value: float) -> None:
        self.least = min(self.least, value) if self.count else value
        self.most = max(self.most, value) if self.count else value
        self.count += 1
        self.total += value
        self.buckets[bisect_left(BOUNDS, value)] += 1


@define
class Totals:
    _series: dict[tuple[Metric, tuple[tuple[str, Value], ...]], _Series] = field(
        factory=dict[tuple[Metric, tuple[tuple[str, Value], ...]], _Series]
    )

    def add(self, values: Iterable[Measured]) -> None:
        for each in values:
            key = each.metric, each.attributes
            if key not in self._series and len(self._series) >= MOST:
                continue
            self._series.setdefault(key, _Series()).add(each.value)

    def rows(self) -> list[dict[str, Any]]:
        """For JSON: a counter is its ``value``; of a histogram ``buckets`` has a count for each of ``BOUNDS``, which
        belong to the bucket below, and one for what is above them all."""
        rows: list[dict[str, Any]] = []
        for (metric, attributes), series in self._series.items():
            row: dict[str, Any] = {"name": metric.name, "kind": metric.kind, "unit": metric.unit}
            row["attributes"] = dict(attributes)
            if metric.kind == "counter":
                row["value"] = round(series.total)
            else:
                row |= {"count": series.count, "sum": round(series.total, 6), "buckets": series.buckets}
                row |= {"min": round(series.least, 6), "max": round(series.most, 6)}
            rows.append(row)
        return rows
