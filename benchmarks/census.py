"""How full the queues of a running system get: every channel and ring made meanwhile in, their fullest moments out.

They are private to who made them, so the makers themselves are watched: use it in a benchmark, nowhere else.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import trio
from attrs import define, field

from actors.ring import Ring


@define
class Queue:
    """All queues that were made at one place.  ``dropped`` counts what rings have lost."""

    capacity: float
    made: int = 0
    peak: int = 0
    dropped: int = 0


@define
class Census:
    """``queues`` by where they are made, in the words of the line that does; of channels, those ``count`` has seen."""

    queues: dict[str, Queue] = field(factory=dict[str, Queue])
    _open: list[tuple[str, trio.MemoryReceiveChannel[Any]]] = field(
        factory=list[tuple[str, trio.MemoryReceiveChannel[Any]]]
    )
    _rings: WeakKeyDictionary[Ring[Any], str] = field(factory=WeakKeyDictionary["Ring[Any]", str])
    _dropped: WeakKeyDictionary[Ring[Any], int] = field(factory=WeakKeyDictionary["Ring[Any]", int])

    def count(self) -> None:
        """Take down the peaks so far and forget the channels that are closed."""
        still_open: list[tuple[str, trio.MemoryReceiveChannel[Any]]] = []
        for place, channel in self._open:
            now = channel.statistics()
            queue = self.queues[place]
            queue.peak = max(queue.peak, now.peak_buffer_used)
            if now.open_receive_channels:
                still_open.append((place, channel))
        self._open = still_open

    @property
    def still_open(self) -> int:
        """Channels that somebody could still receive from at the last ``count``."""
        return len(self._open)

    def channel_made(self, place: str, size: float, channel: trio.MemoryReceiveChannel[Any]) -> None:
        self._queue(place, size).made += 1
        self._open.append((place, channel))

    def ring_made(self, place: str, ring: Ring[Any]) -> None:
        self._queue(place, ring.statistics().capacity).made += 1
        self._rings[ring] = place

    def ring_grown(self, ring: Ring[Any]) -> None:
        queue, now = self.queues[self._rings[ring]], ring.statistics()
        queue.peak = max(queue.peak, now.waiting)
        queue.dropped += now.dropped - self._dropped.get(ring, 0)
        self._dropped[ring] = now.dropped

    def _queue(self, place: str, capacity: float) -> Queue:
        return self.queues.setdefault(place, Queue(capacity))


class _Maker:
    """Stands in for ``trio.open_memory_channel`` and its type parameter."""

    def __init__(self, make: Callable[[float], Any], census: Census) -> None:
        self._make, self._census = make, census

    def __getitem__(self, _: object) -> _Maker:
        return self

    def __call__(self, size: float) -> Any:
        send, receive = self._make(size)
        self._census.channel_made(_place(), size, receive)
        return send, receive


@contextmanager
def watching_queues() -> Generator[Census]:
    census = Census()
    ring: type[Ring[Any]] = Ring
    make, begin, put = trio.open_memory_channel, ring.__init__, ring.put_nowait
    # none of them may be assigned to, for a type checker; setattr is not asked
    replaced: list[tuple[object, str, object]] = [
        (trio, "open_memory_channel", make),
        (ring, "__init__", begin),
        (ring, "put_nowait", put),
    ]

    def ring_begins(ring: Ring[Any], capacity: int) -> None:
        begin(ring, capacity)
        census.ring_made(_place(), ring)

    def ring_takes(ring: Ring[Any], item: Any) -> None:
        put(ring, item)
        census.ring_grown(ring)

    for (owner, name, _), watched in zip(replaced, (_Maker(make, census), ring_begins, ring_takes), strict=True):
        setattr(owner, name, watched)
    try:
        yield census
    finally:
        for owner, name, original in replaced:
            setattr(owner, name, original)


def _place() -> str:
    """The file and the names that the nearest caller outside this file and ``typing`` assigns to."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # who asks is not among the arguments
    while frame.f_back is not None and Path(frame.f_code.co_filename).stem in {"census", "typing"}:
        frame = frame.f_back
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return f"{Path(frame.f_code.co_filename).stem}: {line.partition('=')[0].strip()}"
