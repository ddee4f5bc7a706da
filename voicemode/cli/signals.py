"""Ctrl-C and SIGTERM: signals in, a polite stop of the turn out, and at the second one a cancellation."""

from __future__ import annotations

import math
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from ..groups import unwrapped

SAME = 0.3
"""Seconds in which another signal is the same wish: ``timeout`` and shells send it to the process and to its group."""


class Stopped(Exception):
    """A signal came before there was anything to show for it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Stopped by {signal.Signals(number).name}.")
        self.exit_code = exit_code_of(number)

    @classmethod
    def by_interrupt(cls) -> Stopped:
        return cls(signal.SIGINT)


def exit_code_of(number: int) -> int:
    """What a shell reports of a process that signal ``number`` ended: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + number


class Signals:
    """``received`` is the first signal, ``stop`` what to do about it; without one everything is cancelled."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.stop: Callable[[], None] | None = None

    async def heed(self, signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
        since = -math.inf
        async for number in signals:
            if self.received is None and self.stop is not None:
                self.stop()
                since = trio.current_time()
            elif trio.current_time() > since + SAME:
                scope.cancel("stopped by a signal")
            self.received = self.received or number


@asynccontextmanager
async def heeding_signals() -> AsyncGenerator[Signals]:
    """Heed SIGINT and SIGTERM inside the context.  Raises Stopped when they have cancelled it."""
    heeded = Signals()
    finished = False
    with unwrapped(), trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(heeded.heed, signals, nursery.cancel_scope)
            yield heeded
            finished = True
            nursery.cancel_scope.cancel("done")
    if heeded.received is not None and not finished:
        raise Stopped(heeded.received)
