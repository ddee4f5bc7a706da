"""A floor in a directory of its own, and other processes that want it: each says what it does, and waits for a word."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest
import trio

from voicemode.floor import Floor, FloorState, Participant

ROOT = Path(__file__).parents[2]
OFTEN = 0.01

WANTS = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
import trio
from voicemode.floor import Floor, Participant

async def main(directory, session, hold):
    floor = Floor(Path(directory), who=Participant(session_id=session), check_interval={OFTEN})
    async with floor.speaking(None, hold=float(hold)):
        print("speaks", flush=True)
        sys.stdin.readline()
    print("spoke", flush=True)
    sys.stdin.readline()

trio.run(main, *sys.argv[1:])
"""


class Process:
    """``says`` waits for its next word; ``tell`` lets it go on."""

    def __init__(self, code: str, *args: object) -> None:
        command = [sys.executable, "-c", code, *map(str, args)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def until_stopped(self) -> None:
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def end(self) -> None:
        """Idempotent; also ends what has its standard input from it."""
        self.kill()
        for pipe in self.process.stdin, self.process.stdout:
            if pipe is not None and not pipe.closed:
                pipe.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Start: TypeAlias = Callable[..., Process]
Make: TypeAlias = Callable[..., Floor]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def started(code: str, *args: object) -> Process:
            process = Process(code, *args)
            stack.callback(process.end)
            return process

        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "base"


@pytest.fixture
async def floor_of(directory: Path) -> AsyncIterator[Make]:
    """Whatever is still held at the end of the test is let go."""
    made: list[Floor] = []

    def make(session: str, **options: object) -> Floor:
        who = Participant(session_id=session, agent=f"{session}'s agent", project_path=f"/{session}", voice="af_sky")
        made.append(Floor(directory, who=who, **{"check_interval": OFTEN, **options}))
        return made[-1]

    yield make
    for floor in made:
        await floor.leave()


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


async def queued(floor: Floor, *names: str) -> None:
    """Wait until these wait, in this order."""
    while sessions(await floor.status()) != [*names]:  # noqa: ASYNC110 - what other processes do sets no event
        await trio.sleep(OFTEN)


def modes(directory: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()}


def sessions(state: FloorState) -> list[str]:
    return [place.who.session_id for place in state.queue]
