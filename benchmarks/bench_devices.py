"""Conversations through a real sound server: does every sample arrive, how soon is it silent, what does a loss cost.

The server is PulseAudio with a virtual microphone and speaker, started for this alone.  What the assistant says is
compared with a recording of the speaker, what the user says with the utterance that was captured, sample by sample.
"""

from __future__ import annotations

import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import cycle, islice
from statistics import median

import numpy as np
import trio
from attrs import define, field, frozen
from losing_devices import incidents
from numpy.typing import NDArray
from report import Budget, Figure, Findings, figure, run
from stand_ins import LISTENING_RATE

from actors.events import UtteranceRecorded
from actors.messages import SpeakingStarted, Spoken
from actors.ports import SpeechModel, SpeechToText, TextToSpeech
from actors.results import TurnResult
from tests.desk import Difference, at_desk, difference, human_voice, mouth, spans
from tests.virtual_audio import Recording, VirtualAudio, missing
from voicemode.audio.files import Sound, resampled
from voicemode.speech.registry import load_speech_model, load_speech_to_text, load_text_to_speech

QUESTIONS = ("Shall I go on?", "And then?", "Who was it?", "Is that all?", "Are you sure?", "What did he say?")
USER_TEXT = "Hang on, wait a moment please"
HUMAN_TEXT = "has never been surpassed"
STORY = "It stood in a shed behind the mill, and nobody knew what it was for until the spring."

PAUSES = (0.0, -0.05, 0.0, -0.1, 0.0, 0.1, 0.0, 0.4)
"""Seconds from the assistant's last sample to the user's first."""

EARLY = 0.15
"""Seconds; an answer that begins no later than this after the assistant is an immediate one."""

STOPPED_AFTER = 0.2, 2.0
"""Seconds into its speech between which the assistant is stopped."""

Samples = NDArray[np.int16]


@frozen(kw_only=True)
class Engines:
    tts: TextToSpeech
    stt: SpeechToText
    vad: SpeechModel


@define
class Turns:
    """One value a turn; samples, but for ``pauses`` (ms from the assistant's last sample to the user's first, as it
    came out), ``gaps`` (ms of silence that was in the speech and not in what the engine made) and ``misheard``."""

    spoken: list[Difference] = field(factory=list[Difference])
    captured: list[Difference] = field(factory=list[Difference])
    pauses: list[float] = field(factory=list[float])
    gaps: list[float] = field(factory=list[float])
    misheard: list[float] = field(factory=list[float])
    dropped: int = 0
    underruns: int = 0


async def converse_often(audio: VirtualAudio, engines: Engines, turns: int) -> Turns:
    """The assistant asks, the user answers, ``turns`` times."""
    users = [(HUMAN_TEXT, human_voice()), (USER_TEXT, await voice_of(engines.tts))]
    found, made = Turns(), list[Samples]()
    phrases = tuple(text for text, _ in users)
    async with (
        audio.record() as recording,
        mouth(audio) as user,
        at_desk(audio, engines.tts, stt=engines.stt, vad=engines.vad) as desk,
    ):
        leads = [0.0]
        for number, pause in enumerate(islice(cycle(PAUSES), turns)):
            text, clip = users[number % len(users)]
            desk.voice.begin()
            results = list[TurnResult]()

            async def ask(question: str, results: list[TurnResult]) -> None:
                results.append(await desk.conversation.converse(question, phrases=phrases))

            began = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, QUESTIONS[number % len(QUESTIONS)], results)
                started = await desk.log.first(SpeakingStarted, began)
                await desk.voice.made.wait()
                over = started.at + desk.voice.seconds
                await trio.sleep_until(over + pause - median(leads))
                said = await user.say(clip.tobytes())
            utterance = (await desk.log.first(UtteranceRecorded, began)).utterance
            heard = np.frombuffer(utterance.pcm, "<i2").astype(np.int16)
            onset = utterance.start + int(np.flatnonzero(heard)[0]) / utterance.rate
            leads = [*leads[-9:], onset - said]
            made.append(desk.voice.samples)
            found.captured.append(difference(clip, heard))
            found.pauses.append(1000 * (onset - over))
            found.misheard.append(float(results[0].transcript.strip() != text))
        found.dropped, found.underruns = desk.microphone.dropped, desk.speaker.underruns
    judge_speech(recording, made, found)
    return found


def judge_speech(recording: Recording, made: list[Samples], found: Turns) -> None:
    """Silence is ambiguous: that which is in the recording and not in the engine's samples counts as a gap."""
    samples = recording.samples()
    said = spans(samples, recording.rate)
    if len(said) != len(made):
        raise RuntimeError(f"{len(made)} sentences were made and {len(said)} recorded")
    for (begin, end), sentence in zip(said, made, strict=True):
        heard = samples[begin:end]
        found.spoken.append(difference(sentence[sentence != 0], heard[heard != 0]))
        found.gaps.append(1000 * (end - begin - len(np.trim_zeros(sentence))) / recording.rate)


async def voice_of(tts: TextToSpeech) -> Samples:
    """Another voice than the assistant's, at the rate of the microphone."""
    async with tts.speak(USER_TEXT, voice="en+f3") as parts:
        pcm = b"".join([part.pcm async for part in parts])
    return np.frombuffer(resampled(Sound(pcm=pcm, rate=tts.rate), LISTENING_RATE).pcm, "<i2").astype(np.int16)


@define
class Stops:
    """One value a stop: milliseconds from the decision to the last sample that is not 0; milliseconds that were heard
    and are not in the account, which is made at the stop; the largest step in the fade as a share of the largest in
    the speech before it; and how long the fade lasts."""

    silent: list[float] = field(factory=list[float])
    unaccounted: list[float] = field(factory=list[float])
    steps: list[float] = field(factory=list[float])
    fades: list[float] = field(factory=list[float])


async def stop_often(audio: VirtualAudio, engines: Engines, stops: int) -> Stops:
    decisions, made, accounts = list[float](), list[Samples](), list[Spoken]()
    starts = list[float]()
    async with audio.record() as recording, at_desk(audio, engines.tts, vad=engines.vad) as desk:
        for _ in range(stops):
            desk.voice.begin()
            began = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(desk.conversation.say, STORY)
                started = await desk.log.first(SpeakingStarted, began)
                await trio.sleep_until(started.at + random.uniform(*STOPPED_AFTER))
                decisions.append(trio.current_time())
                desk.conversation.interrupt()
            starts.append(started.at)
            accounts.append(await desk.log.first(Spoken, began))
            made.append(desk.voice.samples)
            await trio.sleep(0.6)
    found = Stops()
    samples = recording.samples()
    said = spans(samples, recording.rate)
    if len(said) != stops:
        raise RuntimeError(f"{stops} stories were begun and {len(said)} recorded")
    for (begin, end), decided, start, sentence, account in zip(said, decisions, starts, made, accounts, strict=True):
        judge_stop(samples[begin:end], sentence, recording.rate, decided - start, account.samples, found)
    return found


def judge_stop(heard: Samples, made: Samples, rate: int, decided: float, account: int, found: Stops) -> None:
    """``decided`` seconds after the engine's first sample left, of which ``account`` had left then."""
    original, sounding = np.flatnonzero(made), np.flatnonzero(heard)
    found.silent.append(1000 * ((int(original[0]) + len(heard)) / rate - decided))
    # gaps before the stop are counted with the turns; the fade begins with the first sample that is another
    different = np.flatnonzero(heard[sounding] != made[original[: len(sounding)]])
    if not len(different):
        return  # stopped in a pause
    changed = int(different[0])
    found.unaccounted.append(1000 * (int(original[changed]) - account) / rate)
    # a pause before it is no part of it
    fade = np.append(heard[sounding[changed] - 1 :], 0).astype(int)
    usual = np.abs(np.diff(made[: original[changed]].astype(int))).max()
    found.steps.append(float(np.abs(np.diff(fade)).max() / usual))
    found.fades.append(1000 * (len(fade) - 2) / rate)


@asynccontextmanager
async def led_to(rate: int) -> AsyncGenerator[VirtualAudio]:
    """A sound server, and PortAudio led to it."""
    with VirtualAudio(LISTENING_RATE, rate) as audio, audio.in_process():
        yield audio
        await trio.lowlevel.checkpoint()


async def measure_all(smoke: bool) -> Findings:
    engines = Engines(
        tts=await load_text_to_speech("espeak-ng"),
        stt=await load_speech_to_text("pocketsphinx"),
        vad=await load_speech_model("silero"),
    )
    async with led_to(engines.tts.rate) as audio:
        turns = await converse_often(audio, engines, 3 if smoke else 100)
        stops = await stop_often(audio, engines, 3 if smoke else 60)
    lost, notes = await incidents(engines.tts, engines.vad, smoke=smoke)
    return Findings(figures=(*figures_of_turns(turns), *figures_of_stops(stops), *lost), notes=notes)


def figures_of_turns(turns: Turns) -> tuple[Figure, ...]:
    # a busy machine lets the speaker run dry, and nothing else
    none, few = Budget(at_most=0, exact=True), Budget(at_most=0)
    early = [
        difference for difference, pause in zip(turns.captured, turns.pauses, strict=True) if pause <= 1000 * EARLY
    ]
    return (
        figure("turn: of the assistant's samples lost", "samples", [float(each.lost) for each in turns.spoken], few),
        figure("  repeated or altered", "samples", [float(each.extra) for each in turns.spoken], none),
        figure("  gaps in a sentence", "ms", turns.gaps, few),
        figure("turn: of the user's samples lost", "samples", [float(each.lost) for each in turns.captured], none),
        figure("  repeated, inserted or altered", "samples", [float(each.extra) for each in turns.captured], none),
        figure("  head cut, answer within 150 ms", "samples", [float(each.head) for each in early], none),
        figure("  assistant's last sample → user's first", "ms", turns.pauses),
        figure("  transcript not what was said", "turns", turns.misheard, Budget(at_most=0)),
        figure("blocks of the microphone dropped, all turns", "blocks", [float(turns.dropped)], none),
        figure("underruns of the speaker, all turns", "", [float(turns.underruns)]),
    )


def figures_of_stops(stops: Stops) -> tuple[Figure, ...]:
    return (
        figure("interrupt() → silence", "ms", stops.silent, Budget(at_most=30, statistic="p99")),
        figure("  heard after it was accounted for", "ms", stops.unaccounted),
        figure("  largest step in the fade / in the speech", "", stops.steps, Budget(at_most=1)),
        figure("  length of the fade", "ms", stops.fades, Budget(at_most=6)),
    )


def measure(smoke: bool) -> Findings:
    if absent := missing():
        raise SystemExit(f"Install what this needs (the names are Debian's): {absent}.")
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("devices", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
