"""Sounds of a room that are no speech, made from noise, clicks and tones.  In: dice.  Out: samples at 16 kHz.

They are likenesses, not recordings: each has the course in time and the spectrum of the real thing, in a room with a
little reverberation, and no two are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.room import RATE, Samples

Dice = np.random.Generator

ROOM = 0.25
"""Seconds in which the room falls silent by 60 dB."""


def cough(dice: Dice, *, voiced: bool) -> Samples:
    """One to three bursts: air that breaks out, noise in the throat that decays, and for some people a voiced rest."""
    parts: list[Samples] = []
    throat = [(dice.uniform(450, 750), 200), (dice.uniform(1_200, 1_800), 300), (dice.uniform(2_400, 3_200), 500)]
    for number in range(int(dice.integers(1, 4))):
        burst = _decaying(dice, seconds=0.06, decay=dice.uniform(0.008, 0.015))
        rest = _decaying(dice, seconds=0.35, decay=dice.uniform(0.05, 0.11)) * dice.uniform(0.25, 0.5)
        whole = _overlaid([(0.0, burst), (0.02, rest)])
        whole = 0.3 * whole + _formants(whole, throat)
        if voiced:
            pitch = np.linspace(dice.uniform(160, 260), dice.uniform(90, 140), round(dice.uniform(0.04, 0.16) * RATE))
            voice = _formants(_pulses(pitch), throat) * _swelling(len(pitch))
            voice *= dice.uniform(0.05, 0.4) * np.abs(whole).max() / np.abs(voice).max()
            whole = _overlaid([(0.0, whole), (dice.uniform(0.08, 0.15), voice)])
        parts.append(whole * 0.8**number)
        parts.append(np.zeros(round(dice.uniform(0.05, 0.2) * RATE)))
    return _in_a_room(dice, np.concatenate(parts))


def claps(dice: Dice) -> Samples:
    """One to four, each a click that decays within some milliseconds, between 800 and 3,000 Hz."""
    hands = [(dice.uniform(800, 1_600), 600), (dice.uniform(1_800, 3_000), 1_200)]
    gap = dice.uniform(0.2, 0.5)
    clap = [
        (number * gap * dice.uniform(0.95, 1.05), _formants(_decaying(dice, 0.08, dice.uniform(0.004, 0.012)), hands))
        for number in range(int(dice.integers(1, 5)))
    ]
    return _in_a_room(dice, _overlaid(clap))


def typing(dice: Dice) -> Samples:
    """Two to six seconds of five to ten keys a second, each a click as it goes down and a softer one as it rises."""
    seconds, rate = dice.uniform(2, 6), dice.uniform(5, 10)
    clicks: list[tuple[float, Samples]] = []
    at = 0.0
    while at < seconds:
        key = [(dice.uniform(1_500, 4_500), 900), (dice.uniform(180, 400), 120)]
        down = _formants(_decaying(dice, 0.03, dice.uniform(0.002, 0.005)), key) * dice.uniform(0.5, 1)
        clicks += [(at, down), (at + dice.uniform(0.06, 0.12), 0.4 * down)]
        at += dice.exponential(1 / rate) + 0.03
    return _in_a_room(dice, _overlaid(clicks))


def door(dice: Dice) -> Samples:
    """A thump of low tones, the click of the lock, and what rattles for a while."""
    time = np.arange(round(0.5 * RATE)) / RATE
    thump = sum(
        (
            np.sin(2 * np.pi * dice.uniform(50, 220) * time + dice.uniform(0, 6))
            * np.exp(-time / dice.uniform(0.04, 0.1))
            for _ in range(6)
        ),
        np.zeros(len(time)),
    )
    bang = _formants(_decaying(dice, 0.2, dice.uniform(0.01, 0.03)), [(dice.uniform(300, 900), 500)])
    rattles = [
        (
            0.05 + dice.uniform(0.02, 0.25),
            0.15 * _formants(_decaying(dice, 0.05, 0.006), [(dice.uniform(900, 2_500), 300)]),
        )
        for _ in range(int(dice.integers(0, 5)))
    ]
    lock = _formants(_decaying(dice, 0.03, 0.003), [(dice.uniform(2_000, 3_500), 600)])
    return _in_a_room(dice, _overlaid([(0.0, 0.3 * lock), (0.03, thump / 3), (0.03, bang), *rattles]))


def music(dice: Dice) -> Samples:
    """Four to eight seconds of a melody over chords: tones with harmonics, attack, decay and vibrato."""
    seconds, beat = dice.uniform(4, 8), dice.uniform(0.25, 0.6)
    scale = [0, 2, 4, 5, 7, 9, 11, 12]
    root, colour = dice.uniform(180, 330), dice.uniform(0.8, 2.0)
    bowed = dice.random() < 0.5
    notes: list[tuple[float, Samples]] = []
    at = 0.0
    while at < seconds:
        length = beat * float(dice.choice([0.5, 1, 1, 2]))
        notes.append((at, _tone(dice, root * 2 ** (int(dice.choice(scale)) / 12), length, colour, bowed=bowed)))
        at += length
    for number in range(int(seconds / (4 * beat)) + 1):
        base = root / 2 * 2 ** (int(dice.choice([0, 5, 7, 9])) / 12)
        notes += [
            (number * 4 * beat, 0.35 * _tone(dice, base * 2 ** (step / 12), 4 * beat, colour + 0.5, bowed=bowed))
            for step in (0, 4, 7)
        ]
    return _in_a_room(dice, _overlaid(notes)[: round((seconds + 0.5) * RATE)])


def hum(dice: Dice) -> Samples:
    """An "mhm": two hums with the mouth closed, the second higher, and a breath between them."""
    pitch = dice.uniform(100, 230)
    nose = [(250.0, 80.0), (dice.uniform(950, 1_250), 250.0), (dice.uniform(2_100, 2_500), 400.0)]
    parts: list[Samples] = []
    for seconds, begin, end in ((dice.uniform(0.12, 0.2), 1.0, 0.92), (dice.uniform(0.18, 0.32), 1.1, 1.25)):
        course = pitch * np.linspace(begin, end, round(seconds * RATE))
        voiced = _formants(_pulses(course), nose) * _swelling(len(course))
        parts += [voiced / np.abs(voiced).max(), dice.normal(size=round(0.05 * RATE)) * 0.01]
    return _in_a_room(dice, np.concatenate(parts[:3]))


def _decaying(dice: Dice, seconds: float, decay: float) -> Samples:
    """Noise that has fallen to a third after ``decay`` seconds."""
    count = round(seconds * RATE)
    return dice.normal(size=count) * np.exp(-np.arange(count) / (decay * RATE))


def _pulses(pitch: NDArray[np.float64]) -> Samples:
    """What the vocal folds give at ``pitch`` Hz: all harmonics, each weaker than the one before."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    highest = int(4_000 / pitch.min())
    return sum((np.sin(number * phase) / number for number in range(1, highest)), np.zeros(len(pitch)))


def _tone(dice: Dice, pitch: float, seconds: float, colour: float, *, bowed: bool) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    vibrato = 1 + dice.uniform(0.002, 0.01) * np.sin(2 * np.pi * dice.uniform(4.5, 6.5) * time + dice.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(pitch * vibrato) / RATE
    highest = max(2, int(7_000 / pitch))
    tone = sum((np.sin(number * phase) / number**colour for number in range(1, highest)), np.zeros(len(time)))
    attack = np.minimum(1, time / (0.06 if bowed else 0.005))
    decay = np.minimum(1, (seconds - time) / 0.04) if bowed else np.exp(-time / (0.6 * seconds))
    return tone * attack * decay


def _swelling(count: int) -> Samples:
    """From nothing to full and back, without a click."""
    edge = min(count // 3, round(0.03 * RATE))
    course = np.ones(count)
    course[:edge] = np.linspace(0, 1, edge)
    course[-edge:] = np.linspace(1, 0, edge)
    return course


def _formants(samples: Samples, resonances: Sequence[tuple[float, float]]) -> Samples:
    """``samples`` through resonances beside each other, each a frequency and a bandwidth in Hz."""
    size = 1 << (len(samples) + RATE // 20).bit_length()
    spectrum = np.fft.rfft(samples, size)
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    response = np.zeros(len(frequencies), complex)
    for centre, width in resonances:
        response += 1 / (1 + 1j * (frequencies - centre) / (width / 2))
    return np.fft.irfft(spectrum * response, size)[: len(samples)]


def _overlaid(parts: Sequence[tuple[float, Samples]]) -> Samples:
    """Each part from its moment on."""
    places = [(round(at * RATE), part) for at, part in parts]
    whole = np.zeros(max(begin + len(part) for begin, part in places))
    for begin, part in places:
        whole[begin : begin + len(part)] += part
    return whole


def _in_a_room(dice: Dice, samples: Samples) -> Samples:
    """With reverberation 10 dB below the sound itself."""
    tail = dice.normal(size=round(ROOM * RATE)) * 10 ** (-3 * np.arange(round(ROOM * RATE)) / (ROOM * RATE))
    tail *= 10 ** (-10 / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail)).bit_length()
    whole = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)
    return whole[: len(samples) + len(tail)]
