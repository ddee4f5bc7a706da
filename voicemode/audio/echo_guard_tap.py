"""How loud the loudspeaker is, told to the echo guard: blocks that are played and windows heard in, windows out."""

from __future__ import annotations

from collections import deque

from actors.machines.echo_guard import EchoGuard
from actors.messages import SpeechActivity, seconds_of

from .level import level_of

KEPT = 1000
"""Blocks, about 10 s of sound, that may wait for the next window; then the oldest is forgotten."""


class EchoGuardTap:
    """``played`` is a ``Tap`` and may be called from any thread; ``heed`` is for the one that hears."""

    def __init__(self, guard: EchoGuard) -> None:
        self._guard = guard
        self._waiting: deque[tuple[float, float, float]] = deque(maxlen=KEPT)

    def played(self, at: float, pcm: bytes, rate: int) -> None:
        """Take note of a block that leaves the device at ``at``; takes about 10 µs."""
        self._waiting.append((at, seconds_of(pcm, rate), level_of(pcm)))

    def heed(self, activity: SpeechActivity) -> SpeechActivity:
        """``activity``, with a probability of 0 when it may be echo."""
        while self._waiting:
            self._guard.play(*self._waiting.popleft())
        return self._guard.feed(activity)
