"""docs/control.md shows every command, and its dialogue is what goes over the socket."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.control.conftest import FakeConversation, client_at, serving
from voicemode.cli.control import COMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "control.md").read_text(encoding="utf-8")


def test_every_command_is_on_the_page() -> None:
    assert sorted(re.findall(r"^\| `voicemode control ([a-z-]+)` \|", PAGE, re.MULTILINE)) == sorted(COMMANDS)


async def test_the_dialogue_on_the_page_takes_place(conversation: FakeConversation, path: Path) -> None:
    (dialogue,) = re.findall(r'```\n(\{"command.*?)```', PAGE, re.DOTALL)
    lines = dialogue.splitlines()
    async with serving(conversation, path), client_at(path) as client:
        for request, shown in zip(lines[::2], lines[1::2], strict=True):
            answer = json.dumps(await client.ask(request.encode()), separators=(",", ":"))
            beginning, shortened, _ = shown.partition("…")
            assert answer.startswith(beginning.strip() if shortened else beginning)
            assert shortened or answer == shown
