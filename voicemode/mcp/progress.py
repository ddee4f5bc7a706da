"""What a call says of itself while it runs: states in, at most a few notifications a second out.

A client that does not read holds up nobody: what could not be sent in time is dropped, and the newest is what counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import trio

if TYPE_CHECKING:
    from voicemode import Conversation

Report: TypeAlias = Callable[[float, float | None, str], Awaitable[None]]
"""Sends a number that grows, no total, and a line of text."""

BETWEEN = 0.1
"""Seconds between two notifications."""

HEARTBEAT = 5.0
"""Seconds after which it is said again how things stand; clients give up a call that is silent."""

UNREAD = 1.0
"""Seconds after which a notification that nobody takes is given up."""

STATES = {
    "speaking": "Speaking",
    "listening": "Listening",
    "hearing": "The user is speaking",
    "transcribing": "Transcribing",
}


class Progress:
    """Say what is new with ``tell``; ``send`` runs beside what it tells of, and is cancelled when that is over."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._text = ""
        self._news = trio.Event()

    def tell(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._news.set()

    async def send(self) -> None:
        """Until cancelled."""
        number = 0
        while True:
            with trio.move_on_after(HEARTBEAT):
                await self._news.wait()
            self._news = trio.Event()
            number += 1
            with trio.move_on_after(UNREAD):
                await self._report(number, None, self._text)
            await trio.sleep(BETWEEN)

    async def follow(self, conversation: Conversation) -> None:
        """Tell the states of ``conversation``, and nothing of what is said, until it is closed."""
        from actors.events import StateChanged

        async for event in conversation.events():
            if isinstance(event, StateChanged) and event.state in STATES:
                self.tell(STATES[event.state])
