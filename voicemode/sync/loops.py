"""Which loop runs in this thread, where a call that waits would block it.  Out: its name.

asyncio is looked at only where somebody has imported it.
"""

from __future__ import annotations

import sys
from typing import Any

import trio

LOOPS = {"asyncio": "voicemode.aio", "Trio": "voicemode.open_conversation"}
"""And what is used there instead."""


def running_here() -> str | None:
    """``asyncio``, ``Trio`` or None."""
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return "asyncio"
    return "Trio" if trio.lowlevel.in_trio_task() else None
