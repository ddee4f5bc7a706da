"""What writers of inboxes share: files for their owner alone, durable names, one writer at a time, errors for people.

In: paths.  Out: open files that nobody else has, and ``InboxError`` where the system says no.
"""

from __future__ import annotations

import errno
import os
import random
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from actors.errors import InboxError

if sys.platform != "win32":
    import fcntl

Pause: TypeAlias = Callable[[], None]
"""Is called again and again while a lock is waited for, and may raise to give up."""

PATIENCE = 10.0
"""Seconds after which whoever is at an inbox has been stopped there, and is no longer waited for."""

OFTEN = 0.002
"""Seconds until it is tried again, more or less, so that those who wait together do not go on together."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def no_pause() -> None:
    """For callers that cannot be cancelled."""


def wait_a_moment(until: float, pause: Pause, what: Path) -> None:
    """Raises InboxError from ``until`` on, a time of ``time.monotonic``, and whatever ``pause`` raises."""
    pause()
    if time.monotonic() > until:
        raise InboxError(
            f"Another process has been at {what} for too long: it was probably stopped. Let it go on, or end it.",
            reason="the inbox is busy",
        )
    time.sleep(OFTEN * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


@contextmanager
def alone_with(path: Path, *, pause: Pause = no_pause) -> Generator[int]:
    """Open ``path``, made if need be, to be read and appended to, while nobody else has it; its descriptor inside.

    It is readable by its owner alone from then on.  Raises InboxError and OSError, also where it is a link.
    """
    if sys.platform == "win32":
        raise InboxError("Inboxes need locks, and Windows has none of that kind.", reason="inboxes cannot be used here")
    until = time.monotonic() + PATIENCE
    while True:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        try:
            if _locked(file) and _is(file, path):
                if os.fstat(file).st_mode & 0o077:
                    os.fchmod(file, 0o600)
                yield file
                return
        finally:
            _unlock(file)
        wait_a_moment(until, pause, path)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(file: int) -> None:
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)  # a process that is being forked has it too until it closes it
    os.close(file)


def _is(file: int, path: Path) -> bool:
    """Whether the name still leads to it: it may have been moved away while the lock was waited for."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def write_all(file: int, content: bytes) -> None:
    """Raises OSError, with some of it written."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def sync_names(directory: Path) -> None:
    """What has been made, renamed and removed in it is so after a loss of power as well.  Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path) -> Path:
    """Give a file that is no inbox a name of its own, by the time, and say which.  Raises OSError."""
    aside = path.with_name(f"{path.name}.broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    path.rename(aside)
    return aside


def timestamp() -> str:
    """Now, as JavaScript writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def explaining(path: Path) -> Generator[None]:
    """Raise InboxError in place of an OSError met while ``path`` is written to."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise InboxError(
                f"A message could not be written to {path}: {error.strerror}. What was there before still is; make "
                "room and send it again.",
                reason="there is no room for it",
            ) from error
        raise InboxError(
            f"A message could not be written to {path}: {error.strerror or error}.", reason="it could not be written"
        ) from error
