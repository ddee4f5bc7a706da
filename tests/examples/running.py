"""The programs of docs/examples: run as anybody would run them, or imported."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import trio

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
AUDIO = ROOT / "tests" / "audio"
SPEECH = AUDIO / "lj001-0008.wav"
SAID = "has never been surpassed"

PATIENCE = 60.0
"""Seconds for a program on a busy machine; nothing is measured here."""


def environment(home: Path) -> dict[str, str]:
    """``voicemode`` is on the path, as where it is installed, and finds nothing on this machine."""
    return {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "VOICEMODE_ALWAYS_TRY_LOCAL": "false",
    }


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(EXAMPLES / name), *arguments]


async def shown(name: str, home: Path, *arguments: str, **settings: str) -> str:
    """What the example prints; on standard error it prints nothing."""
    with trio.fail_after(PATIENCE):
        run = await trio.run_process(
            command(name, *arguments),
            cwd=home,
            env=environment(home) | settings,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    assert run.stderr.decode() == ""
    assert run.returncode == 0
    return run.stdout.decode()


async def line(stream: trio.abc.ReceiveStream) -> str:
    """The next that a program prints, of which nothing more has come yet."""
    received = b""
    while not received.endswith(b"\n"):
        some = await stream.receive_some()
        assert some, received
        received += some
    return received.decode().rstrip()


def imported(name: str) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(EXAMPLES / name)))
