"""A bounded queue for sound: putting never waits and never fails, and when it is full the oldest item goes.

In: items from one producer.  Out: one consumer that iterates.  Losses are counted, not hidden.  It exists because a
microphone cannot be asked to wait, which is what a full memory channel does.
"""

from __future__ import annotations

from collections import deque
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

    def put_nowait(self, item: T) -> None:
        """Add ``item``, dropping the oldest when full.  After ``close`` it is dropped itself, and counted."""
        self._put += 1
        if self._closed or len(self._items) == self._capacity:
            self._dropped += 1
        if not self._closed:
            self._items.append(item)
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
            self._changed = trio.Event()
            await self._changed.wait()
        return self._items.popleft()
