"""The program ``voicemode``, also as ``python -m voicemode``: who presses Ctrl-C while it starts sees no traceback."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""What a shell reports of a process that SIGINT ended."""


def run() -> int:
    try:
        from .cli import main
    except KeyboardInterrupt:
        return INTERRUPTED
    return main()


if __name__ == "__main__":
    sys.exit(run())
