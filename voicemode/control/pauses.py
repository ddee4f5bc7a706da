"""No pause lasts for ever.  In: how the conversation stands, whoever paused it.  Out: its end, or that it goes on."""

from __future__ import annotations

import logging
from typing import Literal, Never, TypeAlias

import trio

from .controllable import Controllable

log = logging.getLogger(__name__)

PauseEnd: TypeAlias = Literal["stop", "resume"]
"""What becomes of a conversation that was paused for too long."""

LOOK = 1.0
"""Seconds between two looks at the conversation, and so what a pause may last too long."""


async def limit_pauses(conversation: Controllable, *, longest: float, then: PauseEnd) -> Never:
    """Stop or resume ``conversation`` when it has been paused for ``longest`` seconds without a break."""
    since: float | None = None
    while True:
        await trio.sleep(min(LOOK, longest))
        now = trio.current_time()
        if not conversation.status().held:
            since = None
        elif since is None:
            since = now
        elif now - since >= longest:
            try:
                if then == "stop":
                    conversation.stop()
                else:
                    conversation.resume()
            except trio.WouldBlock:
                continue
            since = None
            became = "stopped" if then == "stop" else "resumed"
            log.warning("The conversation was paused for %g s and is %s now.", longest, became)
