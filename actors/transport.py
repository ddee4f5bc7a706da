"""The keys of a tape deck for the assistant's voice: one task holds it, lets it go on or skips, another plays.

The speaker is silenced by whoever presses the key, with no queue between; what is to be played next the player sees to.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import trio

from .ports import Playback

USER = "user"
"""Who holds the voice when somebody presses the key."""


class Transport:
    """Going at first.  Its keys take effect at once and never wait; they may be pressed whether anything is played or
    not, and what is held then does not begin."""

    def __init__(self) -> None:
        self._holders: set[str] = set()
        self._finishing = self._writing = False
        self._ducked: int | None = None
        self._playback: Playback | None = None
        self._moved = False
        self._skips: list[int] = []
        self._scope: trio.CancelScope | None = None

    @property
    def held(self) -> bool:
        return bool(self._holders)

    def hold(self, by: str = USER) -> None:
        """Silence the speaker within a quantum, and play nothing until all who hold it let it go on.  Idempotent.

        While nothing is played only the user can hold it.
        """
        if self._playback is None and by != USER:
            return
        if not self._holders:
            self._stop()
        self._holders.add(by)

    def duck(self, gain: float) -> None:
        """Lower the voice to ``gain``, its share of its level, from the next quantum on.

        ``go_on`` then goes back to the word during which that began.  While nothing is played it does nothing.
        """
        if self._playback is not None:
            if self._ducked is None:
                self._ducked = self._playback.played()
            self._playback.duck(gain)

    def go_on(self, by: str = USER) -> None:
        """Play on at full level, with the word that was held or ducked.  Idempotent."""
        if self._playback is not None and self._ducked is not None:
            self._stop()
            self._playback.duck(1.0)
        if by in self._holders:
            self._holders.remove(by)
            self._wake()

    def finish_sentence(self) -> None:
        """Say the sentence that is being said to its end, and give the rest up."""
        if self._playback is not None:
            self._finishing = True
            if not self._writing:
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

    @property
    def finishing(self) -> bool:
        """Whether nothing but the present sentence is to be played any more."""
        return self._finishing

    def take_mark(self) -> int | None:
        """What the speaker had played when it was ducked, if that is where it goes on; asked once."""
        mark, self._ducked = self._ducked, None
        return mark

    @contextmanager
    def playing(self, playback: Playback) -> Generator[None]:
        """Until it is left it is ``playback`` that is silenced.  Raises RuntimeError while another is."""
        if self._playback is not None:
            raise RuntimeError("two voices were to be played at once with one set of keys")
        self._playback = playback
        try:
            yield
        finally:
            if self.take_mark() is not None:
                playback.duck(1.0)
            self._playback, self._finishing = None, False
            self._holders.clear()
            self.take()

    def scope(self, *, writing: bool = False) -> trio.CancelScope:
        """A scope that is cancelled with the next key; one for the player, who is alone.

        What is being written is cut short by a key that silences it, not by one that lets the sentence end.
        """
        self._scope, self._writing = trio.CancelScope(), writing
        return self._scope

    def _stop(self) -> None:
        if self._playback is not None:
            self._moved = True
            self._playback.stop()
        self._wake()

    def _wake(self) -> None:
        if self._scope is not None:
            self._scope.cancel("somebody pressed a key")
