"""Users are files of their owner alone, in upstream's form; a name stays in its directory, and no file is fatal."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from actors.errors import SettingsError, VoiceError
from tests.connect.subscribers import files_of, users as users
from voicemode.config import read_configuration
from voicemode.connect.identity import Identity, address_of
from voicemode.connect.names import checked
from voicemode.connect.users import LONGEST_LINE, Users, one_line

WRONG = ["", ".", "..", "../x", "a/b", "/etc", ".hidden", "a\0", "a\n", "Cora 7", "x" * 65, "a\\b"]


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_leads_elsewhere_is_refused(users: Users, name: str) -> None:
    for use in (users.add, users.get, users.remove, users.directory_of):
        with pytest.raises(SettingsError, match="cannot be the name of a user"):
            use(name)
    assert not users.directory.exists()


@given(st.text())
def test_what_somebody_is_shown_as_makes_a_name_or_none(shown: str) -> None:
    try:
        name = address_of(shown)
    except SettingsError:
        return
    assert name == checked(name) == name.lower()


@pytest.mark.parametrize(("shown", "name"), [("Cora 7", "cora-7"), ("Zoë", "zoe"), ("a/../b", "a-b"), (" x_1 ", "x_1")])
def test_a_name_is_made_of_what_somebody_is_shown_as(shown: str, name: str) -> None:
    assert address_of(shown) == name


@given(st.text())
def test_what_is_shown_is_one_printable_line_that_is_not_too_long(text: str) -> None:
    line = one_line(text)
    assert len(line) <= LONGEST_LINE
    assert all(sign.isprintable() for sign in line)
    assert line == line.strip() == one_line(line)


def test_a_user_is_kept_in_the_form_of_voicemode_8_for_its_owner_alone(users: Users) -> None:
    users.directory.parent.parent.mkdir(mode=0o755)
    user = users.add("cora", "Cora 7", host="desk", platform="claude-code")
    path = users.directory / "cora" / "meta.json"
    kept = json.loads(path.read_text())
    assert list(kept) == ["name", "display_name", "created", "last_seen", "host", "platform"]
    assert (kept["name"], kept["display_name"], kept["host"]) == ("cora", "Cora 7", "desk")
    assert kept["created"] == kept["last_seen"] == user.created
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path.parent, users.directory, users.directory.parent)} == {
        0o700
    }


def test_a_directory_that_others_could_read_is_closed_to_them(users: Users) -> None:
    (users.directory / "cora").mkdir(parents=True, mode=0o755)
    users.add("cora")
    assert stat.S_IMODE((users.directory / "cora").stat().st_mode) == 0o700


def test_who_is_there_already_is_not_added_again(users: Users) -> None:
    users.add("cora", "Cora 7")
    with pytest.raises(SettingsError, match="a user cora already, shown as Cora 7"):
        users.add("cora", "Another")
    assert users.add("cora", "Another", there_ok=True).display_name == "Cora 7"
    assert [user.display_name for user in users.listed()] == ["Cora 7"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"name": "x"} {}'])
def test_a_broken_file_is_told_stops_nobody_and_can_be_mended(users: Users, content: bytes) -> None:
    users.add("bob")
    users.add("cora", "Cora 7")
    path = users.directory / "cora" / "meta.json"
    path.write_bytes(content)
    bob, cora = users.listed()
    assert (bob.fault, cora.name, cora.display_name) == ("", "cora", "cora")
    assert str(path) in cora.fault
    assert "voicemode connect user add cora" in cora.fault
    users.seen("cora")
    assert path.read_bytes() == content
    users.add("cora", "Cora 8")
    assert users.get("cora").fault == ""


def test_a_file_that_cannot_be_read_is_told(users: Users) -> None:
    users.add("cora")
    path = users.directory / "cora" / "meta.json"
    path.unlink()
    path.mkdir()
    assert "cannot be read: Is a directory" in users.get("cora").fault


def test_members_that_are_missing_strange_or_new_are_no_fault(users: Users) -> None:
    users.add("cora")
    path = users.directory / "cora" / "meta.json"
    path.write_text('{"name": "../bob", "display_name": "Co\\u001b[2Jra\\n7", "host": 7, "voice": "af_sky"}')
    user = users.get("cora")
    assert (user.name, user.display_name, user.host, user.fault) == ("cora", "Co [2Jra 7", "", "")
    users.seen("cora", platform="codex")
    kept = json.loads(path.read_text())
    assert (kept["voice"], kept["host"], kept["platform"], bool(kept["last_seen"])) == ("af_sky", 7, "codex", True)


def test_what_is_no_user_is_left_out(users: Users) -> None:
    users.add("cora")
    (users.directory / ".DS_Store").write_text("")
    (users.directory / "note.txt").write_text("")
    (users.directory / "Cora 7").mkdir()
    (users.directory / "gone").mkdir()
    assert [user.name for user in users.listed()] == ["cora"]


def test_somebody_is_found_by_name_before_what_anybody_is_shown_as(users: Users) -> None:
    users.add("cora", "Cora 7")
    users.add("bob", "cora")
    users.add("ada", "Twin")
    users.add("eva", "Twin")
    found = {name: users.called(name) for name in ("cora", "Cora 7", "Twin", "nobody")}
    assert {name: user and user.name for name, user in found.items()} == {
        "cora": "cora",
        "Cora 7": "cora",
        "Twin": None,
        "nobody": None,
    }


def test_who_is_removed_leaves_messages_unless_they_go_too(users: Users) -> None:
    for name in ("ada", "bob", "cora"):
        users.add(name)
    inbox = users.directory / "bob" / "inbox"
    inbox.write_text("{}\n")
    (users.directory / "cora" / "inbox").write_text("{}\n")
    assert users.remove("ada") is None
    assert not (users.directory / "ada").exists()
    assert users.remove("bob") == inbox
    assert files_of(users, "bob") == ["inbox"]
    assert users.remove("cora", with_messages=True) is None
    assert not (users.directory / "cora").exists()
    assert users.listed() == ()
    with pytest.raises(SettingsError, match=r"No user is called bob; there is nobody yet. To add one: .* add bob"):
        users.remove("bob")


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "connect").write_text("")
    with pytest.raises(VoiceError, match=r"The users in .*connect/users cannot be read or changed: Not a directory"):
        Users(tmp_path).add("cora")


def test_whose_agent_it_is_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    bare = Identity.of(read_configuration(environment={}, directory=None, home=None))
    assert bare == Identity(host="desk", platform="claude-code")
    environment = {
        "VOICEMODE_CONNECT_ENABLED": "true",
        "VOICEMODE_CONNECT_HOST": "attic",
        "VOICEMODE_CONNECT_USERS": "cora, bob",
        "VOICEMODE_AGENT_NAME": "Cora 7",
        "VOICEMODE_AGENT_PLATFORM": "codex",
        "VOICEMODE_AUTO_WAKEABLE": "true",
    }
    assert Identity.of(read_configuration(environment=environment, directory=None, home=None)) == Identity(
        enabled=True, host="attic", agent="Cora 7", platform="codex", auto_wakeable=True, announced=("cora", "bob")
    )
