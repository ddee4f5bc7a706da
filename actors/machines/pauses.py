"""How long one speaker pauses.  In: the pauses after which they went on.  Out: what a share of their pauses kept to.

Pauses that outlasted the wait are missing, for they ended the utterance: what comes out is rather too short than too
long.  Who sees that an end was none feeds that pause as well.
"""

from __future__ import annotations

from collections import deque
from itertools import accumulate
from math import inf

REMEMBERED = 50
"""Pauses: some minutes of speech."""

ENOUGH = 5
"""Pauses before which nothing is said of the speaker."""

HALVED = 20
"""So many pauses later, a pause counts half."""


class Pauses:
    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        return len(self._seconds)

    def feed(self, seconds: float) -> None:
        """The speaker was silent for ``seconds`` and went on.  Raises ValueError when that is no length of time."""
        if not 0.0 <= seconds < inf:
            raise ValueError(f"a pause is a number of seconds, 0 or more, not {seconds}")
        self._seconds.append(seconds)

    def usual(self, share: float) -> float | None:
        """The shortest of the pauses that ``share`` of them, from 0 to 1, do not exceed, the latest counting most.

        None until there are enough.  Raises ValueError for another ``share``.
        """
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, not at {share}")
        if len(self._seconds) < ENOUGH:
            return None
        ages = range(len(self._seconds) - 1, -1, -1)
        counted = sorted((pause, 0.5 ** (age / HALVED)) for pause, age in zip(self._seconds, ages, strict=True))
        gathered = list(accumulate(weight for _, weight in counted))
        enough = share * gathered[-1]
        return next(pause for (pause, _), weight in zip(counted, gathered, strict=True) if weight >= enough)
