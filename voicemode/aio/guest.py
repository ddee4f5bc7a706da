"""The engine as a guest of an asyncio loop, one for all conversations of the loop that want it so.

It takes its steps in the loop and waits in a thread of Trio's.  When the loop is closed before it has ended, its last
steps are taken where that is noticed: when the thread has its next guest, or when the interpreter exits.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import trio

from ..embed.engine import AT_EXIT, Engine, EngineEnded, watch_exit
from .waiting import settled

T = TypeVar("T")


class Steps:
    """The steps of a guest, in order; those that a loop has dropped are still here."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._steps: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def soon(self, step: Callable[[], object]) -> None:
        self._steps.put(step)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon(self._take)

    def soon_from_any_thread(self, step: Callable[[], object]) -> None:
        self._steps.put(step)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._take)

    def take_all(self, over: Callable[[], bool], patience: float) -> None:
        """Without the loop: take steps until it is ``over``, ``patience`` seconds at most."""
        until = time.monotonic() + patience
        with suppress(Empty):
            while not over():
                self._steps.get(timeout=max(0.0, until - time.monotonic()))()

    def _take(self) -> None:
        with suppress(Empty):
            self._steps.get_nowait()()


class GuestEngine(Engine):
    """Runs in the loop that is running."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self._thread = threading.current_thread()
        self._steps = Steps(self.loop)
        trio.lowlevel.start_guest_run(
            self.run,
            run_sync_soon_threadsafe=self._steps.soon_from_any_thread,
            run_sync_soon_not_threadsafe=self._steps.soon,
            done_callback=self._done,
            host_uses_signal_set_wakeup_fd=True,
        )
        self._token = trio.lowlevel.current_trio_token()
        self._keeper = self.loop.create_task(self._keep(), name="voicemode engine")
        watch_exit(self)

    def admit(self) -> None:
        if threading.current_thread() is not self._thread:
            raise RuntimeError("This conversation is its loop's guest: use it in the thread of that loop.")
        if trio.lowlevel.in_trio_task():
            raise RuntimeError("This was called by a task of the voice engine, which uses voicemode.Conversation.")

    def ask(self, work: Callable[[], T]) -> T:
        self.admit()
        if self.ended.done():
            raise EngineEnded
        return work()

    def join(self) -> None:
        """The thread is its host's."""

    def wind_up(self, patience: float) -> None:
        if threading.current_thread() is not self._thread or self.loop.is_running():
            return
        with suppress(EngineEnded):
            self.post(self.end)
        if self.loop.is_closed():
            self._steps.take_all(self.ended.done, patience)
        else:
            self.loop.run_until_complete(asyncio.wait((self._keeper,), timeout=patience))

    async def _keep(self) -> None:
        """A loop that cancels its tasks before it is closed, as ``asyncio.run`` does, waits for the end of this one."""
        ended = asyncio.wrap_future(self.ended)
        try:
            await asyncio.wait((ended,))
        except asyncio.CancelledError:
            with suppress(EngineEnded):
                self.post(self.end)
            await asyncio.wait((ended,), timeout=AT_EXIT)
            raise

    def _done(self, outcome: Any) -> None:
        self.over(getattr(outcome, "error", None))


_here = threading.local()


async def guest_engine() -> Engine:
    """This loop's guest, with one user more; it is started when there is none.

    Raises RuntimeError when there is one already in another loop of this thread, or another Trio run, also when it is
    that of the process which this one was forked from: Trio would not have a second.
    """
    engine: GuestEngine | None = getattr(_here, "engine", None)
    loop = asyncio.get_running_loop()
    if engine is not None and engine.is_elsewhere and not engine.ended.done():
        raise RuntimeError(
            "This process was forked by a thread that had the voice engine as its guest: open the conversation in "
            "another thread, or without guest=True."
        )
    if engine is not None and engine.loop is not loop and not engine.ended.done():
        if not engine.loop.is_closed():
            raise RuntimeError("Another loop of this thread has the voice engine as its guest; close that first.")
        engine.wind_up(AT_EXIT)
    while engine is not None and engine.ending and not engine.ended.done():
        await settled(engine.ended, lambda: None)
        engine = getattr(_here, "engine", None)
    if engine is None or engine.ended.done():
        _here.engine = engine = GuestEngine()
    engine.users += 1
    return engine
