"""What a host asks of the engine.  In: an async function.  Out: what it returns or raises, for any thread to see.

An outcome is a plain box: nobody cancels it but the call, so that it is set exactly once and never races.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import trio

from ..groups import unwrapped

T = TypeVar("T")


class CancelledByHost(Exception):
    """The outcome of a call that its host has given up: it is over, and there is nothing to return."""


class Call(Generic[T]):
    """``outcome`` is set when all that ``work`` started is over; when it was cut short from outside, ``cut`` is to."""

    def __init__(self, work: Callable[[], Awaitable[T]], *, cut: Callable[[Call[Any]], None] | None = None) -> None:
        self.outcome: Future[T] = Future()
        self._work, self._cut, self._scope = work, cut, trio.CancelScope()
        self._verdict: BaseException = CancelledByHost()

    def cancel(self, reason: str, verdict: BaseException | None = None) -> None:
        """On the engine's thread: end the work, also before it begins; ``verdict`` is what then comes out of it."""
        if verdict is not None and not self._scope.cancel_called:
            self._verdict = verdict
        self._scope.cancel(reason)

    def cut_short(self) -> None:
        """On the engine's thread: it was not done, or not to its end, and not because its host wanted it so."""
        if self._cut is not None:
            self._cut(self)

    async def run(self) -> None:
        """Do the work.  Raises Cancelled alone, when it is cut short."""
        try:
            with unwrapped(), self._scope:
                value = await self._work()
                self.outcome.set_result(value)
                return
            self.outcome.set_exception(self._verdict)
        except trio.Cancelled:
            self.cut_short()
            raise
        except BaseExceptionGroup as group:
            if group.split(trio.Cancelled)[1] is None:
                self.cut_short()
                raise
            self.outcome.set_exception(group)
        except BaseException as error:  # noqa: BLE001  it is for whoever asked
            self.outcome.set_exception(error)
        finally:
            # the error's traceback holds this frame, which must not hold the error
            del self
