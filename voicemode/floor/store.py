"""The floor in files that all processes share.  In: a change.  Out: what came of it, written down.

In ``conch.d`` there are ``state.json``, the machine's state; a locked file for every ticket in it, by which others see
that its process lives; and ``guard``, locked while any of this is changed.  The file ``conch`` beside it says who has
the floor to whoever wants to know, in the form of VoiceMode 8, and is not read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import trio

from actors.errors import VoiceError
from actors.machines.floor import FloorState

from ..locks.alone import alone_with
from ..locks.lock_file import LockFile, is_locked
from .report import holder_of

Result = TypeVar("Result")

Change = Callable[[FloorState, float], tuple[FloorState, Result]]
"""From the state at a time, in seconds since 1970, to the one after it and what came of it."""

LOCK = ".lock"


class Store:
    """For threads of ``trio.to_thread``: every method blocks for the milliseconds that files take, two seconds at most,
    and raises VoiceError, and Cancelled when the task is cancelled while its thread waits."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self.directory, self._clock = directory, clock
        self._files, self._public = directory / "conch.d", directory / "conch"

    def change(self, change: Change[Result]) -> Result:
        """Let nobody else at the floor while it is changed; first of all those that are gone leave it."""
        with self._naming():
            self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
            with alone_with(
                self._files / "guard",
                "where agents take turns at the voice",
                waiting=trio.from_thread.check_cancelled,
            ):
                return self._changed(change)

    def peek(self) -> tuple[FloorState, float] | None:
        """How it stands, and when; None where that is yet to be written.

        Others may be at the files meanwhile: who only waits keeps nobody from them, and is seldom stopped there.
        """
        with self._naming():
            before, now = self._read(), self._clock()
            seen = before.at(now, self._alive(before))
            return (seen, now) if seen == before else None

    def look(self) -> FloorState:
        """How it stands.  Where nobody has ever spoken nothing is made."""
        peeked = self.peek()
        return self.change(lambda state, _: (state, state)) if peeked is None else peeked[0]

    def lock(self, ticket: str) -> LockFile:
        """Within a change that puts ``ticket`` into the state.  Raises OSError."""
        lock = LockFile.take(self._files / f"{ticket}{LOCK}")
        if lock is None:
            raise VoiceError(f"The ticket {ticket} is taken in {self._files}: ask again.")
        return lock

    @contextmanager
    def _naming(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise VoiceError(
                f"Agents cannot take turns at the voice in {self.directory}: {error.strerror or error}. Choose another "
                "directory with VOICEMODE_BASE_DIR, or let each speak when it likes with VOICEMODE_CONCH_ENABLED=false."
            ) from error

    def _alive(self, state: FloorState) -> set[str]:
        return {ticket for ticket in state.tickets if is_locked(self._files / f"{ticket}{LOCK}")}

    def _changed(self, change: Change[Result]) -> Result:
        before, now = self._read(), self._clock()
        after, result = change(before.at(now, self._alive(before)), now)
        after = after.at(now, after.tickets)
        if after != before:
            self._write(before, after)
        for path in self._files.glob(f"*{LOCK}"):
            if path.name.removesuffix(LOCK) not in after.tickets:
                path.unlink(missing_ok=True)
        return result

    def _read(self) -> FloorState:
        """What cannot be read, as after a loss of power, is of nobody who lives."""
        try:
            return msgspec.json.decode((self._files / "state.json").read_bytes(), type=FloorState)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return FloorState()

    def _write(self, before: FloorState, after: FloorState) -> None:
        self._put(self._files / "state.json", None if after == FloorState() else msgspec.json.encode(after))
        holder = holder_of(after)
        if holder != holder_of(before):
            self._put(self._public, None if holder is None else msgspec.json.encode(holder))

    def _put(self, path: Path, content: bytes | None) -> None:
        """All of it or nothing, for its owner alone; None takes the file away."""
        if content is None:
            path.unlink(missing_ok=True)
            return
        beside = self._files / f"{path.name}.new"
        with open(beside, "wb", opener=_private) as file:
            file.write(content)
        beside.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
