"""What speech over HTTP costs beyond bare httpx: time for each request, connections, and memory over many requests.

The endpoint is the tests' fake one in a process of its own, which answers at once, so that its time is not ours.
"""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import linear_regression
from subprocess import PIPE
from typing import TypeAlias

import httpx
import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import frozen
from report import Budget, Figure, Findings, figure, run
from stand_ins import human_voice

from actors.failover import Candidate
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.machines.board import Board
from actors.ports import SpeechToText, TextToSpeech
from tests.speech.speech_server import SpeechServer, serving, wav
from voicemode.speech.registry import load_speech_to_text, load_text_to_speech, release

SPOKEN = 2.0
"""Seconds of the user's voice in a request."""

TEXT = "Seven sober words make two spoken seconds."
RATE = 16_000

LONG_TEXT = TEXT * 20
WARMING = 10
"""Requests before any is counted."""

SAMPLES = 20
"""How many times the memory is looked at."""

Ask: TypeAlias = Callable[[], Awaitable[float]]
"""Makes one request and returns the milliseconds until there was something of use."""


@frozen
class Served:
    """A fake endpoint in another process."""

    url: str
    process: trio.Process

    async def connections(self) -> int:
        """How many it has accepted until now."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(b"?")
        return int(await _line(self.process))


@asynccontextmanager
async def served() -> AsyncGenerator[Served]:
    process = await trio.lowlevel.open_process([sys.executable, str(Path(__file__)), "child"], stdin=PIPE, stdout=PIPE)
    try:
        yield Served(await _line(process), process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def _line(process: trio.Process) -> str:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive_some() or b"\n"
    return line.decode().strip()


async def serve() -> None:
    """In the other process: print the address, and for every byte that comes how many connections there were."""
    async with serving() as server, trio.open_nursery() as nursery:
        nursery.start_soon(_forget, server)
        print(server.url, flush=True)
        while await trio.to_thread.run_sync(sys.stdin.buffer.read, 1):
            print(server.connections, flush=True)
        nursery.cancel_scope.cancel()


async def _forget(server: SpeechServer) -> None:
    while True:
        server.asked.clear()
        await trio.sleep(0.1)


class Bare:
    """The same two requests as anybody writes them with httpx."""

    def __init__(self, url: str, client: httpx.AsyncClient, pcm: bytes) -> None:
        self._url, self._client, self._pcm = url, client, pcm

    async def transcribe(self) -> float:
        began = trio.current_time()
        answer = await self._client.post(
            f"{self._url}/audio/transcriptions",
            data={"model": "whisper-1", "response_format": "json"},
            files={"file": ("utterance.wav", wav(self._pcm, RATE), "audio/wav")},
        )
        answer.raise_for_status()
        if answer.json()["text"] != "Hello.":
            raise RuntimeError("the endpoint heard something else")
        return 1000 * (trio.current_time() - began)

    async def speak(self) -> float:
        """Until the first sound; the rest is taken as well."""
        began, first = trio.current_time(), 0.0
        body = {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "pcm"}
        async with self._client.stream("POST", f"{self._url}/audio/speech", json=body) as answer:
            answer.raise_for_status()
            async for _ in answer.aiter_bytes():
                first = first or trio.current_time() - began
        return 1000 * first


@frozen
class Ours:
    """The same through the ports; ``interrupted`` leaves an answer in its middle."""

    stt: SpeechToText
    tts: TextToSpeech
    pcm: bytes

    async def transcribe(self) -> float:
        began = trio.current_time()
        transcript = await self.stt.transcribe(self.pcm, RATE)
        if transcript.text != "Hello.":
            raise RuntimeError("the endpoint heard something else")
        return 1000 * (trio.current_time() - began)

    async def speak(self) -> float:
        began, first = trio.current_time(), 0.0
        async with self.tts.speak(TEXT) as parts:
            async for _ in parts:
                first = first or trio.current_time() - began
        return 1000 * first

    async def interrupted(self) -> None:
        async with self.tts.speak(LONG_TEXT) as parts:
            await parts.receive()


@asynccontextmanager
async def ours(url: str, pcm: bytes) -> AsyncGenerator[Ours]:
    stt, tts = await load_speech_to_text(url), await load_text_to_speech(url)
    try:
        yield Ours(stt, tts, pcm)
    finally:
        await release(stt)
        await release(tts)


def with_failover(engines: Ours) -> Ours:
    """Through what would ask another engine if these failed."""
    board = Board()
    board.add("stt", engines.stt.name, "local", trio.current_time())
    board.add("tts", engines.tts.name, "local", trio.current_time())
    stt = Candidate(name=engines.stt.name, engine=engines.stt, place="local")
    tts = Candidate(name=engines.tts.name, engine=engines.tts, place="local")
    return Ours(FailoverRecogniser([stt], board), FailoverVoice([tts], board), engines.pcm)


async def in_turns(asks: Sequence[Ask], count: int) -> list[list[float]]:
    """Each of ``asks`` ``count`` times, in rounds whose order is drawn, so that whatever else the machine does strikes
    all alike."""
    for ask in asks:
        for _ in range(WARMING):
            await ask()
    took: list[list[float]] = [[] for _ in asks]
    for _ in range(count):
        for index in random.sample(range(len(asks)), len(asks)):
            took[index].append(await asks[index]())
    return took


async def cost(server: Served, pcm: bytes, count: int) -> list[Figure]:
    figures: list[Figure] = []
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client, ours(server.url, pcm) as adapter:
        bare = Bare(server.url, client, pcm)
        through = with_failover(adapter)
        ways = (
            (f"{SPOKEN:g} s of sound → transcript", bare.transcribe, adapter.transcribe, through.transcribe),
            ("text → first sound", bare.speak, adapter.speak, through.speak),
        )
        for what, *asks in ways:
            alone, *ourselves = await in_turns(asks, count)
            figures.append(figure(f"{what}: bare httpx", "ms", alone))
            for way, took in zip(("engine", "with failover"), ourselves, strict=True):
                added = [more - less for less, more in zip(alone, took, strict=True)]
                figures += [
                    figure(f"  {way}", "ms", took),
                    figure("    added, pair by pair", "ms", added, Budget(at_most=1, statistic="p50")),
                ]
    return figures


async def reuse(server: Served, pcm: bytes, count: int) -> list[Figure]:
    before = await server.connections()

    async def more() -> float:
        nonlocal before
        now = await server.connections()
        new, before = now - before, now
        return float(new)

    async with ours(server.url, pcm) as engines:
        mine = with_failover(engines)
        for _ in range(count):
            await mine.transcribe()
        listening = await more()
        for _ in range(count):
            await mine.speak()
        speaking = await more()
        for ask in (mine.transcribe, mine.speak) * count:
            await ask()
        by_turns = await more()
        await mine.interrupted()
        interrupted = await more()
        for ask in (mine.transcribe, mine.speak) * count:
            await ask()
        after = await more()
    one, none = Budget(at_most=1, exact=True), Budget(at_most=0, exact=True)
    return [
        figure(f"connections for {count} utterances", "", [listening], one),
        figure(f"  for {count} texts", "", [speaking], one),
        figure(f"  more for {2 * count} of both in turn", "", [by_turns], none),
        figure(f"  more after an interruption, for {2 * count}", "", [interrupted + after], one),
    ]


async def memory(server: Served, count: int) -> list[Figure]:
    """Short requests, because only how many there are counts."""
    process = psutil.Process()
    async with ours(server.url, human_voice(seconds=0.2).pcm) as engines:
        mine = with_failover(engines)
        for _ in range(count // 10):
            await mine.transcribe()
            await mine.speak()
        resident: list[int] = []
        for _ in range(SAMPLES):
            gc.collect()
            resident.append(process.memory_info().rss)
            for _ in range(count // (2 * (SAMPLES - 1))):
                await mine.transcribe()
                await mine.speak()
    thousands = count / 1000
    slope = linear_regression([thousands * at / (SAMPLES - 1) for at in range(SAMPLES)], resident).slope
    return [
        figure(f"memory, a thousand requests more ({count:,})", "kB", [slope / 1000], Budget(at_most=20)),
        figure("  resident, from the first to the last", "kB", [(resident[-1] - resident[0]) / 1000]),
    ]


async def measure_all(smoke: bool) -> Findings:
    pcm = human_voice("lj001-0002.wav", seconds=SPOKEN).pcm[: round(2 * RATE * SPOKEN)]
    async with served() as server:
        figures = [
            *await cost(server, pcm, 50 if smoke else 2_000),
            *await reuse(server, pcm, 20 if smoke else 500),
            *await memory(server, 400 if smoke else 10_000),
        ]
    return Findings(figures=tuple(figures))


def measure(smoke: bool) -> Findings:
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("providers", measure, arguments)


if __name__ == "__main__":
    if sys.argv[1:] == ["child"]:
        trio.run(serve)
        sys.exit(0)
    sys.exit(main())
