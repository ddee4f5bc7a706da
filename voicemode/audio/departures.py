"""The account of what has left a device: what it was handed and when that leaves in, how much has left by now out."""

from __future__ import annotations

import math
from collections import deque

from attrs import define

_SURELY = 2.0
"""Seconds after which a sample has left any device, whether somebody asked or not."""

_TOLERANCE = 1e-3
"""In samples: what the sums of floating point times may be off."""


@define
class _Departure:
    at: float
    samples: int
    worth: int
    rate: int

    @property
    def end(self) -> float:
        return self.at + self.samples / self.rate

    def left(self, now: float) -> int:
        gone = math.floor((now - self.at) * self.rate + _TOLERANCE)
        if gone >= self.samples:
            return self.worth
        return self.worth * gone // self.samples if gone > 0 else 0


class Departures:
    """Counts in units of the account's owner: ``samples`` of the device are ``worth`` so much to them."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._counted = self._most = 0
        self._under_way: deque[_Departure] = deque()

    def add(self, at: float, samples: int, worth: int) -> None:
        """The device was handed ``samples``, the first of which leaves at ``at``."""
        self._settle(at - _SURELY)
        self._under_way.append(_Departure(at, samples, worth, self._rate))

    def left(self, now: float) -> int:
        """How much has left by ``now``.  Never less than it was said to be before."""
        self._settle(now)
        self._most = max(self._most, self._counted + sum(departure.left(now) for departure in self._under_way))
        return self._most

    def forget(self, after: float) -> None:
        """The device has dropped what it was handed and what would leave ``after`` then; the rest has left."""
        while self._under_way and self._under_way[-1].at >= after:
            self._under_way.pop()
        self._counted = self.left(after)
        self._under_way.clear()

    @property
    def end(self) -> float:
        """When the last sample handed over leaves, or left."""
        return self._under_way[-1].end if self._under_way else -math.inf

    def _settle(self, now: float) -> None:
        """Forget what has left, all but its count and the last end."""
        while len(self._under_way) > 1 and self._under_way[0].end <= now:
            self._counted += self._under_way.popleft().worth
