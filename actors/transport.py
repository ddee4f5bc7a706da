"""The keys of a tape deck for the assistant's voice: one task holds it, lets it go on or skips, another plays.

The speaker is silenced by whoever presses the key, with no queue between; what is to be played next the player sees to.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import trio

from .ports import Playback


class Transport:
    """Going at first.  Its keys take effect at once and never wait; they may be pressed whether anything is played or
    not, and what is held then does not begin."""

    def __init__(self) -> None:
        self._held = False
        self._playback: Playback | None = None
        self._moved = False
        self._skips: list[int] = []
        self._scope: trio.CancelScope | None = None

    @property
    def held(self) -> bool:
        return self._held

    def hold(self) -> None:
        """Silence the speaker within a quantum, and play nothing until ``go_on``.  Idempotent."""
        if not self._held:
            self._held = True
            self._stop()

    def go_on(self) -> None:
        """Play on, with the word that was held.  Idempotent."""
        if self._held:
            self._held = False
            self._wake()

    def skip(self, sentences: int) -> None:
        """Go so many sentences on or, below 0, back, as ``machines.tape.Tape.skip`` does; what is held stays so.

        While nothing is played it does nothing.
        """
        if sentences and self._playback is not None:
            self._skips.append(sentences)
            self._stop()

    @property
    def moved(self) -> bool:
        """Whether the speaker was silenced and ``take`` has not been called since."""
        return self._moved

    def take(self) -> list[int]:
        """The skips since the last call, in order."""
        skips, self._skips, self._moved = self._skips, [], False
        return skips

    @contextmanager
    def playing(self, playback: Playback) -> Generator[None]:
        """Until it is left it is ``playback`` that is silenced.  Raises RuntimeError while another is."""
        if self._playback is not None:
            raise RuntimeError("two voices were to be played at once with one set of keys")
        self._playback = playback
        try:
            yield
        finally:
            self._playback = None
            self.take()

    def scope(self) -> trio.CancelScope:
        """A scope that is cancelled with the next key; one for the player, who is alone."""
        self._scope = trio.CancelScope()
        return self._scope

    def _stop(self) -> None:
        if self._playback is not None:
            self._moved = True
            self._playback.stop()
        self._wake()

    def _wake(self) -> None:
        if self._scope is not None:
            self._scope.cancel("somebody pressed a key")
