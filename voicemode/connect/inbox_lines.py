"""The inbox of a user: a file of JSON lines to which lines are only ever added.  In: an entry.  Out: it is on disk.

An entry is known by its id, so one that is written again, also after a crash in the middle, is there once.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import cast

from attrs import asdict, frozen

from actors.errors import InboxFull

from .file_care import Pause, alone_with, explaining, no_pause, set_aside, sync_names, write_all

log = logging.getLogger(__name__)

LARGEST = 16_000_000
"""Bytes of an inbox; about a hundred thousand messages as people speak them."""

_BEGIN = b'{"id":"'


@frozen(kw_only=True)
class Line:
    """``id`` is made of letters, digits and a few signs that JSON writes as they are; ``sender`` is ``from`` there."""

    id: str
    sender: str
    text: str
    timestamp: str
    source: str


def add_line(inbox: Path, line: Line, *, pause: Pause = no_pause) -> bool:
    """Return when ``line`` is durable, False when it had been there before.

    A piece of a line, left by who was killed while writing it, is removed; a file that is no inbox is set aside.
    Raises InboxError, InboxFull among them: what was there before still is, and nothing of ``line``.
    """
    with explaining(inbox):
        while True:
            with alone_with(inbox, pause=pause) as file:
                size = os.fstat(file).st_size
                if size > LARGEST:
                    raise _full(inbox, size)
                content = os.pread(file, size, 0)
                if _is_inbox(content):
                    return _added(file, content, line, inbox)
                aside = set_aside(inbox)
            log.warning("%s was no inbox; what it was is in %s, and the inbox begins anew.", inbox, aside)


def _is_inbox(content: bytes) -> bool:
    end = content.find(b"\n")
    first = (content if end < 0 else content[:end]).strip()
    return not first or _object(first) is not None or (end < 0 and _is_piece(first))


def _is_piece(tail: bytes) -> bool:
    return tail.startswith(_BEGIN) or _BEGIN.startswith(tail)


def _object(line: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


def _added(file: int, content: bytes, line: Line, inbox: Path) -> bool:
    whole = content.rfind(b"\n") + 1
    tail, separator = content[whole:], b""
    if tail and _object(tail) is None and _is_piece(tail):
        os.ftruncate(file, whole)
        content = content[:whole]
    elif tail:
        separator = b"\n"
    if _has(content, line.id):
        os.fsync(file)  # who wrote it may have been killed before
        sync_names(inbox.parent)
        return False
    added = separator + _encoded(line)
    if len(content) + len(added) > LARGEST:
        raise _full(inbox, len(content))
    try:
        write_all(file, added)
        os.fsync(file)
    except BaseException:
        os.ftruncate(file, len(content))
        raise
    if not content:
        sync_names(inbox.parent)
    return True


def _full(inbox: Path, size: int) -> InboxFull:
    return InboxFull(
        f"The inbox {inbox} is full: it has {size:,} of {LARGEST:,} bytes. Read it, and move it away.",
        reason="the inbox is full",
    )


def _has(content: bytes, identifier: str) -> bool:
    """Only lines in which the id stands are parsed."""
    sought, at = json.dumps(identifier).encode(), -1
    while (at := content.find(sought, at + 1)) >= 0:
        begin, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at)
        found = _object(content[begin : None if end < 0 else end])
        if found is not None and found.get("id") == identifier:
            return True
    return False


def _encoded(line: Line) -> bytes:
    members = {"from" if name == "sender" else name: value for name, value in asdict(line).items()}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
