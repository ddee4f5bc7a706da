"""How long to wait before something that failed is tried again: failures and successes in, delays out."""

from __future__ import annotations

from attrs import define, field

FIRST, LONGEST = 0.1, 2.0
"""Seconds: a server that restarts is back in a tenth of a second, and nobody notices two seconds less after minutes."""

SETTLED = 1.0
"""Seconds a device has to stay before it counts as back: twice what it takes to find out that it is deaf or dumb."""


@define
class Backoff:
    """Delays that double from ``first`` to ``longest`` seconds.

    They are the same every time: what is waited for stands on the desk, and nobody else is waiting for it.
    """

    first: float = FIRST
    longest: float = LONGEST
    _delay: float | None = field(default=None, init=False)

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        self._delay = self.first if self._delay is None else min(2 * self._delay, self.longest)
        return self._delay

    def reset(self) -> None:
        """An attempt succeeded: the next delay is the first again."""
        self._delay = None
