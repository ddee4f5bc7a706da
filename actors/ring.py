"""A bounded queue for sound: putting never waits and never fails, and when it is full the oldest item goes.

In: items from one producer.  Out: one consumer that iterates, or takes so much at a time that it is worth being woken.
Losses are counted, not hidden.  It exists because a microphone cannot be asked to wait, which is what a full memory
channel does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import trio
from attrs import frozen

T = TypeVar("T")


@frozen
class RingStatistics:
    capacity: int
    waiting: int
    put: int
    dropped: int


class Ring(Generic[T]):
    """Holds at most ``capacity`` items, the newest ones.  ``close`` lets the consumer finish what is there."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a ring holds at least one item")
        self._items: deque[T] = deque(maxlen=capacity)
        self._capacity = capacity
        self._put = self._dropped = 0
        self._closed = False
        self._changed = trio.Event()
        self._weigh: Callable[[T], int] | None = None
        self._missing = 1
        """What has to come before the consumer is woken."""

    @property
    def over(self) -> bool:
        """Whether nothing waits and no more comes."""
        return self._closed and not self._items

    def put_nowait(self, item: T) -> None:
        """Add ``item``, dropping the oldest when full.  After ``close`` it is dropped itself, and counted."""
        self._put += 1
        if self._closed or len(self._items) == self._capacity:
            self._dropped += 1
        if not self._closed:
            self._items.append(item)
            self._missing -= 1 if self._weigh is None else self._weigh(item)
            if self._missing <= 0 or len(self._items) == self._capacity:
                self._changed.set()

    def flush(self) -> None:
        """Let who waits in ``take`` have what there is."""
        self._changed.set()

    def close(self) -> None:
        """No more items; iteration ends after those that wait.  Idempotent."""
        self._closed = True
        self._changed.set()

    def statistics(self) -> RingStatistics:
        return RingStatistics(self._capacity, len(self._items), self._put, self._dropped)

    def __aiter__(self) -> Ring[T]:
        return self

    async def __anext__(self) -> T:
        if self._items or self._closed:
            await trio.lowlevel.checkpoint()
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._weigh, self._missing = None, 1
            self._changed = trio.Event()
            await self._changed.wait()
        return self._items.popleft()

    async def take(self, enough: int = 1, weigh: Callable[[T], int] | None = None) -> list[T]:
        """All that waits, as soon as it weighs ``enough``, each item 1 without ``weigh``.

        It is less, or nothing, after ``close`` and when it was flushed or the ring is full.
        """
        self._weigh = weigh
        self._missing = enough - (len(self._items) if weigh is None else sum(map(weigh, self._items)))
        if self._missing <= 0 or self._closed or len(self._items) == self._capacity:
            await trio.lowlevel.checkpoint()
        else:
            self._changed = trio.Event()
            await self._changed.wait()
        return self.take_nowait()

    def take_nowait(self) -> list[T]:
        """All that waits."""
        taken = list(self._items)
        self._items.clear()
        return taken
