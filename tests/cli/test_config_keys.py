"""``voicemode config set`` with a key: from a terminal or a pipe, never from the command line; and what uses it."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from voicemode import Settings
from voicemode.cli.talk_agent import AgentChoice

from .conftest import Run

KEYS = ("OPENAI_API_KEY", "VOICEMODE_STT_KEY", "VOICEMODE_TTS_KEY", "VOICEMODE_LLM_KEY")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("VOICEMODE_") or name == "OPENAI_API_KEY"]:
        monkeypatch.delenv(name)
    return tmp_path / "home" / ".voicemode" / "voicemode.env"


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("dash", [[], ["-"]], ids=["left out", "-"])
@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_read_from_standard_input(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch, name: str, dash: list[str]
) -> None:
    piped(monkeypatch, b"sk-hush\n")
    ran = run("config", "set", name, *dash)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert f"\n{name}=sk-hush\n" in own.read_text()
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert run("config", "get", name).out == "set\n"
    for listed in run("config", "list"), run("config", "list", "--json"):
        assert listed.code == 0
        assert "hush" not in listed.out + listed.err


def test_at_a_terminal_a_key_is_asked_for_unseen(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input and err))
        return " sk-hush "

    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("click.prompt", prompt)
    assert run("config", "set", "OPENAI_API_KEY").code == 0
    assert asked == [("OPENAI_API_KEY", True)]
    assert "\nOPENAI_API_KEY=sk-hush\n" in own.read_text()


def test_a_key_on_the_command_line_is_refused(run: Run, own: Path) -> None:
    ran = run("config", "set", "OPENAI_API_KEY", "sk-hush")
    assert ran.code == 2
    assert "stays in the shell's history" in ran.complaint
    assert "voicemode config set OPENAI_API_KEY asks for it or reads it from standard input." in ran.complaint
    assert "hush" not in ran.err
    assert not own.exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\n", b"sk-hush sk-hush\n"])
def test_what_is_no_key_is_not_written(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    piped(monkeypatch, content)
    ran = run("config", "set", "OPENAI_API_KEY")
    assert ran.code == 2
    assert "hush" not in ran.complaint
    assert not own.exists()


def test_a_project_gets_no_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, b"sk-hush\n")
    ran = run("config", "set", "--project", "OPENAI_API_KEY")
    assert ran.code == 2
    assert "from the environment and from your own file alone" in ran.complaint
    assert not Path(".voicemode.env").exists()


def test_what_is_no_key_needs_its_value(run: Run) -> None:
    ran = run("config", "set", "VOICEMODE_VOICE")
    assert (ran.code, ran.complaint) == (2, "voicemode: Missing argument 'VALUE'. Try 'voicemode config set --help'.")


def test_a_file_with_a_key_that_others_can_read_stops_every_command_and_can_be_mended(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, b"sk-hush\n")
    assert run("config", "set", "OPENAI_API_KEY").code == 0
    own.chmod(0o644)
    ran = run("config", "list")
    assert ran.code == 2
    assert f"chmod 600 {own}" in ran.complaint
    piped(monkeypatch, b"sk-other\n")
    assert run("config", "set", "OPENAI_API_KEY").err == ""
    assert run("config", "get", "OPENAI_API_KEY").out == "set\n"


def test_keys_reach_the_conversation_and_its_agent_and_no_environment(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[AgentChoice, Settings]] = []

    class Seen(Exception):
        pass

    def take(choice: AgentChoice, settings: Settings, *_: object) -> None:
        seen.append((choice, settings))
        raise Seen

    monkeypatch.setattr("voicemode.cli.talking.Talk", take)
    own.parent.mkdir(parents=True)
    own.write_text("".join(f"{name}=hush\n" for name in KEYS))
    own.chmod(0o600)
    with pytest.raises(Seen):
        run("talk", "--llm-url", "http://127.0.0.1:1/v1")
    ((choice, settings),) = seen
    assert settings.keys == choice.keys == dict.fromkeys(KEYS, "hush")
    assert "hush" not in repr(choice) + repr(settings)
    assert not any(name in os.environ for name in KEYS)
