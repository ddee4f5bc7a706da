"""The assistant speaks in a room and hears itself, through a real sound server; now and then a user speaks.

The loudspeaker's sound comes back into the microphone so and so loud and late, exactly so whatever the machine does.
The user's voice is added to the frames of the microphone before anything of ours sees them, so that it is known to the
sample when it began.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import trio
from attrs import define, evolve, field, frozen
from bench_barge_in import VOICED
from numpy.typing import NDArray
from report import Budget, Findings, figure, run
from stand_ins import LISTENING_RATE

from actors.events import BargedIn
from actors.messages import AudioFrame, SpeakingStarted, SpeechStarted
from actors.ports import SpeechModel, SpeechToText, TextToSpeech
from tests.virtual_audio import VirtualAudio, missing
from voicemode import Conversation, Settings, open_conversation
from voicemode.audio.files import read_audio
from voicemode.audio.portaudio_microphone import PortAudioMicrophone
from voicemode.audio.portaudio_speaker import PortAudioPlayback, PortAudioSpeaker
from voicemode.audio.store import MemoryStore
from voicemode.speech.registry import load_speech_model, load_speech_to_text, load_text_to_speech

CLIP = Path(__file__).parent.parent / "voicemode" / "demo" / "surpassed.wav"

TEXT = (
    "The printing press came late to this town. It stood in a shed behind the mill, and nobody knew what it was for. "
    "One winter a stranger asked for the key, and by spring there was a newspaper that everybody read twice. "
    "They say the first page had four mistakes in it, which the mayor marked in red and hung in the window."
)
SAID = "has never been surpassed"
OTHERS = ("hang on wait a moment", "the mill is closed", "tell me about the mayor")

ROOMS = tuple((gain, delay) for gain in (0.1, 0.3, 1.0) for delay in (0.03, 0.1, 0.25))
ALONE = 70.0
"""Seconds of the assistant's speech in each room in which nobody else speaks."""
USERS = 5
EARLIEST, STEP = 1.5, 1.1
"""Seconds into the assistant's speech at which the first user begins, and by which each next one is later."""

Samples = NDArray[np.int16]

NEVER = 10_000.0
"""Milliseconds that stand for a user who was not noticed."""


class Ear(PortAudioMicrophone):
    """A real microphone in front of which somebody may speak."""

    def __init__(self) -> None:
        super().__init__()
        self._voice: Samples = np.zeros(0, np.int16)
        self._begin = 0.0

    def speak(self, voice: Samples, at: float) -> None:
        self._voice, self._begin = voice, at

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:
        async with super().open(rate) as frames:
            yield _Overheard(frames, self)

    def hear(self, frame: AudioFrame) -> AudioFrame:
        samples = np.frombuffer(frame.pcm, "<i2").astype(np.int32)
        offset = round((frame.start - self._begin) * frame.rate)
        begin, end = max(offset, 0), min(offset + len(samples), len(self._voice))
        if begin >= end:
            return frame
        samples[begin - offset : end - offset] += self._voice[begin:end]
        return evolve(frame, pcm=np.clip(samples, -32768, 32767).astype("<i2").tobytes())


class _Overheard:
    def __init__(self, frames: AsyncIterator[AudioFrame], ear: Ear) -> None:
        self._frames, self._ear = frames, ear

    def __aiter__(self) -> _Overheard:
        return self

    async def __anext__(self) -> AudioFrame:
        return self._ear.hear(await anext(self._frames))


class Loudspeaker(PortAudioSpeaker):
    """Tells how often it ran dry."""

    def __init__(self) -> None:
        super().__init__()
        self._playback: PortAudioPlayback | None = None

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[PortAudioPlayback]:
        async with super().open(rate) as playback:
            self._playback = playback
            yield playback

    @property
    def underruns(self) -> int:
        return 0 if self._playback is None else self._playback.underruns


@frozen
class Engines:
    tts: TextToSpeech
    stt: SpeechToText
    vad: SpeechModel


@define
class Outcome:
    alone: float = 0.0
    starts: int = 0
    commits: int = 0
    noticed: list[float] = field(factory=list[float])
    decided: list[float] = field(factory=list[float])
    understood: list[float] = field(factory=list[float])
    missed: int = 0
    underruns: int = 0
    incidents: list[str] = field(factory=list[str])


class _Notes:
    """When this conversation's user was noticed: the moments at which events come, and not those they tell of."""

    def __init__(self) -> None:
        self.speaking = trio.Event()
        self.began = 0.0
        self.starts: list[float] = []
        self.commits: list[float] = []

    async def follow(
        self, conversation: Conversation, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        events = conversation.events()
        task_status.started()
        async for event in events:
            match event:
                case SpeakingStarted():
                    self.began = event.at
                    self.speaking.set()
                case SpeechStarted():
                    self.starts.append(trio.current_time())
                case BargedIn():
                    self.commits.append(trio.current_time())
                case _:
                    pass

    def forget(self) -> None:
        self.speaking = trio.Event()
        self.starts.clear()
        self.commits.clear()


async def in_a_room(engines: Engines, where: str, *, alone: float, users: int, outcome: Outcome) -> None:
    ear, speaker, notes = Ear(), Loudspeaker(), _Notes()
    sound = np.frombuffer(read_audio(CLIP, LISTENING_RATE).pcm, "<i2").astype(np.int16)
    onset = int(np.flatnonzero(np.abs(sound.astype(np.int32)) > VOICED)[0]) / LISTENING_RATE
    async with (
        open_conversation(
            Settings(echo="cancel", chimes=False, phrases=(SAID, *OTHERS)),
            microphone=ear,
            speaker=speaker,
            tts=engines.tts,
            stt=engines.stt,
            vad=engines.vad,
            store=MemoryStore(),
        ) as conversation,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(notes.follow, conversation)
        until = outcome.alone + alone
        while outcome.alone < until:
            begun = trio.current_time()
            await conversation.say(TEXT, interruptible=True)
            outcome.alone += trio.current_time() - begun
        outcome.starts += len(notes.starts)
        outcome.commits += len(notes.commits)
        if notes.starts:
            moments = ", ".join(f"{moment - notes.began:.1f}" for moment in notes.starts)
            outcome.incidents.append(
                f"{where}: {len(notes.starts)} onsets, the last turn's {moments} s into its speech."
            )
        for number in range(users):
            notes.forget()
            begins: list[float] = []

            async def speak(after: float, begins: list[float]) -> None:
                await notes.speaking.wait()
                ear.speak(sound, notes.began + after)
                begins.append(notes.began + after + onset)

            async with trio.open_nursery() as turn:
                turn.start_soon(speak, EARLIEST + STEP * number, begins)
                result = await conversation.converse(TEXT)
            outcome.noticed.append(_first(notes.starts, begins[0]))
            outcome.decided.append(_first(notes.commits, begins[0]))
            outcome.understood.append(float(result.transcript == SAID))
            outcome.missed += not notes.commits
        outcome.underruns += speaker.underruns
        nursery.cancel_scope.cancel("the room is left")


def _first(moments: list[float], begin: float) -> float:
    """Milliseconds from ``begin``; what came before it was no user."""
    return 1000 * min((moment - begin for moment in moments if moment >= begin), default=NEVER / 1000)


async def measure_all(smoke: bool) -> Findings:
    engines = Engines(
        await load_text_to_speech("espeak-ng"),
        await load_speech_to_text("pocketsphinx"),
        await load_speech_model("silero"),
    )
    outcome = Outcome()
    for gain, delay in ROOMS[4:5] if smoke else ROOMS:
        with VirtualAudio(rate=48_000) as audio, audio.in_process(), audio.room(gain, delay):
            await in_a_room(
                engines,
                f"Gain {gain:g}, {1000 * delay:.0f} ms",
                alone=5.0 if smoke else ALONE,
                users=1 if smoke else USERS,
                outcome=outcome,
            )
    return Findings(
        figures=(
            figure("assistant alone", "s", [outcome.alone]),
            figure("  it took itself for a user's onset", "times", [float(outcome.starts)]),
            figure("  it interrupted itself", "times", [float(outcome.commits)], Budget(at_most=0)),
            figure("user's first voiced sample → noticed", "ms", outcome.noticed, Budget(at_most=200, statistic="p50")),
            figure("  the same", "ms", outcome.noticed, Budget(at_most=300, statistic="p95")),
            figure("  → the assistant is interrupted", "ms", outcome.decided),
            figure("users not noticed", "times", [float(outcome.missed)]),
            figure("underruns of the speaker", "times", [float(outcome.underruns)]),
            figure("understood to the word", "of 1", [float(np.mean(outcome.understood))]),
        ),
        notes=(
            *outcome.incidents,
            f"Echo at gains 0.1, 0.3 and 1.0, {1000 * ROOMS[0][1]:.0f} to {1000 * ROOMS[-1][1]:.0f} ms late.",
            f"{len(outcome.noticed)} users, one human voice as loud as it was recorded; unnoticed counts as 10 s.",
        ),
    )


def measure(smoke: bool) -> Findings:
    if absent := missing():
        raise SystemExit(f"bench_room: {absent}. Install pulseaudio and pulseaudio-utils.")
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("room", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
