"""Which messages a team's inbox has been given, although Claude Code takes out of it what it has read.

In: ids, each with the file that is about to become the inbox.  Out: whether an id has been given.

What makes a kill harmless at any moment is the order.  First the new inbox is written, under a name made of the id;
then the id is noted; then the new inbox takes the place of the old one, and its own name is gone.  So an id that is
noted has been given, unless that name is still there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .file_care import sync_names, write_all

AT_LEAST = 1_000
"""How many ids are remembered; when there are twice as many the older ones are forgotten."""

_NEW = ".voicemode-new"


class Remembered:
    """For who has the inbox alone.  Methods block and raise OSError."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._notes = inbox.with_name(f".{inbox.stem}.voicemode-ids")
        self._ids = list[str]()
        self._end = 0
        """Bytes of the notes before what is noted from now on."""
        self._recover()

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._ids

    def successor(self, identifier: str) -> Path:
        """The file that is to become the inbox when ``identifier`` is given."""
        return self._inbox.with_name(f"{self._prefix}{hashlib.sha256(identifier.encode()).hexdigest()[:16]}{_NEW}")

    def note(self, identifier: str) -> None:
        """Its successor is there, and from here on is not to be removed before ``withdraw``."""
        self._end = self._notes.stat().st_size if self._notes.exists() else 0
        file = os.open(self._notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_all(file, f"{identifier}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
        if not self._end:
            sync_names(self._notes.parent)
        self._ids.append(identifier)

    def withdraw(self) -> None:
        """What has been noted, perhaps not to the end, was not given."""
        if self._notes.exists():
            self._shorten(self._end)

    def _recover(self) -> None:
        content = self._notes.read_bytes() if self._notes.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._shorten(whole)
        self._ids, self._end = content[:whole].decode(errors="replace").split("\n")[:-1], whole
        left = [path for path in self._inbox.parent.iterdir() if self._is_successor(path.name)]
        if self._ids and self.successor(self._ids[-1]) in left:
            self._end = content.rfind(b"\n", 0, whole - 1) + 1
            self.withdraw()
            self._ids.pop()
        for path in left:
            path.unlink()
        if len(self._ids) >= 2 * AT_LEAST:
            self._forget_the_older()

    @property
    def _prefix(self) -> str:
        return f".{self._inbox.stem}."

    def _is_successor(self, name: str) -> bool:
        return name.startswith(self._prefix) and name.endswith(_NEW) and name.count(".") == self._prefix.count(".") + 1

    def _shorten(self, size: int) -> None:
        file = os.open(self._notes, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(file, size)
            os.fsync(file)
        finally:
            os.close(file)

    def _forget_the_older(self) -> None:
        self._ids = self._ids[-AT_LEAST:]
        beside = self._notes.with_name(f"{self._notes.name}.shorter")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_all(file, "".join(f"{each}\n" for each in self._ids).encode())
            os.fsync(file)
        finally:
            os.close(file)
        beside.rename(self._notes)
        sync_names(self._notes.parent)
