"""How long to wait before something that failed is tried again: failures and successes in, delays out."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

FIRST, LONGEST = 0.1, 2.0
"""Seconds: a server that restarts is back in a tenth of a second, and nobody notices two seconds less after minutes."""

SETTLED = 1.0
"""Seconds a device has to stay before it counts as back: twice what it takes to find out that it is deaf or dumb."""


@define
class Backoff:
    """Delays that double from ``first`` to ``longest`` seconds.

    Without ``chance`` they are the same every time: what is waited for stands on the desk, and nobody else is waiting
    for it.  With it, a number from 0 to 1, each is shortened by up to a half, so that many who wait for the same
    service do not come back together.
    """

    first: float = FIRST
    longest: float = LONGEST
    chance: Callable[[], float] | None = None
    least: float | None = None
    _delay: float | None = field(default=None, init=False)

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        self._delay = self.first if self._delay is None else min(2 * self._delay, self.longest)
        if self.chance is None:
            return self._delay
        least = self._delay / 2 if self.least is None else min(self.least, self._delay)
        return self._delay - self.chance() * (self._delay - least)

    def reset(self) -> None:
        """An attempt succeeded: the next delay is the first again."""
        self._delay = None
