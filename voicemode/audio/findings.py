"""What a sound check found.  In: frames of the microphone and when a tone left the speaker.  Out: levels, and one line
that says what they mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from actors.messages import AudioFrame

from .level import FLOOR

Samples = NDArray[np.float64]

TONE = 0.4
"""Seconds of the tone."""

LOW, HIGH = 500.0, 2000.0
"""Hz that the tone rises from and to: what small loudspeakers and telephones pass, and a course that no voice takes."""

LOUDNESS = 0.2
"""Of full scale, the tone's: about as loud as a voice."""

EARLY, LATE = 0.1, 0.5
"""Seconds before and after its time in which the tone is looked for: devices are wrong about their delays, and that of
Bluetooth is long."""

ALIKE = 0.3
"""The correlation of what is heard with the tone from which on it is the tone.  Human speech comes to 0.25, noise to
0.07; the tone to 0.7 in a room that returns as much sound as comes directly, to 0.3 in one that returns four times as
much, and to 0.4 under noise 6 dB louder than it is."""

QUIET = -40.0
"""dBFS of the peak under which nobody can have spoken into the microphone from near."""

FULL_SCALE, CLIPPED = 32_760, 3
"""So many samples in a row at this value or beyond have lost their tops."""


@frozen(kw_only=True)
class Findings:
    """``peak`` and ``rms`` of all that was heard in dBFS; ``dropped`` frames that never came, ``underruns`` of the
    speaker; ``before_tone`` and ``with_tone`` the levels before the tone can have come and where it is likeliest, None
    if it was not waited for; ``echo`` whether the microphone hears the speaker, None when that is not known, and
    ``delay`` after how many seconds."""

    peak: float
    rms: float
    silent: bool
    clipping: bool
    dropped: int
    underruns: int
    before_tone: float | None = None
    with_tone: float | None = None
    echo: bool | None = None
    delay: float | None = None


def tone(rate: int) -> bytes:
    """What is to be played, at ``rate`` Hz."""
    return np.rint(32767 * LOUDNESS * _rising(rate)).astype("<i2").tobytes()


def judge(frames: Sequence[AudioFrame], played: float | None, underruns: int = 0) -> Findings:
    """Judge ``frames`` of one opening, at one rate, at least one of them.

    ``played`` is when the first sample of the tone left the speaker, on the clock of the frames.
    """
    samples = np.concatenate(list(_joined(frames)))
    peak = float(np.abs(samples).max())
    found = Findings(
        peak=_dbfs(peak**2),
        rms=_level(samples),
        silent=peak <= 1,
        clipping=_clips(samples),
        dropped=_dropped(frames),
        underruns=underruns,
    )
    if found.silent or played is None:
        return found
    return _with_echo(found, samples, frames[0].rate, played - frames[0].start)


def sentence(found: Findings) -> str:
    """What was found and what to do about it, on one line."""
    if found.silent:
        return "The microphone is silent: muted or the wrong device."
    parts = [f"peak {found.peak:.0f} dBFS, rms {found.rms:.0f} dBFS"]
    if found.clipping:
        parts.append("clipping: turn the microphone down")
    elif found.peak < QUIET:
        parts.append("quiet: if somebody spoke, turn the microphone up")
    if found.dropped:
        parts.append(f"{found.dropped} dropped frame{'s' * (found.dropped > 1)}")
    if found.underruns:
        parts.append(f"{found.underruns} underrun{'s' * (found.underruns > 1)} of the speaker")
    if found.echo:
        parts.append(
            f"the microphone hears the speaker ({found.with_tone:.0f} dBFS with the tone, {found.before_tone:.0f} "
            "before it): wear headphones or leave --echo on auto"
        )
    elif found.echo is False:
        parts.append("the microphone does not hear the speaker: if you heard the tone, --headphones is right")
    return f"{'; '.join(parts)}."


def _rising(rate: int) -> Samples:
    size, fade = round(TONE * rate), 0.01 * rate
    at = np.arange(size) / rate
    ramp = (1 - np.cos(np.pi * np.minimum(np.arange(size) / fade, 1))) / 2
    return np.sin(2 * np.pi * (LOW + (HIGH - LOW) / (2 * TONE) * at) * at) * ramp * ramp[::-1]


def _with_echo(found: Findings, samples: Samples, rate: int, played: float) -> Findings:
    """``played`` counts from the first sample."""
    rising = _rising(rate)
    begin, end = round((played - EARLY) * rate), round((played + LATE) * rate) + len(rising)
    if begin < 1 or len(samples) < round(played * rate) + len(rising):
        return found
    heard = samples[begin:end]
    products = np.correlate(heard, rising, "valid")
    squares = np.concatenate([[0.0], np.cumsum(heard**2)])
    power = np.maximum(squares[len(rising) :] - squares[: -len(rising)], 1.0)
    alike = np.abs(products) / np.sqrt(power * np.sum(rising**2))
    best = int(alike.argmax())
    echo = bool(alike[best] >= ALIKE)
    return evolve(
        found,
        before_tone=_level(samples[:begin]),
        with_tone=_level(heard[best : best + len(rising)]),
        echo=echo,
        delay=round(max(0.0, best / rate - EARLY), 3) if echo else None,
    )


def _joined(frames: Sequence[AudioFrame]) -> Iterator[Samples]:
    """The sound, with silence where frames are missing."""
    for before, after in pairwise((*frames[:1], *frames)):
        if (gap := after.start - before.end) > (before.end - before.start) / 2:
            yield np.zeros(round(gap * after.rate))
        yield np.frombuffer(after.pcm, "<i2").astype(np.float64)


def _dropped(frames: Sequence[AudioFrame]) -> int:
    """Frames that are missing between others, as wide as the one before the gap."""
    gaps = ((after.start - before.end, before.end - before.start) for before, after in pairwise(frames))
    return sum(round(gap / width) for gap, width in gaps if gap > width / 2)


def _clips(samples: Samples) -> bool:
    full = np.abs(samples) >= FULL_SCALE
    return bool(np.convolve(full, np.ones(CLIPPED), "valid").max(initial=0) >= CLIPPED)


def _level(samples: Samples) -> float:
    return _dbfs(float(np.mean(samples**2)))


def _dbfs(power: float) -> float:
    return round(max(FLOOR, 10 * math.log10(power / 32768**2)), 1) if power else FLOOR
