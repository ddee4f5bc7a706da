"""What it costs to listen at a desk: processor time, memory and what is left behind, with and without echo cancelling.

A conversation listens to silence on a real sound server's microphone, its speaker warm, in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec
import numpy as np
import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import frozen
from census import watching_queues
from command_line import command_line, positive
from report import Budget, Figure, Findings, carry_out, figure
from stand_ins import LISTENING_RATE, InstantEars

from tests.desk import WatchedSpeaker
from tests.virtual_audio import VirtualAudio, missing
from voicemode import Settings, TurnPolicy, open_conversation
from voicemode.audio import portaudio_speaker
from voicemode.audio.portaudio import open_stream
from voicemode.audio.portaudio_microphone import PortAudioMicrophone
from voicemode.audio.store import MemoryStore
from voicemode.settings import Echo

KINDS: dict[Echo, str] = {"off": "no echo cancelling", "cancel": "echo cancelling"}

SETTLING = 2.0
"""Seconds of listening before anything is counted."""

GROWING = 300
"""Seconds after which a line through the memory says something."""

SAMPLES = 60
"""How often memory is looked at."""

MEGABYTE = 1_000_000
HOUR = 3_600


@frozen(kw_only=True)
class Cost:
    """``memory`` is bytes resident, evenly through ``seconds``; ``empty`` before anything was opened.  ``cpu``
    is processor time a second, ``cpu_bare`` the same for two open devices and nobody who listens.  ``threads`` and
    ``files`` are counted at the beginning and at the end; ``lost`` is frames and blocks dropped on their way."""

    seconds: float
    cpu: float
    cpu_bare: float
    empty: int
    memory: list[int]
    threads: tuple[int, int]
    files: tuple[int, int]
    lost: int
    underruns: int
    modules: list[str]


async def listen_for(seconds: float, echo: Echo, recogniser: bool) -> Cost:
    process = psutil.Process()
    empty = process.memory_info().rss
    microphone, speaker = PortAudioMicrophone(), WatchedSpeaker()
    settings = Settings(turn=TurnPolicy(no_speech=10 * HOUR), echo=echo, chimes=False)
    memory = list[int]()
    cpu_bare = await bare(seconds / 4, process)
    with watching_queues() as queues:
        async with (
            open_conversation(
                settings,
                microphone=microphone,
                speaker=speaker,
                stt=None if recogniser else InstantEars(),
                store=MemoryStore(),
            ) as conversation,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(conversation.listen)
            await trio.sleep(SETTLING)
            threads, files = threading.active_count(), process.num_fds()
            before, begun = used(process), trio.current_time()
            for number in range(SAMPLES):
                await trio.sleep_until(begun + seconds * (number + 1) / SAMPLES)
                memory.append(process.memory_info().rss)
            after, ended = used(process), trio.current_time()
            threads, files = (threads, threading.active_count()), (files, process.num_fds())
            nursery.cancel_scope.cancel()
    return Cost(
        seconds=ended - begun,
        cpu=(after - before) / (ended - begun),
        cpu_bare=cpu_bare,
        empty=empty,
        memory=memory,
        threads=threads,
        files=files,
        lost=microphone.dropped + sum(queue.dropped for queue in queues.queues.values()),
        underruns=speaker.underruns,
        modules=sorted({"onnxruntime", "pocketsphinx", "livekit"} & set(sys.modules)),
    )


async def bare(seconds: float, process: psutil.Process) -> float:
    """Processor time a second of the streams themselves, opened as the conversation opens them."""

    def hear(*_: object) -> None:
        pass

    def play(samples: memoryview, *_: object) -> None:
        samples[:] = bytes(samples.nbytes)

    heard = await open_stream("microphone", None, LISTENING_RATE, hear)
    played = await open_stream(
        "speaker",
        None,
        LISTENING_RATE,
        play,
        block_seconds=portaudio_speaker.BLOCK_SECONDS,
        latency=portaudio_speaker.LATENCY,
    )
    before, begun = used(process), trio.current_time()
    await trio.sleep(seconds)
    after, ended = used(process), trio.current_time()
    await heard.close()
    await played.close()
    return (after - before) / (ended - begun)


def used(process: psutil.Process) -> float:
    """Processor time, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def cost_of(seconds: float, echo: Echo, recogniser: bool, env: dict[str, str]) -> Cost:
    """The cost in a process of its own, which finds its sound server through ``env``."""
    child = subprocess.run(
        [sys.executable, str(Path(__file__)), "child", str(seconds), echo, str(int(recogniser))],
        check=True,
        stdout=subprocess.PIPE,
        env=env,
    )
    return msgspec.json.decode(child.stdout, type=Cost)


def figures_of(kind: str, cost: Cost, *, smoke: bool) -> list[Figure]:
    memory = np.array(cost.memory) / MEGABYTE
    none = Budget(at_most=0)
    # the canceller's own work is in no budget, nor is the devices': two bare streams alone cost more than ours
    budget = None if "livekit" in cost.modules else Budget(at_most=3)
    figures = [
        figure(f"{kind}: processor", "% of a core", [100 * cost.cpu]),
        figure("  of it two open devices, nobody listening", "% of a core", [100 * cost.cpu_bare]),
        figure("  of it our own share", "% of a core", [100 * (cost.cpu - cost.cpu_bare)], budget),
        figure("  memory", "MB", [float(memory[-1])], Budget(at_most=150)),
        figure("    of it Python with voicemode imported", "MB", [cost.empty / MEGABYTE]),
    ]
    if cost.seconds >= GROWING:
        times = np.linspace(0, cost.seconds / HOUR, len(memory) + 1)[1:]
        # what is loaded late is not growth
        late = len(memory) // 3
        figures.append(figure("    growth", "MB/h", [float(np.polyfit(times[late:], memory[late:], 1)[0])]))
    return [
        *figures,
        figure("  threads, more than at first", "", [float(cost.threads[1] - cost.threads[0])], none),
        figure("  open files, more than at first", "", [float(cost.files[1] - cost.files[0])], none),
        # three seconds beside other work tell nothing of what is lost
        figure("  frames and blocks dropped", "", [float(cost.lost)], None if smoke else Budget(at_most=0, exact=True)),
        figure("  underruns of the speaker", "", [float(cost.underruns)]),
    ]


def measure(smoke: bool, minutes: float = 1.0, kinds: Collection[Echo] = tuple(KINDS)) -> Findings:
    if absent := missing():
        raise SystemExit(f"Install what this needs (the names are Debian's): {absent}.")
    seconds = 3.0 if smoke else 60 * minutes
    figures, notes = list[Figure](), list[str]()
    with VirtualAudio(LISTENING_RATE) as audio:
        for echo, what in KINDS.items():
            if echo not in kinds:
                continue
            for recogniser in (False, True) if echo == "off" and not smoke else (False,):
                kind = f"{what}{', pocketsphinx loaded' if recogniser else ''}"
                cost = cost_of(seconds, echo, recogniser, audio.env)
                figures += figures_of(kind, cost, smoke=smoke)
                notes.append(
                    f"{kind}: {cost.seconds:.0f} s; loaded are {', '.join(cost.modules)}; "
                    f"{cost.threads[1]} threads, {cost.files[1]} open files."
                )
    return Findings(figures=tuple(figures), notes=tuple(notes))


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("listening")
    parser.add_argument("--minutes", type=positive(float), default=1.0, help="of each (1; with --smoke 3 s)")
    parser.add_argument(
        "--echo", nargs="+", choices=tuple(KINDS), default=tuple(KINDS), help="what is done against it (both)"
    )
    options = parser.parse_args(arguments)
    return carry_out("listening", lambda smoke: measure(smoke, options.minutes, options.echo), options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _, _, seconds, echo, recogniser = sys.argv
        found = trio.run(listen_for, float(seconds), echo, bool(int(recogniser)))
        print(msgspec.json.encode(found).decode())
        sys.exit(0)
    sys.exit(main())
