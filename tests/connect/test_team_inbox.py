"""The inbox of a team: what Claude Code has in it stays, what it has taken out does not come back, and all of ours is
there once."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.errors import InboxError, InboxFull
from tests.connect.agents import taken_out
from tests.connect.conftest import FullDisk
from voicemode.connect import claude_lock, file_care, remembered, team_inbox
from voicemode.connect.team_inbox import Entry, add_entry

THEIRS = '{"from":"a","text":"\\ud800 \\u00e9","timestamp":"t","read":true,"color":"blue","n":1.50e3}'


def entry(identifier: str, text: str = "Hello.") -> Entry:
    return Entry(id=identifier, sender="Mike", text=text, summary=text, timestamp="2026-11-28T12:00:00.000Z")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inboxes" / "team-lead.json"


def entries(inbox: Path) -> list[Any]:
    found: list[Any] = json.loads(inbox.read_text())
    return found


def ids(inbox: Path) -> list[str]:
    return [each["id"] for each in entries(inbox)]


def test_a_message_is_an_element_of_an_array_as_claude_code_writes_it(inbox: Path) -> None:
    assert add_entry(inbox, entry("msg_1", "Grüße"))
    assert add_entry(inbox, entry("msg_2", "x" * 60))
    assert inbox.read_text().startswith('[\n  {\n    "from": "Mike",\n    "text": "Grüße",\n    "summary": "Grüße",\n')
    assert inbox.read_text() == json.dumps(entries(inbox), indent=2, ensure_ascii=False)
    assert list(entries(inbox)[0]) == ["from", "text", "summary", "timestamp", "read", "id"]
    assert entries(inbox)[0]["read"] is False
    assert entries(inbox)[1]["summary"] == "x" * 50


def test_what_others_have_there_stays_to_the_last_byte(inbox: Path) -> None:
    inbox.parent.mkdir()
    inbox.write_text(f'\n[ {THEIRS} , 7, "text", null ]\n')
    add_entry(inbox, entry("msg_1"))
    assert inbox.read_text().startswith(f'[\n  {THEIRS} , 7, "text", null,\n  {{\n    "from": "Mike"')
    assert len(entries(inbox)) == 5


def test_the_same_message_again_changes_nothing(inbox: Path) -> None:
    add_entry(inbox, entry("msg_1"))
    assert not add_entry(inbox, entry("msg_1", "Something else."))
    assert len(entries(inbox)) == 1


def test_what_claude_code_has_taken_out_does_not_come_back(inbox: Path) -> None:
    add_entry(inbox, entry("msg_1"))
    assert [each["id"] for each in taken_out(inbox)] == ["msg_1"]
    assert not add_entry(inbox, entry("msg_1"))
    assert entries(inbox) == []


def test_a_message_is_known_by_its_entry_as_well_where_the_memory_was_removed(inbox: Path) -> None:
    add_entry(inbox, entry("msg_1"))
    inbox.with_name(".team-lead.voicemode-ids").unlink()
    assert not add_entry(inbox, entry("msg_1"))


def test_the_memory_is_bounded(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "AT_LEAST", 3)
    for number in range(10):
        add_entry(inbox, entry(f"msg_{number}"))
        taken_out(inbox)
    latest = [f"msg_{number}" for number in range(6, 10)]
    assert inbox.with_name(".team-lead.voicemode-ids").read_text().split() == latest
    assert not any(add_entry(inbox, entry(each)) for each in latest)
    assert add_entry(inbox, entry("msg_0"))


def test_nothing_is_left_beside_it_but_a_lock_and_the_memory(inbox: Path) -> None:
    add_entry(inbox, entry("msg_1"))
    assert sorted(path.name for path in inbox.parent.iterdir()) == [
        ".team-lead.voicemode-ids",
        ".team-lead.voicemode-lock",
        "team-lead.json",
    ]


def test_nobody_else_can_read_any_of_it_whatever_the_umask(inbox: Path) -> None:
    inbox.parent.mkdir(0o755)
    inbox.write_text("[]")
    inbox.chmod(0o666)
    before = os.umask(0)
    try:
        add_entry(inbox, entry("msg_1"))
        add_entry(inbox.parent.parent / "other" / "a.json", entry("msg_1"))
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in inbox.parent.iterdir()} == {0o600}
    assert stat.S_IMODE((inbox.parent.parent / "other").stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b'[{"from": "a"', b"{}", b"\xff", b"[" * 100_000, b"7"])
def test_a_file_that_is_no_inbox_is_set_aside(inbox: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    inbox.parent.mkdir()
    inbox.write_bytes(content)
    add_entry(inbox, entry("msg_1"))
    assert ids(inbox) == ["msg_1"]
    (aside,) = inbox.parent.glob("team-lead.json.broken-*")
    assert aside.read_bytes() == content
    assert str(aside) in caplog.text


@pytest.mark.parametrize("content", ["", " \n", "[]", "[ ]"])
def test_an_empty_inbox_is_one(inbox: Path, content: str) -> None:
    inbox.parent.mkdir()
    inbox.write_text(content)
    add_entry(inbox, entry("msg_1"))
    assert ids(inbox) == ["msg_1"]
    assert list(inbox.parent.glob("*broken*")) == []


def test_a_full_inbox_refuses_the_message_and_stays_as_it_is(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry(inbox, entry("msg_1"))
    before = inbox.read_bytes()
    monkeypatch.setattr(team_inbox, "LARGEST", len(before) + 10)
    with pytest.raises(InboxFull, match="Does its agent still run"):
        add_entry(inbox, entry("msg_2"))
    assert inbox.read_bytes() == before
    monkeypatch.setattr(team_inbox, "LARGEST", len(before) - 1)
    with pytest.raises(InboxFull):
        add_entry(inbox, entry("msg_3"))
    monkeypatch.setattr(team_inbox, "LARGEST", len(before) + 10)
    taken_out(inbox)
    assert add_entry(inbox, entry("msg_2"))


def test_a_full_disk_leaves_what_was_there(inbox: Path, full_disk: FullDisk) -> None:
    add_entry(inbox, entry("msg_1"))
    before = inbox.read_bytes()
    with full_disk(len(before) + 50), pytest.raises(InboxError, match="make room and send it again") as raised:
        add_entry(inbox, entry("msg_2"))
    assert raised.value.reason == "there is no room for it"
    assert inbox.read_bytes() == before
    assert add_entry(inbox, entry("msg_2"))
    assert ids(inbox) == ["msg_1", "msg_2"]


def test_a_disk_that_fills_up_before_the_id_is_noted_leaves_the_message_to_be_sent_again(
    inbox: Path, full_disk: FullDisk
) -> None:
    for number in range(90):
        add_entry(inbox, entry(f"msg_{number}"))
        taken_out(inbox)
    memory = inbox.with_name(".team-lead.voicemode-ids")
    before = memory.read_bytes()
    with full_disk(len(before) + 3), pytest.raises(InboxError):
        add_entry(inbox, entry("msg_100"))
    assert (memory.read_bytes(), entries(inbox)) == (before, [])
    assert add_entry(inbox, entry("msg_100"))
    assert ids(inbox) == ["msg_100"]


class Killed(BaseException):
    """Stands for the end of the process: nothing of it is cleaned up."""


@pytest.mark.parametrize("read_meanwhile", [False, True])
@pytest.mark.parametrize("moment", range(40))
def test_killed_at_any_call_of_the_system_it_is_there_once_when_it_is_sent_again(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, moment: int, read_meanwhile: bool
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    add_entry(inbox, entry("msg_0"))
    calls = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > moment:
                raise Killed
            return real(*args, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("open", "write", "fsync", "ftruncate", "rename", "unlink", "mkdir", "rmdir"):
            patch.setattr(os, name, counted(getattr(os, name)))
        try:
            add_entry(inbox, entry("msg_1"))
        except Killed:
            pass
        else:
            assert moment >= calls
    assert calls < 40
    seen = [each["id"] for each in taken_out_after_a_crash(inbox)] if read_meanwhile else []
    add_entry(inbox, entry("msg_1"))
    assert sorted(seen + ids(inbox)) == ["msg_0", "msg_1"]
    assert list(inbox.parent.glob("*new")) == []


def taken_out_after_a_crash(inbox: Path) -> list[dict[str, Any]]:
    lock = inbox.with_name(f"{inbox.name}.lock")
    if lock.exists():
        lock.rmdir()
    return taken_out(inbox)


def test_claude_code_is_waited_for(inbox: Path) -> None:
    add_entry(inbox, entry("msg_1"))
    lock = inbox.with_name(f"{inbox.name}.lock")
    lock.mkdir()
    looked: list[list[str]] = []

    def let_go() -> None:
        if not looked:
            inbox.write_text("[]")
            lock.rmdir()
        looked.append(ids(inbox))

    assert add_entry(inbox, entry("msg_2"), pause=let_go)
    assert looked[0] == []
    assert ids(inbox) == ["msg_2"]
    assert not lock.exists()


def test_claude_code_is_not_waited_for_for_ever(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry(inbox, entry("msg_1"))
    inbox.with_name(f"{inbox.name}.lock").mkdir()
    monkeypatch.setattr(claude_lock, "STALE", -file_care.PATIENCE)
    monkeypatch.setattr(claude_lock, "_is_left_over", lambda _: False)
    with pytest.raises(InboxError, match="for too long"):
        add_entry(inbox, entry("msg_2"))
    assert ids(inbox) == ["msg_1"]


@pytest.mark.parametrize("age", [60, -60])
def test_a_lock_that_was_left_is_taken_over(inbox: Path, age: float) -> None:
    add_entry(inbox, entry("msg_1"))
    lock = inbox.with_name(f"{inbox.name}.lock")
    lock.mkdir()
    os.utime(lock, times=(time.time() - age,) * 2)
    assert add_entry(inbox, entry("msg_2"))
    assert not lock.exists()


def test_who_lost_the_lock_while_it_slept_begins_again(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry(inbox, entry("msg_1"))
    lock, write = inbox.with_name(f"{inbox.name}.lock"), team_inbox._write
    slept: list[bool] = []

    def asleep(path: Path, content: bytes) -> None:
        write(path, content)
        if not slept:
            slept.append(True)
            lock.rmdir()
            assert len(taken_out(inbox)) == 1

    monkeypatch.setattr(team_inbox, "_write", asleep)
    assert add_entry(inbox, entry("msg_2"))
    assert ids(inbox) == ["msg_2"]
    assert not lock.exists()


def test_a_program_that_heeds_no_lock_loses_nothing(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry(inbox, entry("msg_1"))
    write = team_inbox._write

    def meanwhile(path: Path, content: bytes) -> None:
        write(path, content)
        inbox.write_text(json.dumps([*entries(inbox), {"id": f"theirs_{len(entries(inbox))}"}]))

    monkeypatch.setattr(team_inbox, "_write", meanwhile)
    with pytest.raises(InboxError, match="is changed all the time by a program that heeds no lock"):
        add_entry(inbox, entry("msg_2"))
    assert ids(inbox) == ["msg_1", *(f"theirs_{number}" for number in range(1, 6))]
    monkeypatch.setattr(team_inbox, "_write", write)
    assert add_entry(inbox, entry("msg_2"))
    assert ids(inbox)[-1] == "msg_2"


def test_agents_whose_names_begin_alike_share_nothing(inbox: Path) -> None:
    for name in ("a", "a.b", "a.b.c"):
        assert add_entry(inbox.with_name(f"{name}.json"), entry("msg_1"))
    for name in ("a", "a.b", "a.b.c"):
        assert not add_entry(inbox.with_name(f"{name}.json"), entry("msg_1"))
        assert ids(inbox.with_name(f"{name}.json")) == ["msg_1"]
