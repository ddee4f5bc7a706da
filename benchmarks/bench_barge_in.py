"""A user speaks over the assistant, with the real voice, voice detector and recogniser, and the recording is judged.

Both sides are recorded on one clock as ``voicemode script --record`` does it.  How long the assistant goes on, and how
much of its text was said, is read from the samples of the recording and nothing else.
"""

from __future__ import annotations

import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
import trio
from attrs import define, field, frozen
from numpy.typing import NDArray
from report import Budget, Findings, figure, run
from stand_ins import LISTENING_RATE, Cues, ObservedSpeaker, Room, human_voice

from actors.events import BargedIn
from actors.machines.barge_in import BargeInPolicy
from actors.messages import SAMPLE_BYTES, SpeakingStarted, Synthesis
from actors.ports import SpeechModel, SpeechToText, TextToSpeech
from voicemode import Settings, TurnPolicy, open_conversation
from voicemode.audio.files import Sound, resampled
from voicemode.audio.store import MemoryStore
from voicemode.script.recording import Recording, Tape
from voicemode.speech.registry import load_speech_model, load_speech_to_text, load_text_to_speech

TEXT = (
    "The printing press came late to this town. It stood in a shed behind the mill, and nobody knew what it was for. "
    "One winter a stranger asked for the key, and by spring there was a newspaper that everybody read twice."
)
USER_TEXT = "Hang on, wait a moment please"
PHRASES = ("hang on wait a moment please", "has never been surpassed")

SETTINGS = Settings(phrases=PHRASES, turn=TurnPolicy(barge_in=BargeInPolicy(manners="interrupt", duck=1.0)))
"""The voice is not lowered before it stops, so that its samples can be compared with the engine's to the last."""

VOICED = 328
"""From what sample on the user is heard: -40 dB of full scale."""

QUANTUM = 0.01
EARLIEST, LATEST = 0.3, 6.0
"""Seconds into the assistant's speech at which the user begins, in the first run and in the last."""

Samples = NDArray[np.int16]


class Tap:
    """A voice that keeps what its engine delivers of a text.

    espeak-ng never makes the same samples twice, so what it made for the conversation is what the recording is
    compared with.  ``ends`` holds where words and pieces end: samples since the first, characters of the text.
    """

    def __init__(self, engine: TextToSpeech) -> None:
        self.name, self.rate = engine.name, engine.rate
        self._engine = engine
        self._pcm = bytearray()
        self._ends: list[tuple[int, int]] = []
        self._characters = 0

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](0)
        async with self._engine.speak(text, voice=voice, speed=speed) as audio, trio.open_nursery() as nursery:
            nursery.start_soon(self._pass_on, text, audio, send)
            with receive:
                yield receive
            nursery.cancel_scope.cancel()

    async def _pass_on(
        self, text: str, audio: trio.MemoryReceiveChannel[Synthesis], send: trio.MemorySendChannel[Synthesis]
    ) -> None:
        start, begin = self._characters, self._played
        self._characters += len(text)
        with send:
            async for part in audio:
                self._pcm += part.pcm
                self._ends += [(begin + round(word.finish * part.rate), start + word.end) for word in part.words]
                await send.send(part)
        self._ends.append((self._played, start + len(text)))

    @property
    def _played(self) -> int:
        return len(self._pcm) // SAMPLE_BYTES

    def said(self, samples: int) -> str:
        """The words of the text that have ended after so many samples."""
        return TEXT[: max((end for played, end in self._ends if played <= samples), default=0)]

    def recorded(self, recording: Samples) -> tuple[int, int]:
        """How many of the engine's samples are in ``recording``: at least and at most, because silence is ambiguous.

        Raises RuntimeError when it does not begin with what the engine made, gaps aside.
        """
        made = np.frombuffer(bytes(self._pcm), "<i2")
        sounding = np.flatnonzero(made)
        heard = recording[recording != 0]
        if not np.array_equal(heard, made[sounding[: len(heard)]]):
            raise RuntimeError("the recording holds something else than the engine made of the text")
        least = int(sounding[len(heard) - 1]) + 1 if len(heard) else 0
        most = int(sounding[len(heard)]) if len(heard) < len(sounding) else len(made)
        return least, most


@define
class Outcome:
    """Milliseconds and counts, one value a run."""

    onset_to_silence: list[float] = field(factory=list[float])
    onset_to_decision: list[float] = field(factory=list[float])
    decision_to_silence: list[float] = field(factory=list[float])
    late_samples: list[float] = field(factory=list[float])
    words_made_up: list[float] = field(factory=list[float])
    words_missed: list[float] = field(factory=list[float])


@frozen(kw_only=True)
class Engines:
    tts: TextToSpeech
    stt: SpeechToText
    vad: SpeechModel


async def interrupted_once(engines: Engines, user: Sound, after: float, outcome: Outcome, notes: list[str]) -> None:
    cues, voice, tape = Cues(), Tap(engines.tts), Tape(engines.tts.rate)
    room, speaker = Room(cues.tell), ObservedSpeaker(tape.add)
    heard: list[str] = []
    began = trio.current_time()
    async with open_conversation(
        SETTINGS,
        microphone=room,
        speaker=speaker,
        tts=voice,
        stt=engines.stt,
        vad=engines.vad,
        store=MemoryStore(),
    ) as conversation:

        async def turn() -> None:
            result = await conversation.converse(TEXT)
            heard.append(result.spoken.heard)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn)
            said_at = (await cues.wait(SpeakingStarted)).at + after
            room.place(user, said_at)
    recording = tape.recording([(said_at, user)], began=began, ended=trio.current_time())
    judge(
        recording,
        voice,
        heard=heard[0],
        decided=cues.told(BargedIn)[1].at,
        stopped=speaker.stops[0],
        outcome=outcome,
        notes=notes,
    )


def judge(
    recording: Recording,
    voice: Tap,
    *,
    heard: str,
    decided: float,
    stopped: float,
    outcome: Outcome,
    notes: list[str],
) -> None:
    user, assistant = np.frombuffer(recording.user, "<i2"), np.frombuffer(recording.assistant, "<i2")
    onset = recording.began + int(np.flatnonzero(np.abs(user.astype(np.int32)) > VOICED)[0]) / recording.rate
    silent = recording.began + (int(np.flatnonzero(assistant)[-1]) + 1) / recording.rate
    outcome.onset_to_silence.append(1000 * (silent - onset))
    outcome.onset_to_decision.append(1000 * (decided - onset))
    outcome.decision_to_silence.append(1000 * (silent - decided))
    late = round((stopped + QUANTUM - recording.began) * recording.rate) + 1
    outcome.late_samples.append(float(np.count_nonzero(assistant[late:])))

    least, most = voice.recorded(assistant)
    surely, perhaps = voice.said(least), voice.said(most)
    outcome.words_made_up.append(float(max(0, len(heard.split()) - len(perhaps.split()))))
    outcome.words_missed.append(float(max(0, len(surely.split()) - len(heard.split()))))
    if not len(surely.rstrip()) <= len(heard.rstrip()) <= len(perhaps.rstrip()) or not TEXT.startswith(heard):
        notes.append(f"Recorded: {surely[-60:]!r}; said to be heard: {heard[-60:]!r}.")


async def measure_all(smoke: bool) -> Findings:
    runs = 3 if smoke else 20
    engines = Engines(
        tts=await load_text_to_speech("espeak-ng"),
        stt=await load_speech_to_text("pocketsphinx"),
        vad=await load_speech_model("silero"),
    )
    async with engines.tts.speak(USER_TEXT, voice="en+f3") as parts:
        pcm = b"".join([part.pcm async for part in parts])
    users = (human_voice(), resampled(Sound(pcm=pcm, rate=engines.tts.rate), LISTENING_RATE))
    outcome, notes = Outcome(), list[str]()
    for number in range(runs):
        after = EARLIEST + (LATEST - EARLIEST) * number / (runs - 1) + random.uniform(0, QUANTUM)
        await interrupted_once(engines, users[number % 2], after, outcome, notes)
    equal = runs - len(notes)
    return Findings(
        figures=(
            figure("user's first sample → assistant's last", "ms", outcome.onset_to_silence),
            figure("  of it until it is decided", "ms", outcome.onset_to_decision),
            figure(
                "  from the decision to silence",
                "ms",
                outcome.decision_to_silence,
                Budget(at_most=30, statistic="p99"),
            ),
            figure("old turn after the stop + 10 ms", "samples", outcome.late_samples, Budget(at_most=0, exact=True)),
            figure("said to be heard, not recorded", "words", outcome.words_made_up, Budget(at_most=0, exact=True)),
            figure("recorded, not said to be heard", "words", outcome.words_missed, Budget(at_most=0)),
        ),
        notes=(
            f"In {equal} of {runs} runs the text said to be heard is the text in the recording.",
            *notes,
            f"The user begins {EARLIEST:g} to {LATEST:g} s into the assistant's speech, a human and espeak-ng in turn.",
        ),
    )


def measure(smoke: bool) -> Findings:
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("barge_in", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
