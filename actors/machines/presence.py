"""Whether the user is there.  In: who spoke when.  Out: since when nobody has said a word, and who is back."""

from __future__ import annotations

from attrs import define, field


@define
class Presence:
    """They are there until somebody finds that they have been quiet for too long."""

    _quiet_since: float = field(default=0.0, init=False)
    _away: bool = field(default=False, init=False)

    @property
    def quiet_since(self) -> float | None:
        """None while they are known to be away."""
        return None if self._away else self._quiet_since

    def quiet(self, now: float) -> None:
        """Nobody could be expected to say a word until ``now``."""
        self._quiet_since = now

    def spoke(self, now: float) -> bool:
        """The user did; say whether they had been away."""
        back, self._away, self._quiet_since = self._away, False, now
        return back

    def missed(self) -> float:
        """They are away; say since when."""
        self._away = True
        return self._quiet_since
