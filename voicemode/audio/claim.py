"""Whose a file is at the moment.  In: a path.  Out: a claim on it, which ends with the process at the latest.

A claim is an exclusive lock as flock(2) has them: others may read the file, but whoever asks for a claim learns that it
is taken.  The system drops it when the process dies, however it dies.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform != "win32":
    import fcntl

GROWING = 5.0
"""Seconds since its last change in which a file is taken for somebody's where the file system knows no locks; a
recording in progress changes many times a second."""


class Claim:
    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "rb", buffering=0)

    @classmethod
    def on_new(cls, path: Path) -> Self:
        """Make the file, for its owner alone; nobody sees it under its name without the claim.  Raises OSError."""
        hidden = path.with_name(f".{path.name}")
        claim = cls(os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            claim._locked()
            hidden.rename(path)
        except BaseException:
            claim.release()
            hidden.unlink(missing_ok=True)
            raise
        return claim

    @classmethod
    def on(cls, path: Path) -> Self | None:
        """None when somebody else has it.  Raises OSError, as FileNotFoundError when it has just gone."""
        claim = cls(os.open(path, os.O_RDWR))
        try:
            locked = claim._locked()
            there = os.fstat(claim._file.fileno())
            if locked is None:
                locked = not 0 <= time.time() - there.st_mtime < GROWING
            same = os.path.samestat(there, path.stat())
        except BaseException:
            claim.release()
            raise
        if locked and same:
            return claim
        claim.release()
        if locked:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return None

    def release(self) -> None:
        """Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _locked(self) -> bool | None:
        """None where there are no locks."""
        if sys.platform == "win32":
            return None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True
