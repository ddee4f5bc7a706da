"""Shares work between equals: what is known of each in, the order in which to ask them out."""

from __future__ import annotations

from collections.abc import Sequence

from .record import Record

UNKNOWN = 1.0
"""Seconds in which all are expected to answer as long as none has: only their loads count then."""


def by_cost(equals: Sequence[Record], now: float, stale: float) -> list[Record]:
    """Cheapest first: the seconds in which it is expected to answer times what it would have to do then.

    Who has not answered for ``stale`` seconds may be the fastest, and is found out by being asked.
    """
    expected = [record.expected(now, stale) for record in equals]
    fastest = min((seconds for seconds in expected if seconds is not None), default=UNKNOWN)
    costs = [
        (fastest if seconds is None else seconds) * (1 + record.running)
        for seconds, record in zip(expected, equals, strict=True)
    ]
    return [record for _, record in sorted(zip(costs, equals, strict=True), key=lambda each: each[0])]
