"""Who does without telemetry pays nothing for it, and who lacks the extra is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import voicemode
from actors.errors import SettingsError
from voicemode import Settings

TALK = """
import sys, trio, voicemode
async def agent(transcript, history):
    yield "Hello."
async def main():
    settings = voicemode.Settings(text=True, base_dir={base!r}, telemetry={telemetry!r})
    async with voicemode.open_conversation(settings) as conversation:
        await conversation.say(agent)
trio.run(main)
print(*sorted({{name.split(".")[0] for name in sys.modules if name.startswith("opentelemetry")}}),
      *sorted(name for name in sys.modules if name.startswith("voicemode.telemetry")))
"""


def loaded(base: Path, telemetry: str) -> list[str]:
    code = TALK.format(base=str(base), telemetry=telemetry)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_without_it_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    assert loaded(tmp_path, "none") == []
    assert list(tmp_path.rglob("*telemetry*")) == []


def test_the_file_is_written_without_opentelemetry(tmp_path: Path) -> None:
    names = loaded(tmp_path, "jsonl")
    assert "voicemode.telemetry.jsonl" in names
    assert "opentelemetry" not in names
    assert "voicemode.telemetry.otel" not in names


async def test_who_asks_for_opentelemetry_and_lacks_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("voicemode.telemetry.otel", "voicemode.telemetry.own_providers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match=r"needs the extra telemetry .*voicemode\[telemetry\]"):
        async with voicemode.open_conversation(Settings(text=True, base_dir=tmp_path, telemetry="otel")):
            raise AssertionError("it was opened")
