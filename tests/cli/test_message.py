"""``voicemode message send``: a text into the inbox of an agent."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.connect.agents import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    teams = tmp_path / "home" / ".claude" / "teams"
    teams.mkdir(parents=True)
    return Machine(tmp_path / "base", teams)


def test_a_team_is_written_to(run: Run, machine: Machine) -> None:
    machine.team("work", "tester")
    ran = run("message", "send", "--team", "work", "Hello", "there.")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert [(entry["from"], entry["text"]) for entry in machine.entries("work")] == [("voicemode", "Hello there.")]
    ran = run("message", "send", "--team", "work", "--to", "tester", "--from", "Ada", "--summary", "S", "Go.", "--json")
    assert ran.json == {"delivered": True}
    (entry,) = machine.entries("work", "tester")
    assert (entry["from"], entry["text"], entry["summary"]) == ("Ada", "Go.", "S")


def test_a_user_is_written_to(run: Run, machine: Machine) -> None:
    machine.user("cora")
    assert run("message", "send", "--user", "cora", "Hello.").code == 0
    assert [line["text"] for line in machine.lines("cora")] == ["Hello."]


def test_the_text_may_come_from_standard_input(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.team("work")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Grüße\nan alle\n".encode())))
    assert run("message", "send", "--team", "work", "-").code == 0
    assert machine.entries("work")[0]["text"] == "Grüße\nan alle"


def test_who_is_not_there_is_an_error_that_says_who_is(run: Run, machine: Machine) -> None:
    machine.team("work")
    ran = run("message", "send", "--team", "play", "Hello.")
    assert ran.code == 1
    assert ran.complaint == f"voicemode: There is no team play in {machine.teams}; those there are: work."
    machine.user("cora")
    ran = run("message", "send", "--user", "bob", "Hello.", "--json")
    assert (ran.code, ran.json["error"]["type"]) == (1, "UnknownRecipient")


@pytest.mark.parametrize(
    ("args", "wrong"),
    [
        (["Hello."], "Say to whom, with --team NAME or with --user NAME."),
        (["--team", "work", "--user", "cora", "Hello."], "Say to whom"),
        (["--user", "cora", "--to", "tester", "Hello."], "--to names an agent of a team"),
        (["--team", "../work", "Hello."], "'../work' cannot be the name of a team. A name has 1 to 64 letters"),
        (["--team", "work", " "], "A message needs a text."),
        (["--team", "work"], "Missing argument 'TEXT...'"),
    ],
)
def test_bad_usage(run: Run, machine: Machine, args: list[str], wrong: str) -> None:
    machine.team("work")
    ran = run("message", "send", *args)
    assert ran.code == 2
    assert wrong in ran.complaint


def test_the_group_alone_shows_its_help(run: Run) -> None:
    assert "Write to agents on this machine." in run("message").out
