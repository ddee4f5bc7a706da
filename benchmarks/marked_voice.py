"""Speech whose samples know which word they belong to, so that what was heard can be counted.

In: a text, or the rest of one.  Out: espeak-ng's sound of it at 24 kHz, with the number of the word in the lowest bits
of every sample, 60 dB below full scale.  The marks survive whatever hands samples on as they are.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import trio
from attrs import Factory, define, frozen
from numpy.typing import NDArray

from actors.messages import WordTime
from actors.ports import TextToSpeech
from voicemode.audio.files import Sound, resampled

RATE = 24_000
BITS = 5
MOST = (1 << BITS) - 1
"""Words in a text: each has a number from 1 on, and 0 is between them."""

LEAD = 0.01
"""Seconds of silence before the first word, as engines have them."""

WHOLE = 0.95
"""Share of its samples from which on a word was heard whole: a few milliseconds of a fade are no loss."""

NOISE = 48
"""Samples, 2 ms: a shorter run of one mark is the work of a fade."""

Samples = NDArray[np.int16]


def tokens(text: str) -> list[re.Match[str]]:
    """The words of a text, with what clings to them."""
    return list(re.finditer(r"\S*\w\S*", text))


@frozen
class Said:
    """A text, its sound without marks, and its words: characters and times of each, in order."""

    text: str
    samples: Samples
    words: tuple[WordTime, ...]


@define
class Heard:
    """Words, by how they arrived: not at all or not whole, more often than once, cut off somewhere."""

    lost: int = 0
    repeated: int = 0
    cut: int = 0


@define
class MarkedVoice:
    """Several engines may speak with it; ``texts`` are those it was asked for since ``begin``."""

    engine: TextToSpeech
    texts: list[str] = Factory(list)
    _text: str = ""
    _voice: str | None = None
    _speed: float | None = None
    _lengths: dict[int, list[int]] = Factory(dict)
    _said: dict[tuple[str, str | None, float | None], Said] = Factory(dict)

    def begin(self, text: str, voice: str | None = None, speed: float | None = None) -> None:
        """From here on rests of ``text`` are said, and their words counted as they stand in ``text``."""
        if not 0 < len(tokens(text)) <= MOST:
            raise ValueError(f"a text has 1 to {MOST} words")
        self._text, self.texts, self._lengths = text, [], {}
        self._voice, self._speed = voice, speed

    async def say(self, text: str) -> tuple[bytes, tuple[WordTime, ...]]:
        """The sound of ``text`` with marks, and its words."""
        self.texts.append(text)
        said = await self._sound(text)
        first = len(tokens(self._text)) - len(said.words) + 1
        samples = said.samples & ~np.int16(MOST)
        for number, word in enumerate(said.words, first):
            begin, end = round(word.begin * RATE), round(word.finish * RATE)
            samples[begin:end] |= np.int16(max(number, 0) & MOST)
            self._lengths.setdefault(number, []).append(min(end, len(samples)) - begin)
        return samples.astype("<i2").tobytes(), said.words

    async def times(self, text: str) -> tuple[WordTime, ...]:
        """When its words are said, for who only wants to know."""
        return (await self._sound(text)).words

    @property
    def strange(self) -> list[str]:
        """What was to be said and is not a rest of the text."""
        whole = [match.group() for match in tokens(self._text)]
        asked = ((text, [match.group() for match in tokens(text)]) for text in self.texts)
        return [text for text, words in asked if not words or words != whole[-len(words) :]]

    def heard(self, pcm: bytes) -> Heard:
        """What became of the words of the text in ``pcm``, all that arrived, at 24 kHz."""
        found = Heard()
        times: Counter[int] = Counter()
        for number, length in _runs(np.frombuffer(pcm, "<i2").astype(np.int16) & np.int16(MOST)):
            # a run is longer than its word when the word was begun anew without a pause
            made = self._lengths.get(number, [length])
            often = int(length / min(made) + 1 - WHOLE)
            times[number] += often
            found.cut += length - often * max(made) > (1 - WHOLE) * max(made) or not often
        numbers = range(1, len(tokens(self._text)) + 1)
        found.lost = sum(not times[number] for number in numbers)
        found.repeated = sum(max(0, times[number] - 1) for number in numbers)
        return found

    async def _sound(self, text: str) -> Said:
        """The same every time: espeak-ng itself never makes the same samples twice."""
        key = text, self._voice, self._speed
        if key not in self._said:
            pcm, times = b"", list[WordTime]()
            async with self.engine.speak(text, voice=self._voice, speed=self._speed) as parts:
                async for part in parts:
                    pcm += part.pcm
                    times += part.words
            lead = np.zeros(round(LEAD * RATE), np.int16)
            sound = resampled(Sound(pcm=pcm, rate=self.engine.rate), RATE)
            samples = np.concatenate([lead, np.frombuffer(sound.pcm, "<i2").astype(np.int16)])
            self._said[key] = Said(text, samples, tuple(_one_by_one(text, times)))
        await trio.lowlevel.checkpoint()
        return self._said[key]


def _one_by_one(text: str, times: list[WordTime]) -> list[WordTime]:
    """The engine says an article and the like in one with the word before: each gets its share of the time."""
    words: list[WordTime] = []
    for time in times:
        within = [match for match in tokens(text) if time.start <= match.start() < time.end]
        letters = sum(len(match.group()) for match in within)
        begin = time.begin + LEAD
        for match in within:
            finish = begin + (time.finish - time.begin) * len(match.group()) / letters
            words.append(WordTime(start=match.start(), end=match.end(), begin=begin, finish=finish))
            begin = finish
    if len(words) != len(tokens(text)):
        raise RuntimeError(f"the engine has no times for some words of {text!r}")
    return words


def _runs(marks: Samples) -> list[tuple[int, int]]:
    """(mark, samples) of each stretch of one word."""
    borders = np.flatnonzero(np.diff(marks)) + 1
    starts = np.concatenate([[0], borders])[: len(marks)]
    lengths = np.diff(np.append(starts, len(marks)))
    long = lengths >= NOISE
    runs: list[tuple[int, int]] = []
    for mark, length in zip(marks[starts[long]].tolist(), lengths[long].tolist(), strict=True):
        if runs and runs[-1][0] == mark:
            runs[-1] = mark, runs[-1][1] + length
        else:
            runs.append((mark, length))
    return [(mark, length) for mark, length in runs if mark]
