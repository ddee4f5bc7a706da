"""The sides of the contest as processes, each in its own environment: jobs in, reports out."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from environments import BUILD, python_of

HERE = Path(__file__).parent
FOLDER = BUILD / "peers"

PATIENCE = 180.0
"""Seconds for a job; the longest takes one."""


@frozen
class Side:
    """``environment`` is what ``environments.py`` calls it, None for one of our own."""

    name: str
    script: str
    environment: str | None = None

    @property
    def python(self) -> str | None:
        """None where its environment has not been made."""
        if self.environment is None:
            return sys.executable
        found = python_of(self.environment)
        return None if found is None else str(found)


OURS = Side("voicemode", "ours.py")
ON_ASYNCIO = Side("voicemode.aio", "ours_on_asyncio.py")
SIDES = (OURS, ON_ASYNCIO, Side("pipecat", "on_pipecat.py", "pipecat"), Side("livekit", "on_livekit.py", "livekit"))


class Failed(Exception):
    """A side did not answer; the message says what became of it."""


@define(eq=False)
class Worker:
    """A process that is ready for jobs.  ``started`` is when it was, in seconds of ``time.monotonic``."""

    side: Side
    process: subprocess.Popen[str]
    started: float
    versions: dict[str, str] = field(factory=dict)

    def ask(self, job: dict[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
        """Raises Failed."""
        assert self.process.stdin is not None
        try:
            print(json.dumps(job), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise Failed(f"has died: {_log(self.side)}") from None
        return self.answer(patience)

    def answer(self, patience: float = PATIENCE) -> dict[str, Any]:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(patience):
                self.process.kill()
                raise Failed(f"has not answered for {patience:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"has died: {_log(self.side)}")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def at_work(side: Side) -> Generator[Worker]:
    """Raises Failed when it does not start."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _log(side).open("a") as log:
        started = time.monotonic()
        process = subprocess.Popen(
            [side.python or sys.executable, str(HERE / side.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=FOLDER,
        )
        worker = Worker(side, process, started)
        try:
            worker.versions = worker.answer()["versions"]
            yield worker
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.close()
                process.wait(10)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                process.kill()
                process.wait()
            process.stdout.close()


def _log(side: Side) -> Path:
    return FOLDER / f"{side.name}.log"
