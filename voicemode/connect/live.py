"""Who wakes a user, as it stands in the user's directory.  In: the directory.  Out: the process that subscribes, if it
lives.

``live.json`` says which process that is and where messages are to go, ``inbox-live`` leads there, and the process keeps
``live-<ticket>.lock`` locked, which the system undoes when it ends, however it ends.  Only all three together are a
subscription.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ..config.places import write
from ..locks.lock_file import is_locked

RECORD, LINK = "live.json", "inbox-live"

LONGEST = 1 << 16
"""Bytes."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The process ``pid``, which works in ``project``, has subscribed for ``recipient`` in ``team``; ``target`` is the
    path of their inbox, ``since`` the time in ISO 8601."""

    ticket: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    pid: int
    team: str
    recipient: str
    target: str
    since: str
    project: str = ""

    def __str__(self) -> str:
        place = f" in {self.project}" if self.project else ""
        return f"process {self.pid}{place}, for the team {self.team} since {self.since}"


def new_ticket() -> str:
    return secrets.token_hex(8)


def lock_of(directory: Path, ticket: str) -> Path:
    return directory / f"live-{ticket}.lock"


def recorded_in(directory: Path) -> Holder | None:
    """The last that has subscribed, alive or not.  Raises OSError."""
    try:
        with (directory / RECORD).open("rb") as file:
            return msgspec.json.decode(file.read(LONGEST), type=Holder)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_alive(directory: Path, holder: Holder) -> bool:
    """Raises OSError."""
    return is_locked(lock_of(directory, holder.ticket))


def leads_there(directory: Path, holder: Holder) -> bool:
    """Not when something else was put in the place of the link."""
    try:
        return str((directory / LINK).readlink()) == holder.target
    except OSError:
        return False


def put(directory: Path, holder: Holder) -> None:
    """To be called alone.  The record comes before the link, so that no link of ours is without one."""
    write(directory / RECORD, msgspec.json.encode(holder).decode(), private=True)
    beside = directory / f".{LINK}.{holder.ticket}"
    beside.symlink_to(holder.target)
    beside.replace(directory / LINK)
    _sweep(directory, holder.ticket)


def clear(directory: Path, holder: Holder) -> None:
    """Take away what ``holder`` has left; to be called alone, when nobody else is recorded."""
    if leads_there(directory, holder):
        (directory / LINK).unlink(missing_ok=True)
    (directory / RECORD).unlink(missing_ok=True)
    _sweep(directory)


def _sweep(directory: Path, kept: str = "") -> None:
    """Locks of those whom somebody else replaced, or that died, and links that were not put in place any more."""
    for path in [*directory.glob("live-*.lock"), *directory.glob(f".{LINK}.*")]:
        if path != lock_of(directory, kept):
            path.unlink(missing_ok=True)


def is_within(path: Path, directory: Path) -> bool:
    """Whether ``path`` is in ``directory`` when all links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))
