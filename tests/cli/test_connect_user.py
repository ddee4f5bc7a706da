"""``voicemode connect user``: those who can be written to, on this machine alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from voicemode.connect.presence import subscribe
from voicemode.connect.users import Users


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """As the commands see them."""
    (tmp_path / "home" / ".claude" / "teams" / "crew" / "inboxes").mkdir(parents=True)
    return Users(tmp_path / "base")


def test_a_user_is_added_listed_shown_and_removed(run: Run, users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_CONNECT_HOST", "desk")
    added = run("connect", "user", "add", "cora", "--name", "Cora 7")
    directory = users.directory / "cora"
    assert (added.code, added.out) == (
        0,
        f"cora (Cora 7) can be written to; messages are kept in {directory}\n",
    )
    assert run("connect", "user", "add", "bob").code == 0
    assert run("connect", "user", "list").out == (
        "bob: nobody is woken by messages, which are kept\ncora (Cora 7): nobody is woken by messages, which are kept\n"
    )
    shown = run("connect", "user", "show", "cora").out
    assert "name: cora\ndisplay name: Cora 7\n" in shown
    assert f"host: desk\npresence: online\ninbox: {directory}/inbox\n" in shown
    assert run("connect", "user", "remove", "cora").out == "cora is removed\n"
    assert [user.name for user in users.listed()] == ["bob"]


def test_who_wakes_a_user_is_told(run: Run, users: Users) -> None:
    users.add("cora")
    held = subscribe(users, "cora", "crew")
    by = f"process {os.getpid()} in {Path.cwd()}, for the team crew since {held.holder.since}"
    assert run("connect", "user", "list").out == f"cora: woken by {by}\n"
    [listed] = run("connect", "user", "list", "--json").json["users"]
    assert listed == run("connect", "user", "show", "cora", "--json").json
    assert (listed["presence"], listed["wakes"], listed["woken_by"]) == ("available", str(held.target), by)
    refused = run("connect", "user", "remove", "cora")
    assert (refused.code, "was not removed" in refused.complaint) == (1, True)
    (users.teams / "crew").rename(users.teams / "troop")
    assert run("connect", "user", "list").out == f"cora: not woken, as the team is gone, by {by}\n"
    held.release()
    assert run("connect", "user", "list").out == "cora: nobody is woken by messages, which are kept\n"


def test_messages_stay_unless_they_are_to_go(run: Run, users: Users) -> None:
    users.add("cora")
    inbox = users.directory / "cora" / "inbox"
    inbox.write_text("{}\n")
    assert run("connect", "user", "remove", "cora").out == (f"cora is removed; their messages are still in {inbox}\n")
    assert run("connect", "user", "add", "cora").code == 0
    assert inbox.read_text() == "{}\n"
    assert run("connect", "user", "remove", "cora", "--with-messages").out == "cora is removed, with all messages\n"
    assert not inbox.exists()


@pytest.mark.parametrize("command", ["add", "show", "remove"])
@pytest.mark.parametrize("name", ["../bob", "Cora 7", ""])
def test_what_can_be_no_name_is_bad_usage(run: Run, users: Users, command: str, name: str) -> None:
    ran = run("connect", "user", command, name)
    assert (ran.code, "cannot be the name of a user" in ran.complaint) == (2, True)
    assert not users.directory.exists()


def test_where_there_is_nobody_it_says_how_to_add_somebody(run: Run, tmp_path: Path) -> None:
    ran = run("connect", "user", "list")
    assert (ran.code, ran.out, ran.err) == (0, "", "There is nobody yet: voicemode connect user add NAME\n")
    assert run("connect", "user", "list", "--json").json == {"users": []}
    assert "voicemode connect user add cora" in run("connect", "user", "show", "cora").complaint
    assert not (tmp_path / "base").exists()


def test_a_broken_file_is_told_and_stops_nobody(run: Run, users: Users) -> None:
    users.add("bob")
    users.add("cora")
    (users.directory / "bob" / "meta.json").write_text("{")
    ran = run("connect", "user", "list")
    assert ran.code == 0
    assert [line.partition(":")[0] for line in ran.out.splitlines()] == ["bob", "cora"]
    assert "no JSON object; voicemode connect user add bob writes it anew" in ran.err
    assert run("connect", "user", "add", "bob").code == 0
    assert run("connect", "user", "list").err == ""


def test_without_a_command_it_says_which_there_are(run: Run) -> None:
    assert "Commands:" in run("connect", "user").out
    assert "user" in run("connect").out
