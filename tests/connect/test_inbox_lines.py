"""The inbox of a user: each message is one line, once, whatever was there before."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from actors.errors import InboxError, InboxFull
from tests.connect.conftest import FullDisk
from voicemode.connect import file_care, inbox_lines
from voicemode.connect.inbox_lines import Line, add_line


def line(identifier: str, text: str = "Hello.") -> Line:
    return Line(id=identifier, sender="Mike", text=text, timestamp="2026-11-28T12:00:00.000Z", source="connect")


def ids(inbox: Path) -> list[str]:
    return [json.loads(each)["id"] for each in inbox.read_text().splitlines()]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def test_a_message_is_a_line_with_these_members_in_this_order(inbox: Path) -> None:
    assert add_line(inbox, line("msg_1", "Grüße\nan „alle“"))
    assert inbox.read_text() == (
        '{"id":"msg_1","from":"Mike","text":"Grüße\\nan „alle“","timestamp":"2026-11-28T12:00:00.000Z",'
        '"source":"connect"}\n'
    )


def test_the_same_message_again_changes_nothing(inbox: Path) -> None:
    add_line(inbox, line("msg_1"))
    before = inbox.read_bytes()
    assert not add_line(inbox, line("msg_1", "Something else."))
    assert inbox.read_bytes() == before


def test_an_id_within_a_text_or_another_member_is_not_taken_for_that_of_a_message(inbox: Path) -> None:
    add_line(inbox, line("msg_1", '{"id":"msg_2"}'))
    inbox.write_text(inbox.read_text() + '{"id":"msg_3","from":"msg_2"}\n')
    assert add_line(inbox, line("msg_2"))
    assert ids(inbox) == ["msg_1", "msg_3", "msg_2"]


def test_what_others_have_written_counts_however_they_write_json(inbox: Path) -> None:
    inbox.write_text('{ "text": "Hi", "id": "msg_1" }\n')
    assert not add_line(inbox, line("msg_1"))


def test_nobody_else_can_read_it_whatever_the_umask(inbox: Path) -> None:
    before = os.umask(0)
    try:
        add_line(inbox, line("msg_1"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o600
    inbox.chmod(0o644)
    add_line(inbox, line("msg_2"))
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o600


@pytest.mark.parametrize("piece", ["{", '{"id":"', '{"id":"msg_2","from":"Mi'])
@pytest.mark.parametrize("before", [[], ["msg_1"]])
def test_a_piece_of_a_line_is_removed_by_the_next(inbox: Path, piece: str, before: list[str]) -> None:
    for each in before:
        add_line(inbox, line(each))
    with inbox.open("a") as file:
        file.write(piece)
    assert add_line(inbox, line("msg_2"))
    assert ids(inbox) == [*before, "msg_2"]


@pytest.mark.parametrize("ending", ['{"id":"msg_1"}', "a note by hand"])
def test_a_last_line_that_only_lacks_its_end_is_kept(inbox: Path, ending: str) -> None:
    inbox.write_text(f'{{"id":"msg_0"}}\n{ending}')
    add_line(inbox, line("msg_2"))
    assert inbox.read_text().splitlines()[:2] == ['{"id":"msg_0"}', ending]
    assert json.loads(inbox.read_text().splitlines()[2])["id"] == "msg_2"


@pytest.mark.parametrize("content", [b"[]\n", b"\xff\xfe\x00", b"no inbox\n{}\n"])
def test_a_file_that_is_no_inbox_is_set_aside(inbox: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    inbox.write_bytes(content)
    assert add_line(inbox, line("msg_1"))
    assert ids(inbox) == ["msg_1"]
    (aside,) = inbox.parent.glob("inbox.broken-*")
    assert aside.read_bytes() == content
    assert str(aside) in caplog.text


def test_a_full_inbox_refuses_the_message_and_stays_as_it_is(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_line(inbox, line("msg_1"))
    before = inbox.read_bytes()
    monkeypatch.setattr(inbox_lines, "LARGEST", len(before) + 10)
    with pytest.raises(InboxFull, match=r"is full: it has \d+ of \d+ bytes. Read it, and move it away") as raised:
        add_line(inbox, line("msg_2"))
    assert raised.value.reason == "the inbox is full"
    assert inbox.read_bytes() == before
    assert not add_line(inbox, line("msg_1"))
    monkeypatch.setattr(inbox_lines, "LARGEST", len(before) - 1)
    with pytest.raises(InboxFull):
        add_line(inbox, line("msg_1"))


def test_a_full_disk_leaves_what_was_there(inbox: Path, full_disk: FullDisk) -> None:
    add_line(inbox, line("msg_1"))
    before = inbox.read_bytes()
    with full_disk(len(before) + 20), pytest.raises(InboxError, match="What was there before still is; make room"):
        add_line(inbox, line("msg_2"))
    assert inbox.read_bytes() == before
    assert add_line(inbox, line("msg_2"))


def test_a_link_in_place_of_the_inbox_is_not_followed(inbox: Path, tmp_path: Path) -> None:
    inbox.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InboxError):
        add_line(inbox, line("msg_1"))
    assert not (tmp_path / "elsewhere").exists()


def test_who_has_been_stopped_at_the_inbox_is_not_waited_for_for_ever(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_care, "PATIENCE", 0.0)
    with (
        file_care.alone_with(inbox),
        pytest.raises(InboxError, match=r"Another process has been at .* for too long") as raised,
    ):
        add_line(inbox, line("msg_1"))
    assert raised.value.reason == "the inbox is busy"


def test_an_inbox_that_was_moved_away_while_it_was_waited_for_is_not_written_to(inbox: Path) -> None:
    add_line(inbox, line("msg_1"))
    moved = inbox.with_name("moved")
    holding = file_care.alone_with(inbox)
    holding.__enter__()
    looked: list[bool] = []

    def let_go() -> None:
        if not looked:
            inbox.rename(moved)
            holding.__exit__(None, None, None)
        looked.append(True)

    assert add_line(inbox, line("msg_2"), pause=let_go)
    assert (ids(moved), ids(inbox)) == (["msg_1"], ["msg_2"])
