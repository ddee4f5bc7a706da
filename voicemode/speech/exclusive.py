"""Lets one worker thread at a time at an engine of which a process has only one."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from weakref import WeakSet

import trio

from ..forks import forget_in_children

PATIENCE = 0.02
"""Seconds a thread waits before it looks whether its task still wants the engine."""


class Exclusive:
    """A lock for threads of ``trio.to_thread``, also of several Trio runs in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _all.add(self)

    @contextmanager
    def hold(self) -> Generator[None]:
        """Wait for the engine and keep it.  Raises Cancelled when the task is cancelled while its thread waits."""
        while not self._lock.acquire(timeout=PATIENCE):
            trio.from_thread.check_cancelled()
        try:
            yield
        finally:
            self._lock.release()

    def forget(self) -> None:
        """In a process that was just forked: the thread that has the engine is not there."""
        self._lock = threading.Lock()


_all = WeakSet[Exclusive]()


def _forget() -> None:
    for each in _all:
        each.forget()


forget_in_children(_forget)
