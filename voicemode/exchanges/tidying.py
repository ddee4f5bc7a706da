"""Removes what was kept for long enough.  In: the directory of recordings, how long and how much.  Out: it is less.

Removed are days of exchanges, of events and of telemetry, and recordings that have their transcript, all in the form in
which they are written here; the oldest first.  What waits for its transcript lies elsewhere and is never touched, nor
is anything that changed within a day, which somebody may be writing.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from .day_files import EVENTS, EXCHANGES, TELEMETRY

DAY = 86_400.0
"""Seconds."""

MEGABYTE = 1_000_000

_RECORDING = re.compile(r"\d{8}_\d{6}_\d{3}_[0-9a-f]{6}_(stt|tts)\.wav")


@frozen(order=True)
class Kept:
    changed: float
    path: Path
    size: int


def tidy(base: Path, *, days: float, megabytes: float, now: float) -> int:
    """Keep what is at most ``days`` old and ``megabytes`` in all, each without a limit where it is 0; ``now`` is in
    seconds since 1970.  Blocks.  Says how many files were removed; raises OSError."""
    kept = sorted(_all(base))
    left = sum(each.size for each in kept)
    removed = 0
    for each in kept:
        too_old = 0 < days * DAY < now - each.changed
        too_much = 0 < megabytes * MEGABYTE < left
        if now - each.changed < DAY or not (too_old or too_much):
            break
        each.path.unlink(missing_ok=True)
        left -= each.size
        removed += 1
    return removed


def _all(base: Path) -> Iterator[Kept]:
    days = (path for kind in (EXCHANGES, EVENTS, TELEMETRY) for _, path in kind.all(base))
    recordings = (path for path in (base / "audio").glob("*/*/*.wav") if _RECORDING.fullmatch(path.name))
    for paths in (days, recordings):
        for path in paths:
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue  # another conversation has just removed it
            if stat.S_ISREG(status.st_mode):
                yield Kept(status.st_mtime, path, status.st_size)
