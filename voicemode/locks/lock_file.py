"""A file that a process keeps locked while it lives.  In: a path.  Out: the lock, or whether somebody has it.

It is a lock as flock(2) has them: the system drops it when the process ends, however it ends, so nobody has to guess
whether a process number is still that of the same process.  Programs that are started do not inherit it, and a fork
gives it up.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

from actors.errors import VoiceError

if sys.platform != "win32":
    import fcntl


class LockFile:
    """Methods may block for as long as a file system takes, and are for one thread at a time."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self._file = path, file

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Lock the file at ``path``, which is made where it is not there, readable by its owner alone.

        None when somebody has it already.  Raises OSError, and VoiceError on Windows, which has no such locks.
        """
        if sys.platform == "win32":
            raise VoiceError(
                "Windows has no locks with which agents could take turns at the voice: let each speak when it likes "
                "with voicemode config set VOICEMODE_CONCH_ENABLED false."
            )
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        lock = cls(path, file)
        _OURS[path] = lock
        return lock

    def release(self) -> None:
        """Idempotent.  The file stays."""
        if self._file.closed:
            return
        _OURS.pop(self.path, None)
        if sys.platform != "win32":
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)  # a process that is being forked has it too until it closes it
        self._file.close()

    def give_up(self) -> None:
        """In a fork: leave the lock to the process that took it."""
        self._file.close()


_OURS: WeakValueDictionary[Path, LockFile] = WeakValueDictionary()


def is_locked(path: Path) -> bool:
    """Whether somebody who lives has it; not if there is no such file.  Who asks is not seen by others that ask.

    Raises OSError, and VoiceError on Windows.
    """
    # a lock that this process has is not asked for: on NFS it would be given, and dropped by asking
    if path in _OURS:
        return True
    if sys.platform == "win32":
        raise VoiceError("Windows has no locks by which it could be told who lives.")
    try:
        file = FileIO(os.open(path, os.O_RDWR), "r+")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)  # a process that is being forked has it too until it closes it
        return False


def _after_fork() -> None:
    for lock in [*_OURS.values()]:
        lock.give_up()
    _OURS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
