"""The inbox of an agent in a team of Claude Code: one JSON array.  In: an entry.  Out: it is on disk.

Claude Code takes out what it has read.  What others have put there stays as it is, to the last byte.  An entry has the
member ``id`` beside those that Claude Code knows, which ignores it and keeps it.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import cast

from attrs import frozen

from actors.errors import InboxError, InboxFull

from .claude_lock import kept_from_claude
from .file_care import Pause, alone_with, explaining, no_pause, set_aside, sync_names, write_all
from .remembered import Remembered

log = logging.getLogger(__name__)

LARGEST = 4_000_000
"""Bytes of an inbox; an agent that reads it has a few thousand in it."""

LONGEST_SUMMARY = 50
"""Characters."""

ATTEMPTS = 5
"""How often it is begun again when somebody who heeds no lock has changed the inbox meanwhile."""


@frozen(kw_only=True)
class Entry:
    """``sender`` is ``from`` there."""

    id: str
    sender: str
    text: str
    summary: str
    timestamp: str


@frozen
class _Found:
    """``body`` is what the array holds as it is written, ``stamp`` tells whether the file is still the same."""

    body: bytes = b""
    ids: frozenset[str] = frozenset()
    stamp: tuple[int, ...] | None = None


def add_entry(inbox: Path, entry: Entry, *, pause: Pause = no_pause) -> bool:
    """Return when ``entry`` is durable, False when it had been there before, also if it has been read since.

    A file that is no inbox is set aside.  Raises InboxError, InboxFull among them: then the inbox is as it was.
    """
    with explaining(inbox):
        if not inbox.parent.is_dir():
            inbox.parent.mkdir(0o700, exist_ok=True)
            sync_names(inbox.parent.parent)
        with alone_with(inbox.with_name(f".{inbox.stem}.voicemode-lock"), pause=pause):
            added = _added(inbox, entry, pause)
            sync_names(inbox.parent)
        return added


def _added(inbox: Path, entry: Entry, pause: Pause) -> bool:
    remembered = Remembered(inbox)
    if entry.id in remembered:
        return False
    successor = remembered.successor(entry.id)
    for _ in range(ATTEMPTS):
        with kept_from_claude(inbox, pause=pause) as still_kept:
            found = _found(inbox)
            if entry.id in found.ids:
                return False
            content = _with(found.body, entry)
            if len(content) > LARGEST:
                raise _full(inbox, len(content))
            try:
                _write(successor, content)
                remembered.note(entry.id)
                if still_kept() and _stamp(inbox) == found.stamp:
                    successor.rename(inbox)
                    return True
                remembered.withdraw()
            except BaseException:
                # in this order: an id that is noted without its file would count as given
                remembered.withdraw()
                with suppress(OSError):
                    successor.unlink(missing_ok=True)
                raise
    successor.unlink(missing_ok=True)
    raise InboxError(
        f"{inbox} is changed all the time by a program that heeds no lock, so nothing could be added to it.",
        reason="the inbox is busy",
    )


def _write(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        write_all(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    sync_names(path.parent)


def _found(inbox: Path) -> _Found:
    try:
        file = os.open(inbox, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return _Found()
    with os.fdopen(file, "rb") as opened:
        status = os.fstat(file)
        if status.st_size > LARGEST:
            raise _full(inbox, status.st_size)
        stamp, content = _stamp_of(status), opened.read().strip()
    if not content:
        return _Found(stamp=stamp)
    try:
        entries: object = json.loads(content)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        log.warning("%s was no inbox; what it was is in %s, and the inbox begins anew.", inbox, set_aside(inbox))
        return _Found()
    messages = [cast("dict[str, object]", each) for each in cast("list[object]", entries) if isinstance(each, dict)]
    ids = frozenset(each for message in messages if isinstance(each := message.get("id"), str))
    return _Found(content[1:-1].strip(), ids, stamp)


def _full(inbox: Path, size: int) -> InboxFull:
    return InboxFull(
        f"The inbox {inbox} is full: with one more message it had {size:,} of {LARGEST:,} bytes. Does its agent still "
        "run? What it has read it takes out.",
        reason="the inbox is full",
    )


def _stamp(inbox: Path) -> tuple[int, ...] | None:
    try:
        return _stamp_of(inbox.lstat())
    except FileNotFoundError:
        return None


def _stamp_of(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _with(body: bytes, entry: Entry) -> bytes:
    members = {
        "from": entry.sender,
        "text": entry.text,
        "summary": entry.summary[:LONGEST_SUMMARY],
        "timestamp": entry.timestamp,
        "read": False,
        "id": entry.id,
    }
    lines = json.dumps(members, ensure_ascii=False, indent=2).replace("\n", "\n  ")
    before = body + b",\n  " if body else b""
    return b"[\n  " + before + lines.encode() + b"\n]"
