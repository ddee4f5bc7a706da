"""Who can be woken is bound to a process that lives: real ones, which are killed."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from pathlib import Path

import pytest

from actors.errors import SettingsError, VoiceError
from tests.connect.subscribers import Subscribe, elsewhere as elsewhere, files_of, users as users
from voicemode.connect.presence import holder_of, presence_of, subscribe, target_of
from voicemode.connect.users import Users


@pytest.fixture(autouse=True)
def _cora(users: Users) -> None:
    users.add("cora")


def link(users: Users) -> str | None:
    path = users.directory / "cora" / "inbox-live"
    return str(path.readlink()) if path.is_symlink() else None


def test_nobody_is_woken_before_somebody_subscribes(users: Users) -> None:
    assert presence_of(users, "cora") == "online"
    assert target_of(users, "cora") is None


def test_a_subscription_leads_to_the_teams_inbox_until_it_is_released(users: Users) -> None:
    inbox = users.teams / "crew" / "inboxes" / "team-lead.json"
    held = subscribe(users, "cora", "crew", platform="codex")
    assert (presence_of(users, "cora"), target_of(users, "cora"), link(users)) == ("available", inbox, str(inbox))
    assert held.is_current()
    assert held.holder.pid == os.getpid()
    held.release()
    held.release()
    assert (presence_of(users, "cora"), target_of(users, "cora"), held.is_current()) == ("online", None, False)
    assert files_of(users, "cora") == ["meta.json"]
    assert users.get("cora").platform == "codex"


def test_another_process_sees_it(users: Users, elsewhere: Subscribe) -> None:
    process = elsewhere("cora")
    assert process.says() == "subscribed"
    assert presence_of(users, "cora") == "available"
    holder = holder_of(users, "cora")
    assert holder is not None
    assert holder.pid == process.process.pid
    process.tell()
    assert process.says() == "released"
    assert presence_of(users, "cora") == "online"


def test_who_is_killed_wakes_nobody_at_the_next_look_and_leaves_nothing(users: Users, elsewhere: Subscribe) -> None:
    process = elsewhere("cora")
    assert process.says() == "subscribed"
    process.kill()
    assert link(users) is not None
    assert target_of(users, "cora") is None
    assert link(users) is None
    assert files_of(users, "cora") == ["meta.json"]


def test_who_asks_whether_somebody_lives_is_not_taken_for_them(users: Users, elsewhere: Subscribe) -> None:
    process = elsewhere("cora")
    assert process.says() == "subscribed"
    process.kill()
    [lock] = (users.directory / "cora").glob("live-*.lock")
    with lock.open("r+") as asked:
        fcntl.flock(asked, fcntl.LOCK_SH)
        assert presence_of(users, "cora") == "online"


def test_who_is_killed_at_any_moment_wakes_nobody_and_stands_in_nobodys_way(users: Users, elsewhere: Subscribe) -> None:
    for number in range(12):
        process = elsewhere("cora")
        threading.Event().wait(0.05 + number * 0.01)
        process.kill()
        assert presence_of(users, "cora") == "online"
        subscribe(users, "cora", "troop").release()
        assert files_of(users, "cora") == ["meta.json"]


def test_one_that_is_only_stopped_is_still_there(users: Users, elsewhere: Subscribe) -> None:
    process = elsewhere("cora")
    assert process.says() == "subscribed"
    process.process.send_signal(signal.SIGSTOP)
    process.until_stopped()
    assert presence_of(users, "cora") == "available"


def test_a_second_process_is_refused_and_told_who_it_is(users: Users, elsewhere: Subscribe) -> None:
    held = subscribe(users, "cora", "crew")
    said = elsewhere("cora", "troop").says()
    assert said.startswith(
        f"cora can be woken already, by process {os.getpid()} in {Path.cwd()}, for the team crew since 2"
    )
    assert said.endswith("end that session first, or choose another name.")
    assert held.is_current()
    held.release()
    assert elsewhere("cora", "troop").says() == "subscribed"


def test_of_many_that_come_at_once_one_gets_the_name(users: Users, elsewhere: Subscribe) -> None:
    words = [process.says() for process in [elsewhere("cora") for _ in range(6)]]
    assert words.count("subscribed") == 1


def test_who_is_replaced_loses_the_name_and_takes_nothing_back(users: Users, elsewhere: Subscribe) -> None:
    process = elsewhere("cora")
    assert process.says() == "subscribed"
    held = subscribe(users, "cora", "troop", "scout", replace=True)
    inbox = users.teams / "troop" / "inboxes" / "scout.json"
    process.tell()
    assert process.says() == "released"
    assert (target_of(users, "cora"), link(users), held.is_current()) == (inbox, str(inbox), True)
    held.release()


def test_one_process_moves_from_team_to_team(users: Users) -> None:
    first = subscribe(users, "cora", "crew")
    with pytest.raises(VoiceError, match="can be woken already"):
        subscribe(users, "cora", "troop")
    with pytest.raises(SettingsError, match="No team is called band"):
        subscribe(users, "cora", "band", instead_of=first)
    assert first.is_current()
    second = subscribe(users, "cora", "troop", instead_of=first)
    assert (first.is_current(), second.is_current()) == (False, True)
    assert target_of(users, "cora") == users.teams / "troop" / "inboxes" / "team-lead.json"
    users.add("bob")
    third = subscribe(users, "bob", "troop", instead_of=second)
    assert (presence_of(users, "cora"), presence_of(users, "bob")) == ("online", "available")
    third.release()


def test_a_team_that_is_gone_wakes_nobody(users: Users) -> None:
    held = subscribe(users, "cora", "crew")
    (users.teams / "crew" / "inboxes").rmdir()
    (users.teams / "crew").rmdir()
    assert (presence_of(users, "cora"), target_of(users, "cora")) == ("away", None)
    held.release()
    assert presence_of(users, "cora") == "online"


def test_who_is_not_there_cannot_be_woken(users: Users) -> None:
    with pytest.raises(SettingsError, match="No user is called bob; there is cora"):
        subscribe(users, "bob", "crew")


def test_a_team_that_is_not_there_is_refused_with_those_that_are(users: Users) -> None:
    with pytest.raises(SettingsError, match=r"No team is called band in .*; there is crew, troop. Create the team"):
        subscribe(users, "cora", "band")
    (users.teams / "crew" / "inboxes").rmdir()
    for team in ("crew", "troop"):
        (users.teams / team).rename(users.teams.parent / team)
    with pytest.raises(SettingsError, match="there is none"):
        subscribe(users, "cora", "band")


@pytest.mark.parametrize("team", ["..", "../teams/crew", "", "/"])
def test_no_team_and_no_recipient_leads_out_of_the_teams(users: Users, team: str) -> None:
    with pytest.raises(SettingsError, match="cannot be the name of a team"):
        subscribe(users, "cora", team)
    with pytest.raises(SettingsError, match="cannot be the name of a recipient"):
        subscribe(users, "cora", "crew", team)


def test_no_link_leads_out_of_the_teams(users: Users, tmp_path: Path) -> None:
    (tmp_path / "secret" / "inboxes").mkdir(parents=True)
    (users.teams / "band").symlink_to(tmp_path / "secret")
    with pytest.raises(SettingsError, match="The team band leads out of"):
        subscribe(users, "cora", "band")
    (users.teams / "crew" / "inboxes" / "team-lead.json").symlink_to(tmp_path / "secret" / "x.json")
    with pytest.raises(SettingsError, match="The team crew leads out of"):
        subscribe(users, "cora", "crew")


def test_a_team_by_another_name_is_followed_once(users: Users) -> None:
    (users.teams / "band").symlink_to(users.teams / "crew")
    held = subscribe(users, "cora", "band")
    (users.teams / "band").unlink()
    (users.teams / "band").symlink_to(users.teams / "troop")
    assert target_of(users, "cora") == users.teams / "crew" / "inboxes" / "team-lead.json"
    held.release()


def test_a_link_that_somebody_else_put_there_is_not_ours(users: Users) -> None:
    path = users.directory / "cora" / "inbox-live"
    theirs = users.teams / "troop" / "inboxes" / "team-lead.json"
    path.symlink_to(theirs)
    assert (presence_of(users, "cora"), target_of(users, "cora"), link(users)) == ("online", None, str(theirs))
    held = subscribe(users, "cora", "crew")
    path.unlink()
    path.symlink_to(theirs)
    assert (presence_of(users, "cora"), target_of(users, "cora")) == ("away", None)
    held.release()
    assert link(users) == str(theirs)


def test_who_is_woken_is_not_removed(users: Users, elsewhere: Subscribe) -> None:
    process = elsewhere("cora")
    assert process.says() == "subscribed"
    with pytest.raises(VoiceError, match=r"cora was not removed: .* by process \d+ .*End that first"):
        users.remove("cora", with_messages=True)
    process.kill()
    users.remove("cora")
    assert not (users.directory / "cora").exists()


def test_what_a_record_says_is_not_believed(users: Users, tmp_path: Path) -> None:
    held = subscribe(users, "cora", "crew")
    record = users.directory / "cora" / "live.json"
    secret = tmp_path / "secret" / "inboxes" / "team-lead.json"
    secret.parent.mkdir(parents=True)
    record.write_text(record.read_text().replace(held.holder.target, str(secret)))
    (users.directory / "cora" / "inbox-live").unlink()
    (users.directory / "cora" / "inbox-live").symlink_to(secret)
    assert target_of(users, "cora") is None
    record.write_text(record.read_text().replace(held.holder.ticket, "../../../../x"))
    assert presence_of(users, "cora") == "online"
    held.release()
