"""One thread for calls that may hang: work in from any task or thread, done one by one in order, results out.

A call that never returns costs this one thread; whoever waited for it can go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

import trio

SHORTEST_LOOK = 0.01
"""Seconds between two looks at a call that is about to be stuck."""

T = TypeVar("T")
_Job: TypeAlias = tuple["Future[Any]", Callable[[], Any], float]


class Stuck(Exception):
    """A call does not return, and nothing can be done until it does."""


class DeviceThread:
    """A daemon thread that begins with the first call.  For any number of Trio runs, one after another or at once.

    A call that lasts longer than ``patience`` seconds counts as stuck, unless it was given a patience of its own.
    """

    def __init__(self, name: str, patience: float) -> None:
        self._name, self._patience = name, patience
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._until: float | None = None

    @property
    def is_stuck(self) -> bool:
        return self._patience_left <= 0.0

    def forget(self) -> None:
        """In a process that was just forked: the thread is not there, and nobody waits for what it was to do."""
        self._jobs, self._starting = SimpleQueue(), threading.Lock()
        self._thread = self._until = None

    def submit(self, work: Callable[[], T], *, patience: float | None = None) -> Future[T]:
        """Do ``work`` when all that was asked for before is done.  Never blocks."""
        future: Future[T] = Future()
        self._jobs.put((future, work, self._patience if patience is None else patience))
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._idle_name, daemon=True)
                self._thread.start()
        return future

    async def call(self, work: Callable[[], T], *, too_late: Callable[[T], object], patience: float | None = None) -> T:
        """Wait for ``work`` and return or raise what it does.  Raises Stuck when it, or a call before it, is.

        Nobody waits then, nor after a cancel: ``work`` that has not begun never will, and what comes out of work that
        has is given to ``too_late``, in the thread, right after whatever was asked for meanwhile.
        """
        future = self.submit(work, patience=patience)
        done, token = trio.Event(), trio.lowlevel.current_trio_token()

        def wake(_: Future[T]) -> None:
            with suppress(trio.RunFinishedError):  # nobody waits any longer
                token.run_sync_soon(done.set)

        future.add_done_callback(wake)
        try:
            while not done.is_set():
                self._refuse_if_stuck()
                with trio.move_on_after(max(SHORTEST_LOOK, self._patience_left)):
                    await done.wait()
        except BaseException:
            if not future.cancel():
                self.submit(lambda: None if future.exception() else too_late(future.result()))
            raise
        return future.result()

    def _refuse_if_stuck(self) -> None:
        if self.is_stuck:
            raise Stuck

    @property
    def _patience_left(self) -> float:
        """Seconds after which the present call will count as stuck; when there is none, the next one at the soonest."""
        until = self._until
        return self._patience if until is None else until - time.monotonic()

    @property
    def _idle_name(self) -> str:
        return f"{self._name} idle"

    def _run(self) -> None:
        thread = threading.current_thread()
        while True:
            future, work, patience = self._jobs.get()
            if future.set_running_or_notify_cancel():
                self._until, thread.name = time.monotonic() + patience, self._name
                tell = _outcome(future, work)
                self._until, thread.name = None, self._idle_name
                tell()
                del tell
            del future, work  # a thread that waits keeps nothing alive


def _outcome(future: Future[Any], work: Callable[[], Any]) -> Callable[[], None]:
    """Do ``work``; what comes back tells whoever waits how it went."""
    try:
        return partial(future.set_result, work())
    except BaseException as error:  # noqa: BLE001  it belongs to whoever asked
        return partial(future.set_exception, error)
