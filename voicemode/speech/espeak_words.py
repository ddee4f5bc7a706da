"""Puts espeak-ng's audio and its word events together.  In: blocks as the engine makes them.  Out: Synthesis.

A block is handed on once all words that begin in it are known, which is when the word after the last of them begins;
so words always come with the audio in which they begin.  The engine is a thousand times faster than speech.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from attrs import define, frozen
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES, Synthesis, WordTime

QUIET = 100
"""A word's sound ends with its last sample beyond this: -50 dB of full scale.  The engine's pauses are digital silence,
so that a pause after a word is no part of it."""


@frozen(kw_only=True)
class WordEvent:
    """The engine begins to say ``length`` characters at character ``position`` with sample ``sample``.

    The length may be 0 or reach too far, and a number or an abbreviation has several events within its characters.
    """

    position: int
    length: int
    sample: int


@define
class _Word:
    start: int
    claimed: int
    """Events for characters before this one go on with the same word."""
    begin: int


class SpokenText:
    """One text on its way through the engine.

    A word's characters reach to those of the next, without the white space and the opening quotes between, so that
    what has no event of its own (a dash, an article that the engine draws into the word before) goes with the word
    before it; what precedes the first event goes with the first word.
    """

    def __init__(self, text: str, rate: int) -> None:
        self._text, self._rate = text, rate
        self._held: deque[tuple[int, bytes]] = deque()
        self._words: deque[WordTime] = deque()
        self._word: _Word | None = None
        self._samples = 0
        self._sound_end = 0

    def feed(self, pcm: bytes, events: Sequence[WordEvent]) -> list[Synthesis]:
        """Take the next block and the words that begin in it; returns what is complete."""
        first, samples = self._samples, np.frombuffer(pcm, "<i2")
        self._held.append((first, pcm))
        for event in events:
            # Faster than 450 words a minute the engine places events up to a block too late.
            at = min(max(event.sample, self._samples), first + len(samples))
            self._listen(samples[self._samples - first : at - first])
            self._begin(event, at)
        self._listen(samples[self._samples - first :])
        return self._complete(self._word.begin) if self._word else []

    def finish(self) -> list[Synthesis]:
        """The rest; nothing when there was no sound in all of it."""
        if self._word:
            self._end_word(len(self._text))
        return self._complete(self._samples) if self._sound_end else []

    def _listen(self, samples: NDArray[np.int16]) -> None:
        loud = np.flatnonzero((samples > QUIET) | (samples < -QUIET))
        if len(loud):
            self._sound_end = self._samples + int(loud[-1]) + 1
        self._samples += len(samples)

    def _begin(self, event: WordEvent, sample: int) -> None:
        text, start = self._text, event.position
        if not 0 <= start < len(text) or text[start].isspace():
            return
        if self._word is None:
            before = text[:start]
            if any(letter.isalnum() for letter in before):
                start, sample = len(before) - len(before.lstrip()), 0
        elif start < self._word.claimed:
            return
        else:
            self._end_word(start)
        self._word = _Word(start, max(event.position + event.length, start + 1), sample)

    def _end_word(self, following: int) -> None:
        """End the word that is being said before character ``following``."""
        assert self._word is not None  # noqa: S101 - both callers have looked
        start, begin = self._word.start, self._word.begin
        end = following
        while end > start and following < len(self._text) and not self._text[end - 1].isspace():
            end -= 1
        end = start + len(self._text[start : end if end > start else following].rstrip())
        finish = max(self._sound_end, begin)
        self._words.append(WordTime(start=start, end=end, begin=begin / self._rate, finish=finish / self._rate))
        self._word = None

    def _complete(self, until: int) -> list[Synthesis]:
        """The blocks that end at sample ``until`` or before, with the words that begin in them."""
        done: list[Synthesis] = []
        while self._held and (end := self._held[0][0] + len(self._held[0][1]) // SAMPLE_BYTES) <= until:
            _, pcm = self._held.popleft()
            words: list[WordTime] = []
            while self._words and (not self._held or round(self._words[0].begin * self._rate) < end):
                words.append(self._words.popleft())
            if pcm:
                done.append(Synthesis(pcm=pcm, rate=self._rate, words=tuple(words)))
        return done
