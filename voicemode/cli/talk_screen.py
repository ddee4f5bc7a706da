"""A talk for people.  In: its events and failures.  Out: lines that stay; on a terminal the living line and the keys.

Elsewhere than on a terminal, what is not said in the talk goes to standard error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AbstractContextManager, aclosing

import click
from rich.text import Text

from actors.errors import VoiceError
from actors.events import Event

from .display import Display, Scene
from .output import console, printable, write_error, writing
from .talking import Notice, Shown
from .tally import TalkSummary

KEYS = "m mute  p pause  ←→ skip  enter end my turn  space interrupt  r settings  q quit"


class Screen:
    """A ``View`` of a talk."""

    def __init__(self) -> None:
        self._display = Display(console(), Scene(), Text(KEYS, "dim"))
        self._display.scene.latencies = self._display.lives

    def showing(self) -> AbstractContextManager[object]:
        return self._display

    def aside(self) -> AbstractContextManager[None]:
        return self._display.aside()

    async def follow(self, events: AsyncIterable[Shown]) -> None:
        async with aclosing(self._lines(events)) as lines:
            await self._display.follow(lines)

    def close(self, summary: TalkSummary) -> None:
        with writing():
            self._display.console.print(Text(str(summary), "dim"))

    async def _lines(self, events: AsyncIterable[Shown]) -> AsyncGenerator[Event | Text]:
        async for event in events:
            match event:
                case Notice() if self._display.lives:
                    yield Text(f"{event.who}: {printable(event.text)}", "dim")
                case Notice():
                    click.echo(f"{event.who}: {printable(event.text)}", err=True)
                case VoiceError() if self._display.lives:
                    yield Text(f"error: {printable(event)}", "red")
                case VoiceError():
                    write_error(str(event), type(event).__name__, as_json=False)
                case _:
                    yield event
