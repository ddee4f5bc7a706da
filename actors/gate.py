"""The wish for an open microphone: one task says which opening it wants or none, another sees to it.

It is a level, not a queue: who looks late sees only the newest wish.  Beside it is the user's own switch, which leaves
the microphone open and lets nothing of them through.
"""

from __future__ import annotations

import trio

from .messages import SAMPLE_BYTES, AudioFrame, StreamId


class Gate:
    """Closed at first, and not ``muted``.  ``open``, ``close`` and the switch take effect at once and never wait."""

    def __init__(self) -> None:
        self._muted_since: float | None = None
        self._wanted: StreamId | None = None
        self._changed = trio.Event()
        self._scopes: list[trio.CancelScope] = []

    @property
    def muted(self) -> bool:
        return self._muted_since is not None

    def mute(self, since: float | None) -> None:
        """Let nothing of the user through that they say after ``since``, or with None everything again."""
        self._muted_since = since

    def heard(self, frame: AudioFrame) -> bytes:
        """The sound of ``frame``, silent from where nothing is let through."""
        if self._muted_since is None or self._muted_since >= frame.end:
            return frame.pcm
        kept = SAMPLE_BYTES * max(0, round((self._muted_since - frame.start) * frame.rate))
        return frame.pcm[:kept] + bytes(len(frame.pcm) - kept)

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
