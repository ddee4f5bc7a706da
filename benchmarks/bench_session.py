"""What a conversation costs while it listens: memory and processor time, alone and as the second in a process.

Each kind of session runs in a process of its own, so that what others have loaded is not counted.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import frozen
from report import Budget, Figure, Findings, figure, run
from stand_ins import InstantEars

from voicemode import Settings, TurnPolicy, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_microphone import NullMicrophone
from voicemode.audio.virtual_speaker import NullSpeaker

KINDS = {"Silero, espeak-ng, pocketsphinx": True, "Silero, espeak-ng, no recogniser": False}
"""What is loaded, and whether the recogniser is."""

SETTLING = 1.0
"""Seconds of listening before anything is counted."""

FRAMES_PER_SECOND = 100
MEGABYTE = 1_000_000


@frozen(kw_only=True)
class Cost:
    """Bytes resident: before anything is opened, with one session, with two.  Seconds of processor time a second.

    ``cpu_bare`` is a task that does nothing but wake up as often as a microphone delivers.
    """

    empty: int
    one: int
    two: int
    cpu_bare: float
    cpu_one: float
    cpu_two: float


async def listen_alone_then_beside_another(recogniser: bool, seconds: float) -> Cost:
    process = psutil.Process()
    empty = process.memory_info().rss
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_wake_up)
        cpu_bare = await _cpu_for(seconds / 4, process)
        nursery.cancel_scope.cancel()
    settings = Settings(turn=TurnPolicy(no_speech=3_600))
    memory: list[int] = []
    cpu: list[float] = []
    async with AsyncExitStack() as stack:
        for _ in range(2):
            conversation = await stack.enter_async_context(
                open_conversation(
                    settings,
                    microphone=NullMicrophone(),
                    speaker=NullSpeaker(),
                    stt=None if recogniser else InstantEars(),
                    store=MemoryStore(),
                )
            )
            nursery = await stack.enter_async_context(trio.open_nursery())
            stack.callback(nursery.cancel_scope.cancel)
            nursery.start_soon(conversation.listen)
            await trio.sleep(SETTLING)
            cpu.append(await _cpu_for(seconds, process))
            memory.append(process.memory_info().rss)
    return Cost(empty=empty, one=memory[0], two=memory[1], cpu_bare=cpu_bare, cpu_one=cpu[0], cpu_two=cpu[1])


async def _wake_up() -> None:
    due = trio.current_time()
    while True:
        due += 1 / FRAMES_PER_SECOND
        await trio.sleep_until(due)


async def _cpu_for(seconds: float, process: psutil.Process) -> float:
    before, begun = process.cpu_times(), trio.current_time()
    await trio.sleep(seconds)
    after, ended = process.cpu_times(), trio.current_time()
    used: float = after.user + after.system - before.user - before.system
    return used / (ended - begun)


def cost_of(recogniser: bool, seconds: float) -> Cost:
    """The cost in a process of its own."""
    child = subprocess.run(
        [sys.executable, str(Path(__file__)), "child", str(int(recogniser)), str(seconds)],
        check=True,
        stdout=subprocess.PIPE,
    )
    return msgspec.json.decode(child.stdout, type=Cost)


def measure(smoke: bool) -> Findings:
    figures = list[Figure]()
    for kind, recogniser in KINDS.items():
        runs = [cost_of(recogniser, 5 if smoke else 20) for _ in range(1 if smoke else 3)]
        figures += [
            figure(f"{kind}: memory", "MB", [cost.one / MEGABYTE for cost in runs], Budget(at_most=150)),
            figure("  of it Python with voicemode imported", "MB", [cost.empty / MEGABYTE for cost in runs]),
            figure(
                "  a second session more", "MB", [(cost.two - cost.one) / MEGABYTE for cost in runs], Budget(at_most=10)
            ),
            figure("  processor, waking up 100 times a second", "% of a core", [100 * cost.cpu_bare for cost in runs]),
            figure("  processor, listening", "% of a core", [100 * cost.cpu_one for cost in runs], Budget(at_most=3)),
            figure("  processor, two listening", "% of a core", [100 * cost.cpu_two for cost in runs]),
        ]
    return Findings(figures=tuple(figures))


def main(arguments: list[str] | None = None) -> int:
    return run("session", measure, arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _, _, recogniser, seconds = sys.argv
        cost = trio.run(listen_alone_then_beside_another, bool(int(recogniser)), float(seconds))
        print(msgspec.json.encode(cost).decode())
        sys.exit(0)
    sys.exit(main())
