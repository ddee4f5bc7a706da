"""What is said in the room, and finding it again in what was heard.

In: a text.  Out: espeak-ng's sound of it with the times of its words, and, of any recording, which of them are in it.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from actors.ports import TextToSpeech
from voicemode.audio.files import Sound, resampled

Samples = NDArray[np.int16]

THERE = 0.5
"""How alike a word and what was recorded in its place are (1 the same, 0 unrelated) when the word is in it."""

WOBBLE = 0.02
"""Seconds by which a word may stand elsewhere than the rest of its sentence."""


@frozen
class Word:
    text: str
    begin: float
    end: float


@frozen
class Said:
    """A text, its sound, and its words in order; the engine takes an article for a part of the word before."""

    text: str
    rate: int
    samples: Samples
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def pcm(self) -> bytes:
        return self.samples.astype("<i2").tobytes()

    def with_pause(self, seconds: float, before: str) -> Said:
        """The same with silence in front of the word that begins with ``before``."""
        after = next(number for number, word in enumerate(self.words) if word.text.startswith(before))
        cut = round(self.words[after].begin * self.rate)
        gap = np.zeros(round(seconds * self.rate), np.int16)
        # the cut must not click, for a click is a voice to some
        fade = np.linspace(1.0, 0.0, self.rate // 100)
        first, rest = self.samples[:cut].copy(), self.samples[cut:].copy()
        first[-len(fade) :] = (first[-len(fade) :] * fade).astype(np.int16)
        rest[: len(fade)] = (rest[: len(fade)] * fade[::-1]).astype(np.int16)
        words = tuple(
            word if number < after else Word(word.text, word.begin + seconds, word.end + seconds)
            for number, word in enumerate(self.words)
        )
        return Said(self.text, self.rate, np.concatenate([first, gap, rest]), words)


async def spoken(engine: TextToSpeech, text: str, rate: int, voice: str | None = None) -> Said:
    """``text`` from its first audible sample to its last."""
    pcm, times = b"", []
    async with engine.speak(text, voice=voice) as parts:
        async for part in parts:
            pcm += part.pcm
            times += part.words
    samples = np.frombuffer(resampled(Sound(pcm=pcm, rate=engine.rate), rate).pcm, "<i2").astype(np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > LOUD)
    first, last = int(loud[0]), int(loud[-1]) + 1
    begun = first / rate
    words = [Word(text[time.start : time.end], time.begin - begun, time.finish - begun) for time in times]
    return Said(text, rate, samples[first:last], tuple(words))


LOUD = 100
"""The level, of 32,768, from which a sample of the voice is audible: 50 dB below full scale."""


def place(said: Samples, heard: Samples) -> tuple[int, float]:
    """The sample of ``heard`` at which ``said`` begins, before its first maybe, and how alike they are there."""
    wanted, there = said.astype(float), heard.astype(float)
    size = 1 << (len(wanted) + len(there)).bit_length()
    matched = np.fft.irfft(np.fft.rfft(there, size) * np.conj(np.fft.rfft(wanted, size)), size)
    best = int(np.argmax(np.abs(matched)))
    if best > size // 2:
        best -= size
    return best, likeness(said, part(heard, best, best + len(said)))


def part(heard: Samples, begin: int, end: int) -> Samples:
    """With silence where there is nothing."""
    before, behind = max(0, -begin), max(0, end - len(heard))
    return np.pad(heard[max(0, begin) : max(0, end)], (before, behind))[: end - begin]


def likeness(one: Samples, other: Samples) -> float:
    """Whatever the levels of both."""
    first, second = one.astype(float), other.astype(float)
    power = float(np.sqrt(np.dot(first, first) * np.dot(second, second)))
    return abs(float(np.dot(first, second))) / power if power else 0.0


def words_in(said: Said, heard: Samples) -> list[str]:
    """The words of ``said`` that are in ``heard``, which has its rate, and holds it once at most."""
    if not len(heard):
        return []
    start, _ = place(said.samples, heard)
    wobble = round(WOBBLE * said.rate)
    found: list[str] = []
    for word in said.words:
        begin, end = max(0, round(word.begin * said.rate)), round(word.end * said.rate)
        sound = said.samples[begin:end]
        _, alike = place(sound, part(heard, start + begin - wobble, start + end + wobble))
        if alike >= THERE:
            found.append(word.text)
    return found
