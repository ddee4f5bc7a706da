"""Events on their way to a host that may be slow.  In: a watcher's ring.  Out: events, as the host asks for them.

What the host does not ask for waits in the ring, which drops the oldest; nothing is held up by a host.
"""

from __future__ import annotations

from collections import deque

from actors.events import Event
from actors.ring import Ring


class Feed:
    """``ready`` are those that have been taken across; they are removed by the host, in its own thread."""

    def __init__(self, ring: Ring[Event]) -> None:
        self.ready: deque[Event] = deque()
        self._ring = ring

    async def take(self) -> bool:
        """On the engine's thread: wait for an event and take what there is.  Returns whether there will be more."""
        async for event in self._ring:
            self.ready.append(event)
            if not self._ring.statistics().waiting:
                return True
        return False
