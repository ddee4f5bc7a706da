"""How fast an engine answers: seconds to the first of each answer in, percentiles of the last ones out."""

from __future__ import annotations

from collections import deque
from math import ceil

REMEMBERED = 50
"""Answers: an hour of conversation's, and few enough to follow an engine that becomes slower within minutes."""


class Latencies:
    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._seconds: deque[float] = deque(maxlen=remembered)

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def percentile(self, percent: float) -> float | None:
        """The smallest of the last answers' seconds that ``percent`` of them do not exceed; None if there are none."""
        if not self._seconds:
            return None
        return sorted(self._seconds)[max(0, ceil(len(self._seconds) * percent / 100) - 1)]
