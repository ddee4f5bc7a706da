"""What became of this session's turns.  In: results.  Out: counts and latencies; nothing of what was said."""

from __future__ import annotations

from collections import Counter, deque
from statistics import quantiles
from typing import TYPE_CHECKING

import msgspec
from attrs import asdict, define, field

if TYPE_CHECKING:
    from actors.results import TurnResult

KEPT = 1_000
"""Turns whose latencies are remembered."""

LATENCIES = ("first_sample_ms", "speech_end_to_transcript_ms", "barge_in_ms")


class Latency(msgspec.Struct, kw_only=True):
    """Milliseconds."""

    count: int
    p50: float
    p95: float


class Summary(msgspec.Struct, kw_only=True):
    turns: int
    outcomes: dict[str, int]
    failures: dict[str, int]
    latencies: dict[str, Latency]


@define
class Statistics:
    _outcomes: Counter[str] = field(factory=Counter[str], init=False)
    _failures: Counter[str] = field(factory=Counter[str], init=False)
    _latencies: dict[str, deque[float]] = field(factory=dict[str, "deque[float]"], init=False)

    def add(self, result: TurnResult) -> None:
        self._outcomes[result.outcome] += 1
        self._failures.update(failure.provider for failure in result.failures)
        taken = asdict(result.timings)
        for name in LATENCIES:
            if (value := taken[name]) is not None:
                self._latencies.setdefault(name, deque(maxlen=KEPT)).append(value)

    def summary(self) -> Summary:
        return Summary(
            turns=self._outcomes.total(),
            outcomes=dict(self._outcomes),
            failures=dict(self._failures),
            latencies={name: _latency(list(values)) for name, values in self._latencies.items()},
        )


def _latency(values: list[float]) -> Latency:
    cuts = quantiles(values, n=100, method="inclusive") if len(values) > 1 else values * 99
    return Latency(count=len(values), p50=round(cuts[49], 1), p95=round(cuts[94], 1))
