"""A room on paper: what the loudspeaker plays and what the user says in, what the microphone there hears out.

Offline, for tests and benchmarks.  Sounds are float samples at 16 kHz, full scale being 1; times are seconds since the
beginning.  A room has one straight way from the loudspeaker to the microphone and a tail of reverberation.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from actors.machines.barge_in import BargeIn, BargeInPolicy, Commit
from actors.machines.echo_guard import EchoGuard, EchoGuardPolicy
from actors.machines.endpointer import Endpointer, EndpointPolicy
from actors.messages import SAMPLE_BYTES, AudioFrame, SpeechActivity, SpeechStarted, StreamId
from voicemode.audio.echo import EchoCanceller
from voicemode.audio.echo_guard_tap import EchoGuardTap
from voicemode.audio.files import Sound, read_audio, resampled
from voicemode.audio.level import level_of
from voicemode.speech.silero import SileroModel

CLIPS = Path(__file__).parent / "audio"
RATE = 16_000
FRAME = RATE // 100

LATENCY = 0.02
"""Seconds between a device's taking a block and the block's leaving it."""

Samples: TypeAlias = NDArray[np.float64]
Block: TypeAlias = tuple[float, bytes, int]
"""As a ``Tap`` gets it."""


def samples_of(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2") / 32768.0


def pcm_of(samples: Samples) -> bytes:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


def at_rate(samples: Samples, rate: int) -> bytes:
    return resampled(Sound(pcm=pcm_of(samples), rate=RATE), rate).pcm


def human_voices() -> dict[str, Samples]:
    """The recordings in tests/audio, as loud as they are: -19 to -26 dBFS where somebody speaks."""
    return {path.name: samples_of(read_audio(path, RATE).pcm) for path in sorted(CLIPS.glob("*.wav"))}


def at_level(samples: Samples, level: float) -> Samples:
    """``samples`` so that their loud parts, those within 25 dB of the loudest 20 ms, are at ``level`` dBFS together."""
    windows = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = (windows**2).mean(axis=1)
    loud = power[power > power.max() / 10**2.5].mean()
    return samples * (10 ** (level / 20) / np.sqrt(loud))


def onset(samples: Samples) -> int:
    """The first voiced sample: of the first 30 ms that are nowhere 15 dB below the loud parts."""
    windows = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (windows**2).mean(axis=1)
    voiced = power > power[power > power.max() / 10**2.5].mean() / 10**1.5
    return int(np.flatnonzero(voiced[:-2] & voiced[1:-1] & voiced[2:])[0]) * FRAME


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


def blocks(pcm: bytes, rate: int, *, begin: float = 0.0) -> list[Block]:
    """What a loudspeaker that opened at ``begin`` tells a tap: whole samples for 10 ms each, so 220 or 221."""
    count = len(pcm) // SAMPLE_BYTES
    edges = [number * rate // 100 for number in range(count * 100 // rate + 1)]
    return [
        (begin + first / rate, pcm[first * SAMPLE_BYTES : last * SAMPLE_BYTES], rate) for first, last in pairwise(edges)
    ]


def assembled(parts: Sequence[Samples], *, seconds: float, pause: float = 0.3) -> Samples:
    """``parts`` one after another, over and over, with pauses between, ``seconds`` in all."""
    rest = np.zeros(round(pause * RATE))
    once = np.concatenate([piece for part in parts for piece in (part, rest)])
    wanted = round(seconds * RATE)
    return np.tile(once, -(-wanted // len(once)))[:wanted]


def cleaned(
    canceller: EchoCanceller, played: Sequence[Block], mic: Sequence[AudioFrame], *, took: list[float] | None = None
) -> bytes:
    """What the canceller makes of a stretch of time; blocks become known when the device takes them, ``LATENCY`` early.

    ``took`` gets the seconds for each frame.
    """
    clean: list[bytes] = []
    told = 0
    canceller.open()
    for frame in mic:
        while told < len(played) and played[told][0] - LATENCY <= frame.end:
            canceller.played(*played[told])
            told += 1
        begun = time.perf_counter()
        clean.append(canceller.clean(frame).pcm)
        if took is not None:
            took.append(time.perf_counter() - begun)
    canceller.close()
    return b"".join(clean)


def windows(model: SileroModel, pcm: bytes, *, begin: float = 0.0) -> list[SpeechActivity]:
    """What the voice detector makes of it."""
    stream, size = model.stream(), model.window * SAMPLE_BYTES
    return [
        SpeechActivity(
            stream=StreamId(1),
            at=begin + (place + size) / SAMPLE_BYTES / RATE,
            duration=model.window / RATE,
            probability=stream.probability_now(pcm[place : place + size]),
            level=level_of(pcm[place : place + size]),
        )
        for place in range(0, len(pcm) - size + 1, size)
    ]


def heeded(
    activities: Sequence[SpeechActivity], played: Sequence[Block], policy: EchoGuardPolicy
) -> list[SpeechActivity]:
    """What the guard makes of that."""
    tap, told = EchoGuardTap(EchoGuard(policy)), 0
    after: list[SpeechActivity] = []
    for activity in activities:
        while told < len(played) and played[told][0] - LATENCY <= activity.at:
            tap.played(*played[told])
            told += 1
        after.append(tap.heed(activity))
    return after


@frozen(kw_only=True)
class Noticed:
    """When speech was found to start and an interruption was found to be one; seconds."""

    started: tuple[float, ...]
    committed: tuple[float, ...]


def noticed(activities: Sequence[SpeechActivity], endpoint: EndpointPolicy, interruption: BargeInPolicy) -> Noticed:
    endpointer, barge_in = Endpointer(endpoint, StreamId(1)), BargeIn(interruption)
    started: list[float] = []
    committed: list[float] = []
    for activity in activities:
        for event in (activity, *endpointer.feed(activity)):
            if isinstance(event, SpeechStarted):
                started.append(activity.at)
            if isinstance(barge_in.feed(event), Commit):
                committed.append(activity.at)
    return Noticed(started=tuple(started), committed=tuple(committed))
