"""One Trio run for the conversations of hosts that have another loop, or none.

In: calls and small jobs from any thread.  Out: their outcomes.  It begins with its first conversation and ends with its
last; what a host forgets is ended when the interpreter exits.  A process that is forked has none: it begins its own.
"""

from __future__ import annotations

import atexit
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from typing import Any, TypeVar

import trio

from ..forks import forget_in_children
from .call import Call

AT_EXIT = 5.0
"""Seconds that all engines together are given to close their devices when the interpreter exits."""

T = TypeVar("T")


class EngineEnded(RuntimeError):
    """There is no engine any more that could do it."""

    def __init__(self, why: str = "The voice engine has ended; open another conversation.") -> None:
        super().__init__(why)


class EngineElsewhere(EngineEnded):
    """The engine runs in the process that this one was forked from."""

    def __init__(self) -> None:
        super().__init__("This conversation belongs to the process that this one was forked from; open another here.")


class Engine(ABC):
    """``users`` are the conversations it is open for; ``ended`` is set when nothing of the run is left."""

    def __init__(self) -> None:
        self.users = 0
        self.ending = False
        self.ended: Future[None] = Future()
        self._process = os.getpid()
        self._token: trio.lowlevel.TrioToken | None = None
        self._nursery: trio.Nursery | None = None
        self._ending = trio.Event()
        self._open: set[Future[Any]] = set()

    @property
    def is_elsewhere(self) -> bool:
        """Whether this process was forked from the one it runs in; then nothing may be waited for."""
        return os.getpid() != self._process

    @abstractmethod
    def admit(self) -> None:
        """Raises RuntimeError where whoever is calling must not wait for the engine."""

    @abstractmethod
    def ask(self, work: Callable[[], T]) -> T:
        """Have ``work``, which takes no time, done between two steps of the engine, and return or raise what it does.

        Raises EngineEnded, and RuntimeError where ``admit`` does.
        """

    @abstractmethod
    def wind_up(self, patience: float) -> None:
        """End everything and wait for that, ``patience`` seconds at most."""

    @abstractmethod
    def join(self) -> None:
        """Once it has ``ended``: return when its thread, if it had one, is gone, which is at once."""

    def post(self, job: Callable[[], object]) -> None:
        """Have ``job``, which must not raise, done soon.  From any thread, also while memory is being collected.

        Raises EngineEnded.
        """
        if self.is_elsewhere:
            raise EngineElsewhere
        if self._token is None:
            raise EngineEnded
        try:
            self._token.run_sync_soon(job)
        except trio.RunFinishedError:
            raise EngineEnded from None

    def start(self, call: Call[Any], nursery: Callable[[], trio.Nursery | None] | None = None) -> None:
        """Run ``call`` in ``nursery``, with the context variables of whoever is calling.

        Raises EngineEnded; where the nursery has closed meanwhile the call is cut short.
        """
        self.expect(call.outcome)
        context = copy_context()
        self.post(lambda: self._begin(call, nursery, context))

    def expect(self, outcome: Future[Any]) -> None:
        """If the engine ends before ``outcome`` is set, it is EngineEnded."""
        self._open.add(outcome)
        outcome.add_done_callback(self._open.discard)

    def release(self) -> None:
        """On the engine's thread: one conversation less; after the last the run ends."""
        self.users -= 1
        if not self.users:
            self.end()

    def end(self) -> None:
        """On the engine's thread."""
        self.ending = True
        self._ending.set()

    async def run(self) -> None:
        """What the Trio run consists of."""
        async with trio.open_nursery() as self._nursery:
            await self._ending.wait()
            self._nursery.cancel_scope.cancel("nobody uses the engine any more")

    def over(self, error: BaseException | None) -> None:
        """The run has ended: whoever waits for it is told so, or why it broke."""
        self.ending = True
        for outcome in tuple(self._open):
            if not outcome.done():
                outcome.set_exception(error or EngineEnded())
        _running.discard(self)
        self.ended.set_result(None)

    def _begin(self, call: Call[Any], nursery: Callable[[], trio.Nursery | None] | None, context: Context) -> None:
        where = self._nursery if nursery is None else nursery()
        if self._nursery is None:
            # a guest's first step comes after what its host asked for
            self.post(lambda: self._begin(call, nursery, context))
            return
        try:
            if where is None:
                call.cut_short()
            else:
                context.run(where.start_soon, call.run)
        except RuntimeError:  # it has closed
            call.cut_short()


_running: set[Engine] = set()
_watching = threading.Lock()


def watch_exit(engine: Engine) -> None:
    """See to it that ``engine`` is ended when the interpreter exits, before the libraries loaded until now go."""
    with _watching:
        if engine.ended.done():
            return
        _running.add(engine)
        atexit.unregister(end_all)
        atexit.register(end_all)


def end_all() -> None:
    for engine in tuple(_running):
        engine.wind_up(AT_EXIT)


def _forget() -> None:
    global _watching  # noqa: PLW0603
    _running.clear()
    _watching = threading.Lock()


forget_in_children(_forget)
