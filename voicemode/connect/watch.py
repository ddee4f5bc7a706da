"""Who is announced, whenever that changes.  In: the users' files, and time.  Out: all that can be written to now.

The files are watched; that a process has ended changes none, so they are looked at every few seconds as well, which is
all there is where the system tells of no changes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Generator
from pathlib import Path
from threading import Event

import trio
from attrs import define, field
from watchfiles import watch
from watchfiles.main import FileChange

from actors.errors import VoiceError
from actors.link_messages import AgentUser

from .presence import presence_of
from .users import Users, make_private

log = logging.getLogger(__name__)

EVERY = 3.0
"""Seconds after which the users are looked at although no file has changed."""

TOGETHER, QUIET = 400, 100
"""Milliseconds: changes belong together until none comes for ``QUIET``, or for ``TOGETHER`` at most."""


async def watch_users(
    announced: trio.MemorySendChannel[tuple[AgentUser, ...]],
    *,
    users: Users,
    only: Collection[str] = (),
    every: float = EVERY,
) -> None:
    """Send all users at once, and again each time that they differ, or of ``only`` those if it names some.

    Looks at least ``every`` so many seconds.  Raises VoiceError when the directory cannot be made.
    """
    looks, changes = _Looks(users, frozenset(only)), _Changes(users, every)
    threads = trio.CapacityLimiter(1)
    told: tuple[AgentUser, ...] | None = None
    with announced:
        try:
            while True:
                seen = await trio.to_thread.run_sync(looks.look, limiter=threads)
                if seen is not None and seen != told:
                    await announced.send(seen)
                    told = seen
                await trio.to_thread.run_sync(changes.wait, limiter=threads, abandon_on_cancel=True)
        finally:
            changes.stop()


@define
class _Looks:
    users: Users
    only: frozenset[str]
    _told: set[str] = field(factory=set[str], init=False)

    def look(self) -> tuple[AgentUser, ...] | None:
        """None when it cannot be told.  What is wrong is logged when it begins to be."""
        wrong = set[str]()
        try:
            return self._look(wrong)
        except VoiceError as error:
            wrong.add(str(error))
            return None
        finally:
            for sentence in sorted(wrong - self._told):
                log.warning("%s", sentence)
            self._told = wrong

    def _look(self, wrong: set[str]) -> tuple[AgentUser, ...]:
        everybody = self.users.listed()
        wrong |= {user.fault for user in everybody if user.fault}
        if missing := self.only - {user.name for user in everybody}:
            wrong.add(f"VOICEMODE_CONNECT_USERS has {', '.join(sorted(missing))}, and there is no such user.")
        return tuple(
            AgentUser(
                name=user.name,
                host=user.host,
                display_name=user.display_name,
                presence=presence_of(self.users, user.name),
            )
            for user in everybody
            if not self.only or user.name in self.only
        )


class _Changes:
    """One thread at a time waits, until something has changed or might have."""

    def __init__(self, users: Users, every: float) -> None:
        self._users, self._every = users, every
        self._stop = Event()
        self._watching: Generator[set[FileChange]] | None = None
        self._watched: int | None = None
        self._blind = False

    def wait(self) -> None:
        """Raises VoiceError."""
        until = time.monotonic() + self._every
        with self._users.naming():
            begun = self._begin()
        try:
            # what has changed before it was watched is still to be looked at
            while not self._changed() and not begun and time.monotonic() < until and not self._stop.is_set():
                pass
        except (OSError, RuntimeError) as error:  # the latter is what the library has for all it cannot name
            self._end()
            if not self._blind:
                log.info("The users are looked at every %g s, as they cannot be watched: %s", self._every, error)
            self._blind = True
            self._stop.wait(until - time.monotonic())

    def stop(self) -> None:
        """For any thread; who waits goes within ``QUIET``."""
        self._stop.set()

    def _begin(self) -> bool:
        """Whether it had to begin: a directory that was removed and made again is another one to the system."""
        directory = self._users.directory
        make_private(directory)
        number = directory.stat().st_ino
        if number == self._watched:
            return False
        self._end()
        self._watching, self._watched = self._watch(directory), number
        return True

    def _watch(self, directory: Path) -> Generator[set[FileChange]]:
        return watch(
            directory,
            watch_filter=None,
            debounce=TOGETHER,
            step=QUIET,
            stop_event=self._stop,
            rust_timeout=QUIET,
            yield_on_timeout=True,
            raise_interrupt=False,
        )

    def _changed(self) -> bool:
        """Takes ``QUIET`` when nothing has."""
        return self._watching is not None and bool(next(self._watching, None))

    def _end(self) -> None:
        if self._watching is not None:
            self._watching.close()
        self._watching = self._watched = None
