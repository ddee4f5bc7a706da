"""What the engine asks of a host: words of an agent, sound of an engine of the host's own.

In, on the host's side: items, then the end or an error.  Out, on the engine's side: the same, in order.  The host is
told to wait when it is too far ahead, and that nobody wants the rest when nobody does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Generic, TypeAlias, TypeVar

import trio

AHEAD = 64
"""Items that a host may be ahead of the engine."""

CLEAN_UP = 3.0
"""Seconds for which the engine waits for a host that is to end something; the assistant is silent long before."""

T = TypeVar("T")


class HostGone(RuntimeError):
    """The loop or thread that the engine asks for something is not there any more."""


class Errand(Generic[T]):
    """Made on the engine's thread."""

    def __init__(self) -> None:
        self._wanted, self.over = True, False
        self.error: BaseException | None = None
        self._token = trio.lowlevel.current_trio_token()
        self._items: deque[T] = deque()
        self._changed = trio.Event()
        self._given = self._taken = 0
        self._room: Callable[[], None] | None = None

    def wanted(self) -> bool:
        """Whether anybody wants the rest."""
        return self._wanted

    def abandon(self) -> None:
        """On the engine's side: nobody wants the rest."""
        self._wanted = False

    @property
    def has_room(self) -> bool:
        return self._given - self._taken < AHEAD

    def give(self, item: T) -> bool:
        """On the host's side: the next item.  Returns whether there is room for another."""
        self._given += 1
        self._post(lambda: self._items.append(item))
        return self.has_room

    def when_room(self, tell: Callable[[], None]) -> None:
        """On the host's side: have ``tell`` called as soon as there is room, in any thread, and perhaps twice."""
        self._room = tell
        # the engine looks for whom to tell after it has taken something, so one of the two sees the other
        if self.has_room:
            tell()

    def finish(self, error: BaseException | None = None) -> None:
        """On the host's side: that was all.  What is told first counts."""

        def end() -> None:
            if not self.over:
                self.over, self.error = True, error

        self._post(end)

    async def next(self) -> T:
        """On the engine's side.  Raises StopAsyncIteration at the end, or the host's error."""
        while not self._items:
            if self.error is not None:
                raise self.error
            if self.over:
                raise StopAsyncIteration
            await self._change()
        item = self._items.popleft()
        self._taken += 1
        if self._room is not None:
            tell, self._room = self._room, None
            tell()
        return item

    async def end(self) -> None:
        """On the engine's side: wait for the end."""
        while not self.over:
            await self._change()

    async def _change(self) -> None:
        self._changed = trio.Event()
        await self._changed.wait()

    def _post(self, job: Callable[[], None]) -> None:
        def arrive() -> None:
            job()
            self._changed.set()

        with suppress(trio.RunFinishedError):  # nobody is there to be told
            self._token.run_sync_soon(arrive)


Begin: TypeAlias = Callable[[Errand[T]], Callable[[], None]]
"""Has the host start on an errand, and returns what has it end it.  Both return at once and may raise HostGone."""


async def carried(begin: Begin[T], patience: Callable[[], float]) -> AsyncGenerator[T, None]:
    """On the engine's side: what the host gives, as it comes; close this to have the host end it.

    The host's clean-up is waited for, ``patience()`` seconds at most.  Raises what the host raised, as it is.
    """
    errand = Errand[T]()
    end = begin(errand)
    try:
        while True:
            try:
                item = await errand.next()
            except StopAsyncIteration:
                break
            yield item
    finally:
        if not errand.over:
            errand.abandon()
            with trio.move_on_after(patience(), shield=True), suppress(HostGone):
                end()
                await errand.end()
            if errand.error is not None:
                raise errand.error
