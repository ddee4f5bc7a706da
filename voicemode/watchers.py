"""Whoever watches a conversation.  In: events as they happen.  Out: the same events to each watcher, in order.

A watcher that falls behind loses the oldest events, which its ring counts; it never holds up the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

from actors.events import Event
from actors.ports import Cued
from actors.ring import Ring

BACKLOG = 4096
"""Events a watcher may be behind: about two minutes of a conversation."""


class Watchers:
    """Hands every event to the devices that act on it, then to everybody who watches."""

    def __init__(self, cued: Iterable[Cued]) -> None:
        self._cued = tuple(cued)
        self._rings: WeakSet[Ring[Event]] = WeakSet()
        self.closed = False

    def add(self, cued: Cued) -> None:
        """Tell it everything from now on, as the devices."""
        self._cued = (*self._cued, cued)

    def publish(self, event: Event) -> None:
        for device in self._cued:
            device.cue(event)
        if self._rings:
            for ring in tuple(self._rings):
                ring.put_nowait(event)

    def watch(self) -> Ring[Event]:
        """Events from now on, until the conversation closes or the ring is forgotten."""
        ring = Ring[Event](BACKLOG)
        if self.closed:
            ring.close()
        self._rings.add(ring)
        return ring

    def close(self) -> None:
        self.closed = True
        for ring in tuple(self._rings):
            ring.close()
