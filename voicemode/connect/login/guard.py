"""Lets one process at a time change the login: a refresh token is good once, and two who use it lose the login.

In: the folder.  Out: a context.  Waiting is trying again, so that a cancel finds nothing to undo.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from ...locks.lock_file import LockFile
from .errors import LoginError

LONGEST = 90.0
"""Seconds after which whoever changes the login has been stopped at it; asking the provider twice takes 60 at most."""

OFTEN = 0.05
"""Seconds until it is tried again."""

_locking = trio.CapacityLimiter(1)


@asynccontextmanager
async def alone_with_login(base_dir: Path) -> AsyncGenerator[None]:
    """Raises LoginError."""
    path = base_dir / "credentials.lock"
    lock: LockFile | None = None
    try:
        with trio.fail_after(LONGEST):
            # nobody says when a lock of another process is free
            while (lock := await trio.to_thread.run_sync(_take, path, limiter=_locking)) is None:  # noqa: ASYNC110
                await trio.sleep(OFTEN)
    except trio.TooSlowError as error:
        raise LoginError(
            f"Another process has been at the login for {LONGEST:g} s, with {path} locked: it was probably stopped; "
            "let it go on, or end it."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _take(path: Path) -> LockFile | None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LockFile.take(path)
    except OSError as error:
        raise LoginError(
            f"{path} cannot be locked: {error.strerror or error}. Choose another folder with VOICEMODE_BASE_DIR."
        ) from error
