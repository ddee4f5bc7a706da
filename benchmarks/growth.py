"""Whether a process grows: looked at now and then while it works.  In: moments.  Out: curves, and a verdict on them.

A line is laid through the means of stretches, which hardly depend on one another, as single values do; so its slope
has a confidence that can be believed.
"""

from __future__ import annotations

import gc
import math
import sys
import threading
from collections.abc import Sequence

import numpy as np
import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import define, field, frozen
from report import Curve

MEGABYTE = 1_000_000

WARM_UP = 1 / 2
"""The share of all moments in which what is loaded late, and the memory that it leaves in pieces, is no growth."""

STRETCHES = 12
T_95 = 2.228
"""Student's t for 95 % and as many stretches less two."""


@frozen(kw_only=True)
class Moment:
    """``at`` in seconds, or turns.  Memory in MB; ``pss`` where the system tells.  ``blocks`` are Python's of memory,
    in thousands, ``collections`` those since the start, ``late`` is the event loop at worst, in ms."""

    at: float
    rss: float
    pss: float
    files: int
    threads: int
    tasks: int
    blocks: float
    objects: int
    collections: int
    late: float = 0.0


UNITS = {
    "rss": "MB",
    "pss": "MB",
    "files": "open",
    "threads": "",
    "tasks": "",
    "blocks": "thousand",
    "objects": "",
    "collections": "",
    "late": "ms, the longest",
}


@define
class Watch:
    """Looks at this process."""

    moments: list[Moment] = field(factory=list[Moment])
    _process: psutil.Process = field(factory=psutil.Process)

    def look(self, at: float, *, late: float = 0.0, kept: int | None = None) -> Moment:
        """Takes a few milliseconds, or many to count objects: where ``kept`` says how many are meant to be there."""
        memory = self._process.memory_full_info() if sys.platform == "linux" else self._process.memory_info()
        moment = Moment(
            at=at,
            rss=memory.rss / MEGABYTE,
            pss=getattr(memory, "pss", memory.rss) / MEGABYTE,
            files=self._process.num_fds() if hasattr(self._process, "num_fds") else self._process.num_handles(),
            threads=threading.active_count(),
            tasks=trio.lowlevel.current_statistics().tasks_living,
            blocks=sys.getallocatedblocks() / 1000,
            objects=0 if kept is None else len(gc.get_objects()) - kept,
            collections=sum(each["collections"] for each in gc.get_stats()),
            late=late,
        )
        self.moments.append(moment)
        return moment


@frozen
class Slope:
    """In units of what was measured for each unit of ``at``; ``sure`` is half of the interval of 95 %."""

    value: float
    sure: float


def settled(moments: Sequence[Moment]) -> Sequence[Moment]:
    return moments[math.ceil(WARM_UP * len(moments)) :] or moments[-1:]


def slope(moments: Sequence[Moment], what: str) -> Slope | None:
    """Without the warm-up.  None when there are too few moments to say anything."""
    kept = settled(moments)
    if len(kept) < 2 * STRETCHES:
        return None
    at = np.array([part.mean() for part in np.array_split([each.at for each in kept], STRETCHES)])
    values = np.array([part.mean() for part in np.array_split([getattr(each, what) for each in kept], STRETCHES)])
    steepness, _ = np.polyfit(at, values, 1)
    left = values - np.poly1d(np.polyfit(at, values, 1))(at)
    error = math.sqrt(float((left**2).sum()) / (STRETCHES - 2) / float(((at - at.mean()) ** 2).sum()))
    return Slope(float(steepness), T_95 * error)


def more(moments: Sequence[Moment], what: str) -> float:
    """By how much the least of the last quarter is above that of the one before: what comes and goes is no growth."""
    kept = [getattr(each, what) for each in settled(moments)]
    half = len(kept) // 2
    return float(min(kept[half:]) - min(kept[:half])) if half else 0.0


def curves(moments: Sequence[Moment], picture: str, along: str, per: float = 1.0) -> tuple[Curve, ...]:
    """One for each thing that was looked at, ``at`` in units of ``per``."""
    return tuple(
        Curve(
            picture=picture,
            what=what,
            unit=unit,
            along=along,
            points=tuple((each.at / per, float(getattr(each, what))) for each in moments),
        )
        for what, unit in UNITS.items()
        if any(getattr(each, what) for each in moments)
    )
