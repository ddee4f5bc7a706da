"""Puts a line at the end of a file that other processes write to as well.  In: a whole line.  Out: nothing.

A line is one write to a file opened for appending, so that lines of several processes never mix.  The system may cut
a write short between two pages when it kills the process, so a line of at most a page is put into one: blanks before
it, which are none of JSON's business, fill up the page before.  Of a longer one, or on a full disk, a piece may be
left; what comes next begins on a line of its own.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from ..audio.store import make_private

PAGE = 4096
"""Bytes; where pages are larger, these are parts of them."""


def append(path: Path, line: bytes) -> None:
    """File and directories are made for their owner alone.  Blocks, also while another process writes.  Raises
    OSError."""
    make_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # where the file system knows no locks, nearly all lines are whole all the same
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        status = os.fstat(descriptor)
        if status.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        torn = status.st_size and os.pread(descriptor, 1, status.st_size - 1) not in b"\n "
        room = PAGE - status.st_size % PAGE
        filling = b" " * room if room < len(line) + 1 <= PAGE else b""
        line = (b"\n" if torn else b"") + filling + line
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)
