"""Our side of the contest: jobs as lines in, what happened as lines out.  Through the library, on Trio.

Ports are given to ``open_conversation``; devices are the virtual ones of the library, on the clock that all share.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[2]))

import trio
from world import FRAME, RATE, Stage, memory, now, serve

from actors.errors import ProviderUnavailable
from actors.failover import Candidate
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.machines.barge_in import BargeInPolicy
from actors.machines.board import Board
from actors.machines.turn_delay import TurnDelayPolicy
from actors.messages import AudioFrame, Message, Synthesis, Transcript, WordTime
from actors.ports import SpeechToText, TextToSpeech
from voicemode import EndpointPolicy, Settings, TurnPolicy, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker
from voicemode.groups import unwrapped


class Room:
    """Implements ``Microphone``."""

    def __init__(self, stage: Stage, opened: Callable[[], None]) -> None:
        self._stage, self._opened = stage, opened

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:
        if not self._stage.events:
            self._opened()
        yield self._frames()

    async def _frames(self) -> AsyncIterator[AudioFrame]:
        shift = trio.current_time() - now()
        for index in count(max(0, math.ceil((now() - self._stage.due(-1)) / FRAME))):
            due = self._stage.due(index) + shift
            await trio.sleep_until(due)
            yield AudioFrame(start=due - FRAME, pcm=self._stage.frame(index), rate=RATE)


class Ears:
    def __init__(self, stage: Stage, name: str, fault: str | None) -> None:
        self.name = name
        self._stage, self._fault = stage, fault

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        self._stage.note("stt asked", self.name)
        if self._fault == "hangs":
            await trio.sleep_forever()
        await trio.sleep(self._stage.job["stt"])
        if self._fault == "raises":
            raise ProviderUnavailable(self.name, "The recogniser is broken.")
        text = self._stage.heard(pcm)
        self._stage.note("stt answered", self.name, text)
        return Transcript(text=text, engine=self.name, seconds=self._stage.job["stt"])


class Voice:
    rate = RATE

    def __init__(self, stage: Stage, name: str, *, mortal: bool, timed: bool) -> None:
        self.name = name
        self._stage, self._mortal, self._timed = stage, mortal, timed

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        self._stage.note("tts asked", self.name, text)
        send, receive = trio.open_memory_channel[Synthesis](math.inf)
        failures: list[ProviderUnavailable] = []
        with receive, unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._speak, text, send, failures)
                yield receive
                nursery.cancel_scope.cancel()
        if failures:
            raise failures[0]

    async def _speak(
        self, text: str, send: trio.MemorySendChannel[Synthesis], failures: list[ProviderUnavailable]
    ) -> None:
        with send:
            await trio.sleep(self._stage.job["tts"])
            self._stage.note("tts answered", self.name)
            spoken = list(self._stage.speech(text))
            dies = self._mortal and self._stage.dies()
            at = 0.0
            for _, start, end, pcm in spoken[: len(spoken) // 2] if dies else spoken:
                finish = at + len(pcm) / 2 / RATE
                words = (WordTime(start=start, end=end, begin=at, finish=finish),) if self._timed else ()
                await send.send(Synthesis(pcm=pcm, rate=RATE, words=words))
                at = finish
            if dies:
                self._stage.note("tts died", self.name)
                failures.append(ProviderUnavailable(self.name, "The voice is broken."))


def settings_of(job: dict[str, Any]) -> Settings:
    if job["settings"] == "default":
        return Settings(base_dir="home")
    pause = job["pause"]
    return Settings(
        base_dir="home",
        endpoint=EndpointPolicy(hangover=pause),
        turn=TurnPolicy(
            delay=TurnDelayPolicy(shortest=pause, unknown=pause, longest=pause),
            barge_in=BargeInPolicy(manners="interrupt", min_speech=0.2, duck=1.0),
        ),
    )


def engines_of(stage: Stage, began: float) -> tuple[SpeechToText, TextToSpeech]:
    """With a fault the engine that has it and one that stands in for it.  ``began`` is on Trio's clock."""
    fault, timed = stage.job.get("stt_fault"), stage.job.get("timed", True)
    ears = [Ears(stage, "first", fault)] + ([Ears(stage, "second", None)] if fault else [])
    mortal = stage.job.get("tts_fault") is not None
    voices = [Voice(stage, "first", mortal=mortal, timed=timed)]
    if mortal:
        voices.append(Voice(stage, "second", mortal=False, timed=timed))
    board = Board()
    for each in ears:
        board.add("stt", each.name, "local", began)
    for each in voices:
        board.add("tts", each.name, "local", began)
    return (
        FailoverRecogniser([Candidate(name=each.name, engine=each, place="local") for each in ears], board),
        FailoverVoice([Candidate(name=each.name, engine=each, place="local") for each in voices], board),
    )


def agent_of(stage: Stage) -> Any:
    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        tokens = stage.called()
        stage.note("transcript", transcript)
        try:
            await trio.sleep(stage.job["llm_first"])
            stage.note("first text")
            for token in tokens:
                yield token
                await trio.sleep(stage.job["llm_token"])
            if stage.job["llm_goes_on"]:
                await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(stage.job["llm_clean_up"])

    return agent


async def session(stage: Stage) -> list[str]:
    """Until all is over; what the assistant is believed to have said."""
    shift = trio.current_time() - now()
    speaker = VirtualSpeaker(lambda at, pcm, _: stage.tape.add(at - shift, pcm))
    stt, tts = engines_of(stage, trio.current_time())
    async with (
        open_conversation(
            settings_of(stage.job),
            microphone=Room(stage, stage.begin),
            speaker=speaker,
            tts=tts,
            stt=stt,
            store=MemoryStore(),
        ) as conversation,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(lambda task_status: conversation.talk(agent_of(stage), task_status=task_status))
        while not stage.over():
            await trio.sleep(0.01)
            at = stage.block_at()
            if at is not None:
                await trio.sleep(max(0.0, at - now()))
                stage.note("blocked")
                # that a host does this to its loop is what is measured
                time.sleep(stage.job["block"][1])  # noqa: ASYNC251
        nursery.cancel_scope.cancel()
    return [each.text for each in conversation.history if each.role == "assistant"]


def talk(job: dict[str, Any]) -> dict[str, Any]:
    stage = Stage(job)
    return stage.report(trio.run(session, stage))


def listen(job: dict[str, Any]) -> dict[str, Any]:
    """``sessions`` listen to a quiet room for ``seconds``; processor seconds for each second of one, and memory."""

    async def run() -> dict[str, Any]:
        stages = [Stage(job) for _ in range(job["sessions"])]
        async with trio.open_nursery() as nursery:
            for stage in stages:
                nursery.start_soon(session, stage)
            # a stage is the same in all environments, and has no event of Trio's
            while not all(stage.events for stage in stages):  # noqa: ASYNC110
                await trio.sleep(0.05)
            await trio.sleep(job["settle"])
            begun, spent = now(), time.process_time()
            await trio.sleep(job["seconds"])
            spent, took = time.process_time() - spent, now() - begun
            found = {"cpu": spent / took / len(stages), "memory": memory(), "late": took - job["seconds"]}
            nursery.cancel_scope.cancel()
        return found

    return trio.run(run)


def hop(job: dict[str, Any]) -> dict[str, Any]:
    """Microseconds for an item from one task to the next: ``items``, one after the other, through ``tasks`` tasks."""

    async def run() -> dict[str, float]:
        async def forward(receive: trio.MemoryReceiveChannel[int], send: trio.MemorySendChannel[int]) -> None:
            async with receive, send:
                async for item in receive:
                    await send.send(item)

        async with trio.open_nursery() as nursery:
            first, receive = trio.open_memory_channel[int](64)
            for _ in range(job["tasks"]):
                send, following = trio.open_memory_channel[int](64)
                nursery.start_soon(forward, receive, send)
                receive = following
            begun = time.perf_counter()
            for item in range(job["items"]):
                await first.send(item)
                await receive.receive()
            took = time.perf_counter() - begun
            first.close()
        return {"channel": 1e6 * took / job["items"] / (job["tasks"] + 1)}

    return trio.run(run)


if __name__ == "__main__":
    names = ("trio", "numpy")
    serve({"talk": talk, "listen": listen, "hop": hop}, {name: version(name) for name in names})
