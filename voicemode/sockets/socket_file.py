"""A listening socket and its name in the file system.  In: a path.  Out: the socket, reachable by its owner alone.

What a killed process left behind is replaced; a socket somebody listens at, and anything that is no socket, is not.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import Self

from attrs import frozen

from actors.errors import SettingsError

OURS = ".voicemode"
"""The name of a directory that is for this program alone, so that its permissions are ours to mend."""

WAITING = 64
"""Connections that may wait to be accepted."""

MOMENT = 1.0
"""Seconds that another process may take to make a socket in the same directory; it takes a millisecond."""


@frozen(kw_only=True)
class Purpose:
    """What a socket is for, in errors: ``called`` as in "a control socket", ``taken`` what to say when somebody listens
    there already, ``elsewhere`` what to do when there can be none."""

    called: str
    taken: str
    elsewhere: str


class SocketFile:
    """``take`` blocks for up to a second; ``release`` does not."""

    def __init__(self, path: Path, listening: socket.socket) -> None:
        self._path, self.socket = path, listening
        self._made = path.lstat()

    @classmethod
    def take(cls, path: Path, purpose: Purpose) -> Self:
        """Listen at ``path``.  Raises SettingsError that names it when that cannot be."""
        try:
            _make_private(path.parent, purpose)
            with _alone_in(path.parent):
                _make_room(path, purpose)
                return cls._made_at(path)
        except OSError as error:
            raise SettingsError(
                f"Nobody can be listened to at {path}: {error.strerror or error}; {purpose.elsewhere}."
            ) from error

    @classmethod
    def _made_at(cls, path: Path) -> Self:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(os.fspath(path))
            path.chmod(0o600)  # before it listens, so that nobody can have connected
            listening.listen(WAITING)
            return cls(path, listening)
        except BaseException:
            listening.close()
            raise

    def release(self) -> None:
        """Take the name away, unless it is somebody else's by now, and close the socket.  Idempotent."""
        with suppress(OSError):
            if os.path.samestat(self._path.lstat(), self._made):
                self._path.unlink()
        self.socket.close()


def _make_private(directory: Path, purpose: Purpose) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid():
        raise SettingsError(
            f"{directory} belongs to somebody else, who could take {purpose.called} away; {purpose.elsewhere}."
        )
    if directory.name == OURS and found.st_mode & 0o077:
        directory.chmod(0o700)
    elif found.st_mode & 0o022:
        raise SettingsError(
            f"Others may write to {directory}, and could take {purpose.called} away: chmod go-w "
            f"{quote(str(directory))}, or {purpose.elsewhere}."
        )


@contextmanager
def _alone_in(directory: Path) -> Generator[None]:
    """Of two that find a socket nobody listens at, the second would take away what the first has just made."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        until = time.monotonic() + MOMENT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)
            except OSError:  # a file system without locks
                break
            else:
                break
        yield
    finally:
        os.close(descriptor)


def _make_room(path: Path, purpose: Purpose) -> None:
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise SettingsError(f"{path} is no socket and stays as it is; {purpose.elsewhere}.")
    if _is_listened_at(path):
        raise SettingsError(f"{purpose.taken} at {path} already; end that, or {purpose.elsewhere}.")
    path.unlink(missing_ok=True)


def _is_listened_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:  # so many wait to be accepted that there is no room for another
            return True
        return True
