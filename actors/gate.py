"""The wish for an open microphone: one task says which opening it wants or none, another sees to it.

It is a level, not a queue: who looks late sees only the newest wish.  Beside it is the user's own switch, which leaves
the microphone open and lets nothing of them through.
"""

from __future__ import annotations

import trio

from .messages import StreamId


class Gate:
    """Closed at first, and not ``muted``.  ``open``, ``close`` and the switch take effect at once and never wait."""

    def __init__(self) -> None:
        self.muted = False
        self._wanted: StreamId | None = None
        self._changed = trio.Event()
        self._scopes: list[trio.CancelScope] = []

    @property
    def wanted(self) -> StreamId | None:
        """The opening of the microphone that is wished for, or None."""
        return self._wanted

    def open(self, stream: StreamId) -> None:
        """Wish for opening ``stream`` in place of any other.  Idempotent."""
        self._wish(stream)

    def close(self) -> None:
        """Wish for no microphone.  Idempotent."""
        self._wish(None)

    def scope(self, stream: StreamId) -> trio.CancelScope:
        """A scope that is cancelled as soon as ``stream`` is not wished for, which may be already."""
        scope = trio.CancelScope()
        if stream == self._wanted:
            self._scopes.append(scope)
        else:
            scope.cancel("the gate moved on")
        return scope

    async def wait_change(self, seen: StreamId | None) -> StreamId | None:
        """Wait until the wish is another than ``seen``, and return it."""
        await trio.lowlevel.checkpoint()
        while self._wanted == seen:
            await self._changed.wait()
        return self._wanted

    def _wish(self, stream: StreamId | None) -> None:
        if stream == self._wanted:
            return
        self._wanted = stream
        self._changed.set()
        self._changed = trio.Event()
        scopes, self._scopes = self._scopes, []
        for scope in scopes:
            scope.cancel("the gate moved on")
