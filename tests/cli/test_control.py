"""``voicemode control``: each command as it is typed, and what it says when there is nobody to control."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from attrs import evolve

from tests.cli.conftest import Run
from tests.control.conftest import STANDING, FakeConversation
from voicemode.cli.control import COMMANDS
from voicemode.control.server import serve_control


@pytest.fixture
def conversation() -> FakeConversation:
    return FakeConversation()


@pytest.fixture
def socket(conversation: FakeConversation, tmp_path: Path) -> Iterator[Path]:
    """Where another thread serves ``conversation``: the command has its own event loop."""
    path = tmp_path / "home" / ".voicemode" / "control.sock"
    serving = threading.Event()
    stop: list[tuple[trio.lowlevel.TrioToken, trio.CancelScope]] = []

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_control, conversation, path)
            stop.append((trio.lowlevel.current_trio_token(), nursery.cancel_scope))
            serving.set()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    serving.wait()
    yield path
    token, scope = stop[0]
    token.run_sync_soon(scope.cancel)
    thread.join()
    assert not path.exists()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "status"])
def test_a_command_presses_the_button_and_says_nothing(
    run: Run, conversation: FakeConversation, socket: Path, command: str
) -> None:
    ran = run("control", command)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert conversation.pressed == [COMMANDS[command]]


def test_status_is_one_line(run: Run, conversation: FakeConversation, socket: Path) -> None:
    assert run("control", "status").out == "speaking, turn 3, 2 to hear again\n"
    conversation.standing = evolve(STANDING, state="idle", held=True, muted=True, turn=None, recent=0)
    assert run("control", "status").out == "idle, paused, you are muted\n"


def test_for_programs_it_is_the_answer(run: Run, conversation: FakeConversation, socket: Path) -> None:
    assert run("control", "pause", "--json").json == {"ok": True, "action": "pause", "request_id": None}
    assert run("control", "status", "--json", "--socket", socket).json == {
        "ok": True,
        "action": "status",
        "request_id": None,
        "state": "speaking",
        "held": True,
        "muted": False,
        "turn": 3,
        "recent": 2,
    }


def test_where_nobody_listens_it_says_in_one_sentence_how_to_switch_it_on(run: Run, tmp_path: Path) -> None:
    ran = run("control", "pause", "--socket", tmp_path / "none.sock")
    assert ran.code == 1
    assert "voicemode talk --control" in ran.complaint
    assert "voicemode config set VOICEMODE_CONTROL_CHANNEL_ENABLED true" in ran.complaint
    assert run("control", "pause", "--json").json["error"]["type"] == "NobodyListens"


def test_the_socket_is_the_configured_one(
    run: Run, conversation: FakeConversation, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEMODE_CONTROL_SOCKET", "~/elsewhere.sock")
    assert "home/elsewhere.sock" in run("control", "pause").complaint
    monkeypatch.setenv("VOICEMODE_CONTROL_SOCKET", "~/.voicemode/control.sock")
    assert run("control", "pause").code == 0


@pytest.mark.parametrize("args", [[], ["dance"], ["skip_back"], ["pause", "stop"]])
def test_what_is_no_command_is_bad_usage(run: Run, args: list[str]) -> None:
    ran = run("control", *args)
    assert ran.code == 2
    assert ran.complaint
