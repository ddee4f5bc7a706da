"""Lets one thread of all processes at a time at some files, for the milliseconds that it takes.  In: a lock's path.
Out: being alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from actors.errors import VoiceError

from .lock_file import LockFile

LONGEST = 2.0
"""Seconds after which whoever has the lock has been stopped there, and is no longer waited for."""

PATIENCE = 0.002
"""Seconds until it is tried again."""

_IN_PROCESS: dict[Path, threading.Lock] = {}
"""Where locks are those of a whole process, as on NFS, its threads would all get them."""


@contextmanager
def alone_with(path: Path, what: str, *, waiting: Callable[[], None] | None = None) -> Generator[None]:
    """Blocks for two seconds at most, calling ``waiting``, which may raise, again and again.

    ``what`` tells what is there, as in "where users are".  Raises VoiceError when it takes too long, and OSError.
    """
    until = time.monotonic() + LONGEST

    def go_on_waiting() -> None:
        if waiting is not None:
            waiting()
        if time.monotonic() > until:
            raise VoiceError(
                f"Another process has had {path} for more than {LONGEST:g} s, {what}: it was probably stopped; let it "
                "go on, or end it."
            )

    in_process = _IN_PROCESS.setdefault(path, threading.Lock())
    while not in_process.acquire(timeout=PATIENCE):
        go_on_waiting()
    try:
        while (lock := LockFile.take(path)) is None:
            go_on_waiting()
            time.sleep(PATIENCE)
        try:
            yield
        finally:
            lock.release()
    finally:
        in_process.release()
