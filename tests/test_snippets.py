"""The Python that pages show which have no test of their own: each is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import voicemode
from voicemode import Settings
from voicemode.config import load_settings

DOCS = Path(__file__).parent.parent / "docs"
TESTED_ELSEWHERE = {"bring-your-own.md", "embedding.md", "library.md"}


def snippet(page: str) -> str:
    [found] = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


async def run(page: str, then: str = "", **names: object) -> None:
    program = compile(f"async def page():\n{textwrap.indent(snippet(page) + then, '    ')}", page, "exec")
    namespace: dict[str, Any] = dict(names)
    exec(program, namespace)  # noqa: S102 - it is our own page
    await namespace["page"]()


class Asked:
    """Stands for a conversation."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    async def converse(self, message: str) -> None:
        self.messages.append(message)


def test_no_other_page_shows_python() -> None:
    pages = {page.name for page in DOCS.glob("*.md") if "```python" in page.read_text(encoding="utf-8")}
    assert pages == TESTED_ELSEWHERE | {"configuration.md", "floor.md", "providers.md", "serve-speech.md", "talk.md"}


async def test_a_conversation_is_opened_as_the_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Settings] = []
    original = voicemode.open_conversation

    def open_conversation(settings: Settings) -> object:
        opened.append(settings)
        return original(Settings(text=True, base_dir=tmp_path))

    monkeypatch.setattr(voicemode, "open_conversation", open_conversation, raising=False)
    monkeypatch.setenv("VOICEMODE_BASE_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    await run("configuration.md", os=os, Path=Path, voicemode=voicemode)
    assert opened == [load_settings(environment=os.environ, directory=tmp_path, home=tmp_path)]


async def test_who_has_the_floor_converses(tmp_path: Path) -> None:
    conversation = Asked()
    await run("floor.md", "await floor.leave()", settings=Settings(base_dir=tmp_path), conversation=conversation)
    assert conversation.messages == ["Shall I go on?"]


async def test_engines_are_named_in_their_order() -> None:
    await run("providers.md", Settings=Settings)


def test_an_agent_that_is_a_program_answers_each_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", snippet("talk.md")], input="Why?\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "You asked: Why?\nI do not know.\n\n"


def test_what_asks_for_a_package_that_is_not_ours_is_python() -> None:
    compile(snippet("serve-speech.md"), "serve-speech.md", "exec")
