"""How fast somebody may go: a bucket of ``burst`` that fills at ``rate`` a second, and each use takes from it."""

from __future__ import annotations

from attrs import define, field


@define
class TokenBucket:
    """``now`` is in seconds of a clock that only goes forward."""

    rate: float
    burst: float
    _level: float = field(init=False)
    _at: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._level = self.burst

    def owe(self, now: float, amount: float) -> float:
        """Take ``amount``, though there may be less, and return for how many seconds nothing more may be taken."""
        if self._at is not None:
            self._level = min(self.burst, self._level + self.rate * (now - self._at))
        self._at = now
        self._level -= amount
        return max(0.0, -self._level / self.rate)
