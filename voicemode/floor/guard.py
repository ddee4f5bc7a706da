"""Lets one thread of all processes at a time at the floor's files, for the milliseconds that it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import trio

from actors.errors import VoiceError

from .lock_file import LockFile

LONGEST = 2.0
"""Seconds after which whoever is at the files has been stopped there, and is no longer waited for."""

PATIENCE = 0.002
"""Seconds until it is tried again."""

_IN_PROCESS = threading.Lock()
"""Where locks are those of a whole process, as on NFS, its threads would all get them."""


@contextmanager
def alone_in(directory: Path) -> Generator[None]:
    """For threads of ``trio.to_thread``.  Raises VoiceError when it takes too long, OSError, and Cancelled when the
    task is cancelled while its thread waits."""
    until = time.monotonic() + LONGEST
    while not _IN_PROCESS.acquire(timeout=PATIENCE):
        _go_on_waiting(until, directory)
    try:
        while (lock := LockFile.take(directory / "guard")) is None:
            _go_on_waiting(until, directory)
            time.sleep(PATIENCE)
        try:
            yield
        finally:
            lock.release()
    finally:
        _IN_PROCESS.release()


def _go_on_waiting(until: float, directory: Path) -> None:
    trio.from_thread.check_cancelled()
    if time.monotonic() > until:
        raise VoiceError(
            f"Another process has been at {directory} for more than {LONGEST:g} s, where agents take turns at the "
            "voice: it was probably stopped; let it go on, or end it."
        )
