"""Where another engine goes on.  In: one engine's speech as it comes.  Out: what may be played of it, and, when it
breaks off, the first character whose sound was not.

With word times a word goes out whole or not at all.  Without, the latest half second waits, so that there is something
to cut from when the end of the last whole word has been found; but nobody is kept waiting for what is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from ..messages import SAMPLE_BYTES, WordTime

HELD = 0.5
"""Seconds that wait: more than almost all words take, so that a word that was cut can be taken back."""

SHARE = 0.5
"""Of what has come so far that waits at most, so that the first sound need not wait for ``HELD`` of it."""

ROUNDING = 0.5
"""Samples by which a word may end after the sound there is and count as whole."""


@define
class Seam:
    """One engine's speech of ``text`` at ``rate``.  Without word times all of its sound is kept to be looked at."""

    text: str
    rate: int
    sound: bytearray = field(factory=bytearray, init=False)
    words: list[WordTime] = field(factory=list[WordTime], init=False)
    _sent: int = field(default=0, init=False)
    _told: int = field(default=0, init=False)

    @property
    def received(self) -> float:
        """Seconds of sound."""
        return len(self.sound) / (SAMPLE_BYTES * self.rate)

    @property
    def sent(self) -> float:
        """Seconds of the sound that were let out."""
        return self._sent / (SAMPLE_BYTES * self.rate)

    def feed(self, pcm: bytes, words: Sequence[WordTime], due: float = 0.0) -> tuple[bytes, tuple[WordTime, ...]]:
        """Take what came, and let out what may be played by now; ``due`` seconds of it the listener needs."""
        self.sound += pcm
        self.words += words
        if self.words:
            return self._let_out(self._whole())
        return self._let_out(max(due, self.received - min(HELD, SHARE * self.received)))

    def finish(self) -> tuple[bytes, tuple[WordTime, ...]]:
        """All came: let out the rest."""
        pcm = bytes(self.sound[self._sent :])
        words = tuple(self.words[self._told :])
        self._sent, self._told = len(self.sound), len(self.words)
        return pcm, words

    def cut(self, words: Sequence[WordTime]) -> tuple[bytes, int]:
        """It broke off without word times of its own, and ``words`` are those that are whole in its sound.

        Lets out the rest of the last of them, and says at which character of ``text`` to go on.
        """
        whole = [word for word in words if word.finish * self.rate <= self.received * self.rate + ROUNDING]
        pcm, _ = self._let_out(whole[-1].finish) if whole else (b"", ())
        return pcm, following(self.text, whole[-1].end if whole else 0)

    @property
    def next_character(self) -> int:
        """Where to go on when it broke off, by its own word times."""
        return following(self.text, max((word.end for word in self.words[: self._told]), default=0))

    def _whole(self) -> float:
        """Until when, in seconds, no word is cut."""
        there = self.received + ROUNDING / self.rate
        return min((word.begin for word in self.words if word.finish > there), default=self.received)

    def _let_out(self, until: float) -> tuple[bytes, tuple[WordTime, ...]]:
        upto = min(SAMPLE_BYTES * round(until * self.rate), len(self.sound) // SAMPLE_BYTES * SAMPLE_BYTES)
        pcm = bytes(self.sound[self._sent : upto])
        self._sent = max(self._sent, upto)
        told = self._told
        while self._told < len(self.words) and self.words[self._told].finish <= until + ROUNDING / self.rate:
            self._told += 1
        return pcm, tuple(self.words[told : self._told])


def following(text: str, end: int) -> int:
    """The first character after ``end`` with which a voice can begin: that of the next word, with what opens it.

    ``len(text)`` when there is no word any more.
    """
    inside = 0 < end < len(text) and not text[end - 1].isspace() and not text[end].isspace()
    start = end
    for at in range(end, len(text)):
        if text[at].isspace():
            start, inside = at + 1, False
        elif text[at].isalnum():
            return at if inside else start
    return len(text)
