"""The assistant out of a loudspeaker beside the microphone: does it interrupt itself, and how soon is a user heard?

The room is calculated (tests/room.py), so that minutes of it take seconds: the echo at gains 0.1, 0.3 and 1 after 30,
100 and 250 ms with reverberation, and people speaking over it as loud as they were recorded.  All between the device
and the decision to stop is real: the canceller, the guard, the voice detector, the endpointer, the judge of barge-ins.
Milliseconds are of audio, from the user's first voiced sample to the end of the window on which it was decided.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import psutil
import trio
from attrs import field, frozen
from report import Budget, Figure, Findings, figure, run

from actors.machines.barge_in import BargeInPolicy
from actors.machines.echo_guard import EchoGuardPolicy
from actors.messages import SpeechActivity
from actors.ports import SpeechToText, TextToSpeech
from voicemode import EndpointPolicy
from voicemode.audio.echo import REMAINS, EchoCanceller
from voicemode.audio.files import Sound, resampled
from voicemode.speech.registry import load_speech_to_text, load_text_to_speech
from voicemode.speech.silero import SileroModel

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import room

TEXT = (
    "The printing press came late to this town. It stood in a shed behind the mill, and nobody knew what it was for. "
    "One winter a stranger asked for the key, and by spring there was a newspaper that everybody read twice. "
    "The old people say that the river froze that year, and that the children walked over it to school."
)
GAINS = (0.1, 0.3, 1.0)
DELAYS = (0.03, 0.1, 0.25)
DECAYS = (0.1, 0.2, 0.4)
"""Seconds in which the rooms fall silent by 60 dB."""

DEVICE_RATE = 22_050
"""What espeak-ng speaks at and the device plays at."""

STRETCH = 16.0
"""Seconds of the assistant's speech that each canceller of the first part hears, from when it is new."""

EARLIEST, LATEST = 2.5, 12.0
"""Seconds into the assistant's speech at which the user begins."""

AFTER = 2.2
"""Seconds of the user that are listened to."""

LATE = 9_000.0
"""Milliseconds that stand for never."""

INTERRUPTIONS = {"": BargeInPolicy(), " after 0.128 s": BargeInPolicy(min_speech=0.128)}

LOUDER = (0, 6, 12, 18)
"""By how many dB the user is louder at the microphone than the echo, where nothing but the guard is there."""

NEVER = Budget(at_most=0)


@frozen(kw_only=True)
class Scene:
    """What is played, what is heard, and when the user begins, if there is one."""

    gain: float
    played: list[room.Block] = field(repr=False)
    heard: room.Samples = field(repr=False)
    onset: float = 0.0
    said: str = ""


@frozen(kw_only=True)
class Way:
    """A way of dealing with echo, with what follows it."""

    name: str
    cancel: bool = True
    noise_suppression: bool = False
    guard: EchoGuardPolicy | None = None


async def assistants() -> list[room.Samples]:
    """Two voices of espeak-ng, as loud as it is."""
    engine: TextToSpeech = await load_text_to_speech("espeak-ng")
    voices: list[room.Samples] = []
    for voice in ("en-us", "en+f3"):
        async with engine.speak(TEXT, voice=voice) as parts:
            pcm = b"".join([part.pcm async for part in parts])
        voices.append(room.samples_of(resampled(Sound(pcm=pcm, rate=engine.rate), room.RATE).pcm))
    return voices


def said_by_humans(dice: np.random.Generator, but: str = "") -> room.Samples:
    """All recordings in some order, but those of the reader of ``but``."""
    clips = [clip for name, clip in room.human_voices().items() if not but or name[:2] != but[:2]]
    return room.assembled([clips[place] for place in dice.permutation(len(clips))], seconds=STRETCH)


def scene(
    played: room.Samples,
    gain: float,
    delay: float,
    dice: np.random.Generator,
    user: room.Said | None = None,
    said: str = "",
) -> Scene:
    acoustics = room.Acoustics(
        gain=gain, delay=delay, decay=float(dice.choice(DECAYS)), seed=int(dice.integers(1_000_000))
    )
    return Scene(
        gain=gain,
        played=room.blocks(room.at_rate(played, DEVICE_RATE), DEVICE_RATE),
        heard=room.heard(played, acoustics, [] if user is None else [user]),
        onset=0.0 if user is None else user.at + room.onset(user.samples) / room.RATE,
        said=said,
    )


def alone(voices: Sequence[room.Samples], dice: np.random.Generator, *, rounds: int) -> list[Scene]:
    """The assistant speaks and nobody else; every second stretch begins in the middle of a word."""
    scenes: list[Scene] = []
    for gain, delay, number in product(GAINS, DELAYS, range(rounds)):
        played = voices[number] if number < len(voices) else said_by_humans(dice)
        if number % 2:
            played = np.roll(played, int(dice.integers(len(played))))
        scenes.append(scene(played[: round(STRETCH * room.RATE)], gain, delay, dice))
    return scenes


def interrupted(
    voices: Sequence[room.Samples], dice: np.random.Generator, *, people: int, louder: float | None = None
) -> list[Scene]:
    """Somebody speaks over the assistant; ``louder`` by so many dB than its echo, or as loud as they were recorded."""
    scenes: list[Scene] = []
    clips = list(room.human_voices().items())[:people]
    for gain, delay, (number, (name, clip)) in product(GAINS, DELAYS, enumerate(clips)):
        played = said_by_humans(dice, but=name) if number % 3 == 0 else voices[number % 2]
        at = float(dice.uniform(EARLIEST, LATEST))
        played = played[: round((at + AFTER) * room.RATE)]
        voice = clip
        if louder is not None:
            played = room.at_level(played, -20.0)
            voice = room.at_level(clip, -20.0 + 20 * np.log10(gain) + louder)
        scenes.append(scene(played, gain, delay, dice, room.Said(at, voice), name))
    return scenes


def listened(scenes: Sequence[Scene], way: Way, model: SileroModel, took: list[float]) -> list[list[SpeechActivity]]:
    """What the voice detector and the guard make of each scene, each with a canceller that is new to the room."""
    results: list[list[SpeechActivity]] = []
    for each in scenes:
        pcm = room.pcm_of(each.heard)
        if way.cancel:
            canceller = EchoCanceller(noise_suppression=way.noise_suppression)
            pcm = room.cleaned(canceller, each.played, room.frames(each.heard), took=took)
        activities = room.windows(model, pcm)
        results.append(activities if way.guard is None else room.heeded(activities, each.played, way.guard))
    return results


def self_interruptions(way: Way, activities: Sequence[Sequence[SpeechActivity]]) -> list[Figure]:
    figures: list[Figure] = []
    for name, policy in INTERRUPTIONS.items():
        found = [room.noticed(each, EndpointPolicy(), policy) for each in activities]
        if not figures:
            starts = sum(len(each.started) for each in found)
            figures.append(figure(f"{way.name}: speech in echo alone", "times", [starts]))
        # the shorter one is nobody's default, and shows how near it is
        budget = NEVER if way.guard is not None and policy == BargeInPolicy() else None
        times = sum(len(each.committed) for each in found)
        figures.append(figure(f"{way.name}: self-interruptions{name}", "times", [times], budget))
    return figures


def delays(
    scenes: Sequence[Scene], activities: Sequence[Sequence[SpeechActivity]], interruption: BargeInPolicy
) -> list[tuple[float, float]]:
    """Milliseconds to the start of speech and to the interruption for each scene."""
    found: list[tuple[float, float]] = []
    for each, windows in zip(scenes, activities, strict=True):
        user = [window for window in windows if window.at > each.onset]
        heard = room.noticed(user, EndpointPolicy(), interruption)
        started, committed = (
            1000 * (times[0] - each.onset) if times else LATE for times in (heard.started, heard.committed)
        )
        found.append((started, committed))
    return found


def reactions(way: Way, scenes: Sequence[Scene], activities: Sequence[Sequence[SpeechActivity]]) -> list[Figure]:
    budget = None if way.guard is None else Budget(at_most=300, statistic="p95")
    started = [each[0] for each in delays(scenes, activities, BargeInPolicy())]
    figures = [figure(f"{way.name}: user → speech starts", "ms", started, budget)]
    figures += _by_gain(scenes, started)
    for name, policy in INTERRUPTIONS.items():
        committed = [each[1] for each in delays(scenes, activities, policy)]
        figures.append(figure(f"{way.name}: user → interruption{name}", "ms", committed, budget))
        figures += _by_gain(scenes, committed)
    return figures


def _by_gain(scenes: Sequence[Scene], values: Sequence[float]) -> list[Figure]:
    return [
        figure(
            f"  echo at {gain:g}",
            "ms",
            [value for value, each in zip(values, scenes, strict=True) if each.gain == gain],
        )
        for gain in GAINS
    ]


def share_heard(scenes: Sequence[Scene], activities: Sequence[Sequence[SpeechActivity]]) -> float:
    found = delays(scenes, activities, BargeInPolicy())
    return 100 * float(np.mean([committed < 1000 for _, committed in found]))


async def understood(
    stt: SpeechToText, ways: Sequence[Way], voices: Sequence[room.Samples], *, people: int
) -> list[Figure]:
    """Of what a user said whom the assistant fell silent for 30 ms after the interruption, words right."""
    transcripts = dict(line.split("\t", 1) for line in (room.CLIPS / "transcripts.tsv").read_text().splitlines())
    clips = dict(list(room.human_voices().items())[:people])
    phrases = {name: " ".join(word.strip(".,") for word in transcripts[name].lower().split()) for name in clips}
    right: dict[str, list[float]] = {"without echo": [], **{way.name: [] for way in ways}}
    for (name, clip), gain in product(clips.items(), GAINS):
        dice = np.random.default_rng(len(name))
        played = voices[0][: round(EARLIEST * room.RATE) + len(clip)].copy()
        played[round((EARLIEST + 0.33) * room.RATE) + room.onset(clip) :] = 0.0
        each = scene(played, gain, 0.1, dice, room.Said(EARLIEST, clip), name)
        begin = round(EARLIEST * room.RATE) * 2
        heard = {"without echo": room.pcm_of(clip)}
        for way in ways:
            pcm = room.pcm_of(each.heard)
            if way.cancel:
                canceller = EchoCanceller(noise_suppression=way.noise_suppression)
                pcm = room.cleaned(canceller, each.played, room.frames(each.heard))
            heard[way.name] = pcm[begin:]
        for what, pcm in heard.items():
            text = (await stt.transcribe(pcm, room.RATE, phrases=tuple(phrases.values()))).text
            right[what].append(100.0 * (text == phrases[name]))
    return [figure(f"understood, {what}", "%", [float(np.mean(each))]) for what, each in right.items()]


async def measure_all(smoke: bool) -> Findings:
    model = await SileroModel.load()
    voices = await assistants()
    dice = np.random.default_rng(1)
    before = psutil.Process().memory_info().rss
    canceller = EchoCanceller()
    room.cleaned(canceller, [], room.frames(np.zeros(room.RATE)))
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    del canceller
    took: list[float] = []
    ways = (
        Way(name="nothing", cancel=False),
        Way(name="guard", cancel=False, guard=EchoGuardPolicy()),
        Way(name="canceller", guard=REMAINS),
        Way(name="canceller, noise suppressed", noise_suppression=True, guard=REMAINS),
    )
    ways = (ways[2],) if smoke else ways
    echo = alone(voices, dice, rounds=1 if smoke else 4)
    if smoke:
        echo = echo[::4]
    users = interrupted(voices, dice, people=1 if smoke else 8)
    figures: list[Figure] = []
    for way in ways:
        without = listened(echo, way, model, took)
        figures += self_interruptions(way, without)
        if way.cancel:
            figures += reactions(way, users, listened(users, way, model, took))
    if not smoke:
        guard = ways[1]
        for louder in LOUDER:
            scenes = interrupted(voices, dice, people=8, louder=louder)
            share = share_heard(scenes, listened(scenes, guard, model, took))
            figures.append(figure(f"guard: users {louder} dB above the echo heard within 1 s", "%", [share]))
        stt = await load_speech_to_text("pocketsphinx")
        figures += await understood(stt, (ways[0], ways[2], ways[3]), voices, people=8)
    figures.append(
        figure(
            "canceller, one frame of 10 ms", "ms", [1000 * each for each in took], Budget(at_most=1, statistic="p99")
        )
    )
    minutes = sum(len(each.heard) for each in echo) / room.RATE / 60
    return Findings(
        figures=tuple(figures),
        notes=(
            f"Echo alone: {minutes:.1f} minutes of the assistant's speech, {len(echo)} cancellers new to their rooms.",
            f"{len(users)} users; one who is never heard counts as {LATE:g} ms.",
            f"A canceller and its library take {grown:.0f} MB.",
        ),
    )


def measure(smoke: bool) -> Findings:
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("echo", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
