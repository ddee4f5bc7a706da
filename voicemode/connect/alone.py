"""Lets one thread of all processes at a time change who can be reached.  In: a lock's path.  Out: being alone."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from actors.errors import VoiceError

from ..floor.lock_file import LockFile

LONGEST = 2.0
"""Seconds after which whoever has the lock has been stopped there, and is no longer waited for."""

PATIENCE = 0.002
"""Seconds until it is tried again."""

_IN_PROCESS = threading.Lock()
"""Where locks are those of a whole process, as on NFS, its threads would all get them."""


@contextmanager
def alone_with(path: Path) -> Generator[None]:
    """Blocks for two seconds at most.  Raises VoiceError when that is too short, and OSError."""
    if sys.platform == "win32":
        raise VoiceError("Windows has no locks with which several processes could share who can be reached.")
    until = time.monotonic() + LONGEST
    if not _IN_PROCESS.acquire(timeout=LONGEST):
        raise _stopped(path)
    try:
        while (lock := LockFile.take(path)) is None:
            if time.monotonic() > until:
                raise _stopped(path)
            time.sleep(PATIENCE)
        try:
            yield
        finally:
            lock.release()
    finally:
        _IN_PROCESS.release()


def _stopped(path: Path) -> VoiceError:
    return VoiceError(
        f"Somebody has had {path} for more than {LONGEST:g} s, which is locked while users are changed: that process "
        "was probably stopped; let it go on, or end it."
    )
