"""Keeps Claude Code from a team's inbox while it is changed.  In: the inbox.  Out: whether it still does.

Claude Code reads its inbox, takes out what it has read and writes it anew, while there is a directory of its own beside
it: ``team-lead.json.lock``.  Whoever makes that directory has the inbox.  One that has not been touched for ten seconds
is left over from a process that was killed, and whoever wants to removes it.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .file_care import PATIENCE, Pause, wait_a_moment

STALE = 10.0
"""Seconds; what the library that Claude Code locks with takes for too long."""

OURS = 0o500
"""The mode of a lock of ours, from the moment it is there: Claude Code lets itself write to its own."""


@contextmanager
def kept_from_claude(inbox: Path, *, pause: Pause) -> Generator[Callable[[], bool]]:
    """For who has the inbox alone among our own, so that a lock of ours is left over from one who was killed.

    Inside ask whether it still holds before writing: who sleeps in between has lost it.  Raises InboxError when it
    takes too long, and OSError.
    """
    lock = inbox.with_name(f"{inbox.name}.lock")
    until = time.monotonic() + STALE + PATIENCE
    while not _made(lock):
        if not (_is_left_over(lock) and _removed(lock)):
            wait_a_moment(until, pause, inbox)
    try:
        yield lambda: _is_ours(lock)
    finally:
        if _is_ours(lock):
            _removed(lock)


def _made(lock: Path) -> bool:
    try:
        lock.mkdir(OURS)
    except FileExistsError:
        return False
    return True


def _removed(lock: Path) -> bool:
    try:
        lock.rmdir()
    except OSError:
        return False
    return True


def _is_ours(lock: Path) -> bool:
    try:
        return stat.S_IMODE(lock.lstat().st_mode) == OURS
    except FileNotFoundError:
        return False


def _is_left_over(lock: Path) -> bool:
    """Also one from the future, as after the clock was set back."""
    with suppress(FileNotFoundError):
        return _is_ours(lock) or abs(time.time() - lock.lstat().st_mtime) > STALE
    return False
