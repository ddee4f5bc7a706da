"""Two real speech servers behind a conversation, of which the first is killed and restarted at the worst of moments.

Nothing that was said is lost and nothing is said twice; once the first is back it is used again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import trio
from attrs import define
from numpy.typing import NDArray

from actors.events import Event, ProviderChanged, StateChanged
from actors.machines.endpointer import EndpointPolicy
from actors.messages import Service, SpeakingStarted, SpeechPaused, VoiceChanged
from actors.results import TurnResult
from tests.desk import spans
from voicemode import Conversation, Settings, open_conversation
from voicemode.audio.files import load_audio
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_microphone import VirtualMicrophone
from voicemode.audio.virtual_speaker import VirtualSpeaker
from voicemode.speech.registry import load_speech_to_text, load_text_to_speech

pytestmark = pytest.mark.realtime

STORY = (
    "The river was low that summer.",
    "Children walked across to the island.",
    "In autumn the rain came back.",
)
ANSWER = Path(__file__).parent.parent / "audio" / "lj001-0008.wav"
LISTENING_RATE = 16_000

PAUSE = 0.25
"""Seconds of silence that are between two sentences, and within none."""

SAME, WORD = 0.03, 0.15
"""Seconds by which a sentence may be longer or shorter than it should be: no word is as short as the first, and a word
that was cut off by the kill and is said again is no longer than the second."""

LONGEST = 40.0

Samples = NDArray[np.int16]
E = TypeVar("E", bound=Event)


@define
class ServerProcess:
    """``voicemode serve-speech``, always at the same port."""

    url: str = ""
    port: int = 0
    process: trio.Process | None = None

    async def start(self) -> None:
        command = [sys.executable, "-m", "voicemode", "serve-speech", "--json", "--port", str(self.port)]
        self.process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            more = await self.process.stdout.receive_some()
            assert more, "the server ended"
            line += more
        self.url = json.loads(line)["url"]
        self.port = int(self.url.rpartition(":")[2].partition("/")[0])

    async def kill(self) -> None:
        """With a signal that nobody can catch."""
        if self.process is not None:
            self.process.kill()
            with trio.CancelScope(shield=True):
                await self.process.wait()
            self.process = None


@asynccontextmanager
async def two_servers() -> AsyncGenerator[tuple[ServerProcess, ServerProcess]]:
    first, second = ServerProcess(), ServerProcess()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first.start)
            nursery.start_soon(second.start)
        yield first, second
    finally:
        await first.kill()
        await second.kill()


class Desk:
    """A conversation with virtual devices, what left the speaker, and what happened."""

    def __init__(self) -> None:
        self.microphone, self.speaker = VirtualMicrophone(), VirtualSpeaker(self._record)
        self._happened: list[Event] = []
        self._changed = trio.Event()
        self.conversation: Conversation
        self.rate = 0
        self._played: list[tuple[float, bytes]] = []

    def _record(self, at: float, pcm: bytes, rate: int) -> None:
        self.rate = rate
        self._played.append((at, pcm))

    def said(self) -> list[Samples]:
        """What left the speaker, sentence by sentence."""
        begun = self._played[0][0]
        last, pcm = self._played[-1]
        recording = np.zeros(round((last - begun) * self.rate) + len(pcm) // 2, np.int16)
        for at, pcm in self._played:
            start = round((at - begun) * self.rate)
            recording[start : start + len(pcm) // 2] = np.frombuffer(pcm, "<i2")
        return [recording[begin:end] for begin, end in spans(recording, self.rate, PAUSE)]

    async def follow(self, task_status: trio.TaskStatus[None]) -> None:
        events = self.conversation.events()
        task_status.started()
        async for event in events:
            self._happened.append(event)
            self._changed.set()
            self._changed = trio.Event()

    async def event(self, kind: type[E], since: int = 0, **values: object) -> E:
        """The first of its kind with these values that is not among the first ``since`` events."""
        while True:
            for event in self._happened[since:]:
                if isinstance(event, kind) and all(getattr(event, name) == value for name, value in values.items()):
                    return event
            await self._changed.wait()

    async def back(self, service: Service, provider: str, since: int) -> None:
        """Wait until an engine was down and is known to be there again, all after the first ``since`` events."""
        for health in "down", "up":
            status = None
            while status is None or (status.service, status.provider, status.health) != (service, provider, health):
                event = await self.event(ProviderChanged, since)
                status, since = event.status, self._happened.index(event, since) + 1

    @property
    def now(self) -> int:
        """How many events there were."""
        return len(self._happened)


@asynccontextmanager
async def conversing(engines: tuple[str, ...]) -> AsyncGenerator[Desk]:
    desk = Desk()
    settings = Settings(tts=engines, stt=engines, endpoint=EndpointPolicy(hangover=0.5), chimes=False)
    async with (
        open_conversation(
            settings, microphone=desk.microphone, speaker=desk.speaker, store=MemoryStore()
        ) as desk.conversation,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(desk.follow)
        yield desk
        nursery.cancel_scope.cancel("the conversation is over")


async def lengths(sentences: Sequence[str]) -> list[float]:
    """Seconds of sound in each of them when nothing goes wrong."""
    voice = await load_text_to_speech("espeak-ng")
    found: list[float] = []
    for sentence in sentences:
        async with voice.speak(sentence) as parts:
            pcm = b"".join([part.pcm async for part in parts])
        found.append(sounding(np.frombuffer(pcm, "<i2"), voice.rate))
    return found


def sounding(samples: Samples, rate: int) -> float:
    """Seconds that are no silence: on a busy machine the speaker may have nothing to play for a moment."""
    return int(np.count_nonzero(samples)) / rate


async def test_the_first_of_two_servers_is_killed_while_it_speaks_and_again_while_it_listens() -> None:
    answer = await load_audio(ANSWER, LISTENING_RATE)
    results: list[TurnResult] = []
    with trio.fail_after(LONGEST):
        async with two_servers() as (first, second), conversing((first.url, second.url)) as desk:

            async def ask() -> None:
                results.append(await desk.conversation.converse(" ".join(STORY)))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                await desk.event(SpeakingStarted)
                await first.kill()
                await desk.event(VoiceChanged, engine=second.url)
                await first.start()
                await desk.event(StateChanged, state="listening")
                desk.microphone.place(answer, trio.current_time() + 0.2)
                # what was said until the pause is on its way to the server
                await desk.event(SpeechPaused)
                since = desk.now
                await first.kill()
            (result,) = results
            await first.start()
            await desk.back("stt", first.url, since)
            again = await desk.conversation.say("It is back.")

    ears = await load_speech_to_text("pocketsphinx")
    assert result.transcript == (await ears.transcribe(answer.pcm, answer.rate)).text
    assert (result.spoken.heard, result.spoken.complete) == (" ".join(STORY), True)
    *story, last = desk.said()
    *whole, struck = sorted(
        abs(sounding(heard, desk.rate) - length) for heard, length in zip(story, await lengths(STORY), strict=True)
    )
    assert struck < WORD
    assert max(whole) < SAME
    assert result.engines.stt == second.url
    assert {(each.service, each.provider) for each in result.failures} == {("tts", first.url), ("stt", first.url)}
    assert (again.engines.tts, again.failures) == (first.url, ())
    assert sounding(last, desk.rate) == pytest.approx((await lengths(["It is back."]))[0], abs=SAME)
