"""A room on paper: what the loudspeaker plays and what the user says in, what the microphone there hears out.

Offline, for tests and benchmarks.  Sounds are float samples at 16 kHz, full scale being 1; times are seconds since the
beginning.  A room has one straight way from the loudspeaker to the microphone and a tail of reverberation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES, AudioFrame

RATE = 16_000
FRAME = RATE // 100

Samples = NDArray[np.float64]


def samples_of(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2") / 32768.0


def pcm_of(samples: Samples) -> bytes:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


def at_level(samples: Samples, level: float) -> Samples:
    """``samples`` so that their loud parts, those within 25 dB of the loudest 20 ms, are at ``level`` dBFS together."""
    windows = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = (windows**2).mean(axis=1)
    loud = power[power > power.max() / 10**2.5].mean()
    return samples * (10 ** (level / 20) / np.sqrt(loud))


def onset(samples: Samples, below: float = 25.0) -> int:
    """The first sample of the voice: of the first of three 10 ms in a row within ``below`` dB of the loudest."""
    windows = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (windows**2).mean(axis=1)
    loud = power > power.max() / 10 ** (below / 10)
    return int(np.flatnonzero(loud[:-2] & loud[1:-1] & loud[2:])[0]) * FRAME


@frozen(kw_only=True)
class Acoustics:
    """``gain``: how loud the loudspeaker is at the microphone, straight, 1 being as loud as in the file; ``delay``: of
    the straight way, devices included; ``tail`` and ``decay``: how much weaker the reverberation's energy is than the
    straight sound's (dB), and in how many seconds it has fallen by 60 dB; ``noise``: level of the noise in dBFS."""

    gain: float = 0.3
    delay: float = 0.03
    tail: float = 6.0
    decay: float = 0.2
    noise: float = -66.0
    seed: int = 1

    @property
    def response(self) -> Samples:
        """What one click from the loudspeaker becomes at the microphone."""
        dice = np.random.default_rng(self.seed)
        tail = dice.normal(size=round(self.decay * RATE)) * 10 ** (
            -3 * np.arange(round(self.decay * RATE)) / (self.decay * RATE)
        )
        tail[: FRAME // 4] = 0.0
        tail *= 10 ** (-self.tail / 20) / np.sqrt((tail**2).sum())
        tail[0] = 1.0
        return self.gain * tail / np.sqrt((tail**2).sum())


@frozen
class Said:
    """A user's sound, and when it begins."""

    at: float
    samples: Samples = field(repr=False, eq=False)


def heard(played: Samples, room: Acoustics, users: Iterable[Said] = ()) -> Samples:
    """What the microphone hears while ``played`` is played, to the same end."""
    response = room.response
    size = 1 << (len(played) + len(response)).bit_length()
    echo = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(response, size), size)[: len(played)]
    delay = round(room.delay * RATE)
    mix = np.concatenate([np.zeros(delay), echo])[: len(played)]
    for user in users:
        begin = round(user.at * RATE)
        part = user.samples[: max(0, len(mix) - begin)]
        mix[begin : begin + len(part)] += part
    dice = np.random.default_rng(room.seed + 1)
    return mix + dice.normal(size=len(mix)) * 10 ** (room.noise / 20)


def frames(samples: Samples, *, begin: float = 0.0) -> list[AudioFrame]:
    """What a microphone that opened at ``begin`` delivers, in 10 ms."""
    pcm = pcm_of(samples)
    step = FRAME * SAMPLE_BYTES
    return [
        AudioFrame(start=begin + place / RATE / SAMPLE_BYTES, pcm=pcm[place : place + step], rate=RATE)
        for place in range(0, len(pcm) - step + 1, step)
    ]


def blocks(pcm: bytes, rate: int, *, begin: float = 0.0) -> list[tuple[float, bytes, int]]:
    """What a loudspeaker that opened at ``begin`` tells a tap: whole samples for 10 ms each, so 220 or 221."""
    count = len(pcm) // SAMPLE_BYTES
    edges = [number * rate // 100 for number in range(count * 100 // rate + 1)]
    return [
        (begin + first / rate, pcm[first * SAMPLE_BYTES : last * SAMPLE_BYTES], rate) for first, last in pairwise(edges)
    ]


def assembled(parts: Sequence[Samples], *, seconds: float, pause: float = 0.4) -> Samples:
    """``parts`` one after another, over and over, with pauses between, ``seconds`` in all."""
    rest = np.zeros(round(pause * RATE))
    once = np.concatenate([piece for part in parts for piece in (part, rest)])
    wanted = round(seconds * RATE)
    return np.tile(once, -(-wanted // len(once)))[:wanted]
