"""What docs/library.md shows is run as it stands, in text and under a virtual clock."""

from __future__ import annotations

import re
import textwrap
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import voicemode
from voicemode import Conversation, Message, Settings

PAGE = Path(__file__).parent.parent / "docs" / "library.md"
OPENING, TALKING, TYPING = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


async def echo(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
    yield f"You wrote {transcript}. "
    await trio.sleep(1.0)
    yield f"That makes {len(history)}."


class Shown:
    """A snippet inside a function, with the names it takes for granted; keeps the conversation it opens."""

    def __init__(self, snippet: str, **names: object) -> None:
        self.conversation: Any = None
        shown = SimpleNamespace(Settings=Settings, Message=Message, open_conversation=self._open)
        self._names = {"trio": trio, "voicemode": shown, "Sequence": Sequence, "AsyncIterator": AsyncIterator, **names}
        self._program = compile(f"async def page():\n{textwrap.indent(snippet, '    ')}", PAGE.name, "exec")

    @asynccontextmanager
    async def _open(self, settings: Settings) -> AsyncGenerator[Conversation]:
        async with voicemode.open_conversation(settings) as self.conversation:
            yield self.conversation

    async def run(self) -> None:
        exec(self._program, self._names)  # noqa: S102 - it is our own page
        page: Any = self._names["page"]
        await page()

    @property
    def history(self) -> list[tuple[str, str]]:
        return [(message.role, message.text) for message in self.conversation.history]


async def test_a_conversation_is_opened(autojump_clock: MockClock) -> None:
    shown = Shown(OPENING, settings=Settings(text=True))
    await shown.run()
    assert shown.history == []


async def test_an_agent_is_talked_with(autojump_clock: MockClock) -> None:
    async def look_up(transcript: str) -> str:
        await trio.sleep(1.0)
        return f"There is nothing about {transcript}."

    shown = Shown(TALKING, settings=Settings(text=True), look_up=look_up)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shown.run)
        await trio.sleep(1.0)
        shown.conversation.answer("cats")
        shown.conversation.finish()
    assert shown.history == [
        ("assistant", "Hello."),
        ("user", "cats"),
        ("assistant", "Let me see. There is nothing about cats."),
    ]


@pytest.mark.parametrize(
    ("pause", "history"),
    [
        (
            3.0,
            [
                ("user", "one"),
                ("assistant", "You wrote one. That makes 0."),
                ("user", "two"),
                ("assistant", "You wrote two. That makes 2."),
            ],
        ),
        (0.0, [("user", "one"), ("user", "two"), ("assistant", "You wrote two. That makes 1.")]),
    ],
)
async def test_lines_are_typed_and_the_last_is_answered(
    pause: float, history: list[tuple[str, str]], autojump_clock: MockClock
) -> None:
    async def lines() -> AsyncIterator[str]:
        # Trio decides whether the first turn has begun already
        await wait_all_tasks_blocked()
        for line in ("one", "two"):
            if pause:
                await trio.sleep(pause)
            yield line

    shown = Shown(TYPING, agent=echo, lines=lines())
    await shown.run()
    assert shown.history == history
