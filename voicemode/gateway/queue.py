"""Messages that wait on the disk for an agent that is not there: a SQLite file that survives whatever happens to us.

Everything here is synchronous and belongs in a thread.  What ``keep`` has returned for is durable.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import cast

from attrs import field, frozen

from actors.errors import VoiceError
from actors.link_messages import Transcription, UserMessageDelivery

from ..connect.wire import WireError, decode, encode
from .events import Discard, Entry, Fetch, Fetched, Keep, Kept, NotKept, Remember

DAY = 86_400.0

AT_ONCE = 20
"""How many are fetched."""

TAKEN = 0.5
"""Seconds after which a file that somebody has is not waited for any more."""

_UNUSABLE = "The queue {path} cannot be opened: {error}. Name another file with --queue."

MOST_NAMES = 300
"""Of one account that can be written to."""

_SCHEMA = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    target TEXT NOT NULL,
    frame TEXT NOT NULL,
    kept REAL NOT NULL,
    UNIQUE (account, id)
);
CREATE INDEX IF NOT EXISTS message_target ON message (account, target, number);
CREATE INDEX IF NOT EXISTS message_kept ON message (kept);
CREATE TABLE IF NOT EXISTS name (
    account TEXT NOT NULL,
    target TEXT NOT NULL,
    seen REAL NOT NULL,
    PRIMARY KEY (account, target)
);
"""


class QueueError(VoiceError):
    """The queue's file cannot be used."""


@frozen(kw_only=True)
class QueueLimits:
    """``age`` in seconds."""

    per_account: int = 1_000
    in_all: int = 100_000
    age: float = 7 * DAY


@frozen
class MessageQueue:
    """``clock`` gives seconds since 1970."""

    _connection: sqlite3.Connection
    _path: Path
    _limits: QueueLimits = QueueLimits()
    _clock: Callable[[], float] = field(default=time.time)

    @classmethod
    def open(
        cls, path: Path, limits: QueueLimits | None = None, clock: Callable[[], float] = time.time
    ) -> MessageQueue:
        """The file is made if there is none, and only its owner can read it.  Raises QueueError."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.chmod(0o600)
            # every call is made in some thread, but never two at once
            connection = sqlite3.connect(path, timeout=TAKEN, check_same_thread=False, isolation_level=None)
            with ExitStack() as unless_opened:
                unless_opened.callback(connection.close)
                connection.executescript(_SCHEMA)
                unless_opened.pop_all()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise QueueError(_UNUSABLE.format(path=path, error=error)) from error
            raise QueueError(
                f"The queue {path} is another gateway's, which runs: each has one of its own, named with --queue."
            ) from error
        except (OSError, sqlite3.Error) as error:
            raise QueueError(_UNUSABLE.format(path=path, error=error)) from error
        return cls(connection, path, limits or QueueLimits(), clock)

    def close(self) -> None:
        self._connection.close()

    def count(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM message").fetchone()
        return int(count)

    def carry_out(self, commands: Sequence[Keep | Fetch | Discard | Remember]) -> list[Kept | NotKept | Fetched]:
        """All of them in one transaction, durable when it returns.  Raises QueueError; then nothing was done."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    cursor.execute("DELETE FROM message WHERE kept < ?", (self._clock() - self._limits.age,))
                    room = self._limits.in_all - self.count() if any(isinstance(each, Keep) for each in commands) else 0
                    done: list[Kept | NotKept | Fetched] = []
                    for command in commands:
                        if (result := self._do(cursor, command, room)) is not None:
                            done.append(result)
                            room -= isinstance(result, Kept)
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise QueueError(f"The queue {self._path} cannot be written: {error}.") from error
        return done

    def _do(
        self, cursor: sqlite3.Cursor, command: Keep | Fetch | Discard | Remember, room: int
    ) -> Kept | NotKept | Fetched | None:
        match command:
            case Keep(entry):
                return self._keep(cursor, entry, room)
            case Fetch(account, targets):
                return self._fetch(cursor, account, targets)
            case Discard(account, message_id, targets):
                cursor.execute(
                    f"DELETE FROM message WHERE account = ? AND id = ? AND target IN ({_marks(targets)})",  # noqa: S608
                    (account, message_id, *targets),
                )
            case Remember(account, targets):
                now = self._clock()
                cursor.executemany(
                    "INSERT INTO name VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen",
                    [(account, target, now) for target in targets],
                )
                cursor.execute(
                    "DELETE FROM name WHERE account = ?1 AND target NOT IN "
                    "(SELECT target FROM name WHERE account = ?1 ORDER BY seen DESC LIMIT ?2)",
                    (account, MOST_NAMES),
                )
        return None

    def _keep(self, cursor: sqlite3.Cursor, entry: Entry, room: int) -> Kept | NotKept:
        account, target = entry.account, entry.target
        if self._one(cursor, "SELECT count(*) FROM message WHERE account = ? AND id = ?", account, entry.id):
            return Kept(account, entry.id)
        if not self._one(cursor, "SELECT count(*) FROM name WHERE account = ? AND target = ?", account, target):
            return NotKept(account, entry.id, "nobody of that name has been here")
        if self._one(cursor, "SELECT count(*) FROM message WHERE account = ?", account) >= self._limits.per_account:
            return NotKept(account, entry.id, "too many messages are kept already")
        if room <= 0:
            return NotKept(account, entry.id, "the gateway keeps as many messages as it can")
        cursor.execute(
            "INSERT INTO message (account, id, target, frame, kept) VALUES (?, ?, ?, ?, ?)",
            (account, entry.id, target, encode(entry.message), self._clock()),
        )
        return Kept(account, entry.id)

    def _fetch(self, cursor: sqlite3.Cursor, account: str, targets: Sequence[str]) -> Fetched | None:
        rows = cursor.execute(
            f"SELECT id, target, frame FROM message WHERE account = ? AND target IN ({_marks(targets)}) "  # noqa: S608
            "ORDER BY number LIMIT ?",
            (account, *targets, AT_ONCE),
        ).fetchall()
        entries: list[Entry] = []
        for message_id, target, frame in cast("list[tuple[str, str, str]]", rows):
            try:
                message = decode(frame)
            except WireError:
                continue
            if isinstance(message, UserMessageDelivery | Transcription):
                entries.append(Entry(account=account, id=message_id, target=target, message=message))
        return Fetched(account, tuple(entries)) if entries else None

    def _one(self, cursor: sqlite3.Cursor, query: str, *values: object) -> int:
        return int(cursor.execute(query, values).fetchone()[0])


def _marks(targets: Sequence[str]) -> str:
    return ", ".join("?" * len(targets))
