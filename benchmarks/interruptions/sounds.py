"""What is heard over the assistant, of every kind.  In: dice and how many.  Out: sounds at a level, with their words.

People are the recordings of the tests, cut between words; those who only listen, and those who say "stop", are voices
of espeak-ng, and some hum.  Everything else is made in ``noises``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice

import numpy as np
from attrs import frozen
from turn_taking.recordings import human_sentences

from tests.room import RATE, Samples, at_level, onset, pcm_of, samples_of
from voicemode.audio.files import Sound, resampled
from voicemode.speech.registry import load_text_to_speech

from .noises import Dice, claps, cough, door, hum, music, typing

QUIETEST, LOUDEST = -30.0, -10.0
"""Level of the loud parts, in dBFS."""

NOISES: dict[str, Callable[[Dice], Samples]] = {
    "cough": partial(cough, voiced=False),
    "voiced cough": partial(cough, voiced=True),
    "claps": claps,
    "door": door,
    "typing": typing,
    "music": music,
}
PHRASE, BACK_CHANNEL, STOP = "phrase", "back-channel", "stop word"

LISTENERS = ("mhm", "yeah", "okay", "uh huh", "right", "I see", "yeah okay")
STOPPERS = ("stop", "please stop", "be quiet", "stop it")
VOICES = ("en-us", "en-us+f3", "en-gb+m2", "en-us+f2", "en-us+m4")
HUMMED = 3
"""One listener in so many hums."""


@frozen(kw_only=True)
class Heard:
    """``sound`` is at 16 kHz; its first voiced sample, for a noise its first loud one, comes ``onset`` seconds after
    its beginning.  ``text`` is what a good recogniser makes of it."""

    kind: str
    sound: Sound
    onset: float
    text: str = ""


def phrases(dice: Dice, count: int) -> list[Heard]:
    """What people say who interrupt: two words and more, each phrase as often as any other."""
    stretches = {stretch.text: stretch.samples for each in human_sentences() for stretch in each.stretches}
    said = [(text, samples.astype(float)) for text, samples in stretches.items() if len(text.split()) > 1]
    return [_heard(dice, PHRASE, samples, text) for text, samples in islice(cycle(said), count)]


def noises(dice: Dice, kind: str, count: int) -> list[Heard]:
    return [_heard(dice, kind, NOISES[kind](dice)) for _ in range(count)]


async def spoken(dice: Dice, kind: str, texts: Sequence[str], count: int) -> list[Heard]:
    """By espeak-ng, in the next voice each time; it never makes the same samples twice."""
    engine = await load_text_to_speech("espeak-ng")
    said: list[Heard] = []
    for text, voice in islice(_together(texts, VOICES), count):
        async with engine.speak(text, voice=voice) as parts:
            pcm = b"".join([part.pcm async for part in parts])
        samples = samples_of(resampled(Sound(pcm=pcm, rate=engine.rate), RATE).pcm)
        said.append(_heard(dice, kind, samples, text))
    return said


async def back_channels(dice: Dice, count: int) -> list[Heard]:
    hums = [_heard(dice, BACK_CHANNEL, hum(dice), "mhm") for _ in range(count // HUMMED)]
    return [*hums, *await spoken(dice, BACK_CHANNEL, LISTENERS, count - len(hums))]


def _together(texts: Sequence[str], voices: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every text in turn, and every voice."""
    for number, text in enumerate(cycle(texts)):
        yield text, voices[(number + number // len(texts)) % len(voices)]


def _heard(dice: Dice, kind: str, samples: Samples, text: str = "") -> Heard:
    levelled = at_level(samples, float(dice.uniform(QUIETEST, LOUDEST)))
    first = onset(levelled) if text else int(np.flatnonzero(np.abs(levelled) > np.abs(levelled).max() / 10)[0])
    return Heard(kind=kind, sound=Sound(pcm=pcm_of(levelled), rate=RATE), onset=first / RATE, text=text)
