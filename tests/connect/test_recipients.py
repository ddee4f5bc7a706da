"""Who can be written to: exactly those that are there, each in the place where it is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import BadMessage, InboxError, UnknownRecipient
from tests.connect.agents import Machine
from voicemode.connect.recipients import live_inbox, team_inbox, teams_directory, user_directory


def test_a_user_is_found_by_exactly_its_name(machine: Machine) -> None:
    cora = machine.user("cora")
    machine.user("bob")
    (machine.base / "connect" / "users" / "nobody").mkdir()
    assert user_directory(machine.base, "cora") == cora
    for other in ("Cora", "cor", "nobody", "users"):
        with pytest.raises(UnknownRecipient, match=rf"no user {other} in .*; those there are: bob, cora\. voicemode"):
            user_directory(machine.base, other)


def test_where_there_are_no_users_it_says_so(machine: Machine) -> None:
    with pytest.raises(UnknownRecipient, match="there are none") as raised:
        user_directory(machine.base, "cora")
    assert raised.value.reason == "no such user"


def test_a_user_who_leads_out_of_the_directory_is_refused(machine: Machine, tmp_path: Path) -> None:
    machine.user("cora").rename(tmp_path / "elsewhere")
    (machine.base / "connect" / "users" / "cora").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InboxError, match="leads to"):
        user_directory(machine.base, "cora")


def test_agents_of_a_team_are_its_lead_its_members_and_who_has_an_inbox(machine: Machine) -> None:
    team = machine.team("work", "team-lead", "re.viewer")
    (team / "inboxes").mkdir()
    (team / "inboxes" / "tester.json").write_text("[]")
    (team / "inboxes" / ".hidden.json").write_text("[]")
    for recipient in ("team-lead", "re-viewer", "tester"):
        assert team_inbox(machine.teams, "work", recipient) == team / "inboxes" / f"{recipient}.json"
    with pytest.raises(
        UnknownRecipient, match=r"nobody called re\.viewer in the team work; .*re-viewer, team-lead, test"
    ):
        team_inbox(machine.teams, "work", "re.viewer")


@pytest.mark.parametrize("config", [None, "", "[]", '{"members": 7}', '{"members": [{}]}', "\xff"])
def test_a_team_has_a_lead_whatever_is_written_about_it(machine: Machine, config: str | None) -> None:
    team = machine.team("work")
    (team / "config.json").unlink()
    if config is not None:
        (team / "config.json").write_text(config, encoding="latin-1")
    assert team_inbox(machine.teams, "work").name == "team-lead.json"


def test_a_team_that_is_not_there_is_refused(machine: Machine) -> None:
    machine.team("work")
    (machine.teams / "note.txt").write_text("no team")
    with pytest.raises(UnknownRecipient, match=r"There is no team note\.txt in .*; those there are: work\."):
        team_inbox(machine.teams, "note.txt")


def test_of_many_only_some_are_listed(machine: Machine) -> None:
    for number in range(25):
        machine.team(f"t{number:02}")
    with pytest.raises(UnknownRecipient, match=r"t00, .*, t19 and 5 more\."):
        team_inbox(machine.teams, "work")


@pytest.mark.parametrize("name", ["../work", "", ".", "a/b"])
def test_names_that_cannot_be_are_refused(machine: Machine, name: str) -> None:
    machine.team("work")
    with pytest.raises(BadMessage, match="of a team"):
        team_inbox(machine.teams, name)
    with pytest.raises(BadMessage, match="of a recipient"):
        team_inbox(machine.teams, "work", name)


def test_a_team_may_have_a_second_name_but_lead_nowhere_else(machine: Machine, tmp_path: Path) -> None:
    team = machine.team("session-1")
    (machine.teams / "cora").symlink_to(team)
    assert team_inbox(machine.teams, "cora") == team / "inboxes" / "team-lead.json"
    (team / "inboxes").mkdir()
    (machine.teams / "inside").symlink_to(team / "inboxes")
    (machine.teams / "outside").symlink_to(tmp_path)
    for name in ("inside", "outside"):
        with pytest.raises(InboxError, match="no place for its messages"):
            team_inbox(machine.teams, name)


def test_an_inbox_that_is_a_link_is_refused(machine: Machine, tmp_path: Path) -> None:
    work, other = machine.team("work"), machine.team("other")
    (work / "inboxes").symlink_to(tmp_path)
    (other / "inboxes").mkdir()
    (other / "inboxes" / "team-lead.json").symlink_to(tmp_path / "elsewhere.json")
    for name in ("work", "other"):
        with pytest.raises(InboxError, match="no way to the inbox of an agent"):
            team_inbox(machine.teams, name)


def test_a_subscription_leads_to_the_inbox_of_a_team(machine: Machine) -> None:
    cora, team = machine.user("cora"), machine.team("work")
    assert live_inbox(cora, machine.teams) is None
    machine.link("cora", "work")
    assert live_inbox(cora, machine.teams) == team / "inboxes" / "team-lead.json"


def test_a_subscription_may_go_by_the_second_name_of_a_team(machine: Machine) -> None:
    cora, team = machine.user("cora"), machine.team("session-1")
    (machine.teams / "cora").symlink_to(team)
    machine.link("cora", "cora")
    assert live_inbox(cora, machine.teams) == team / "inboxes" / "team-lead.json"


def test_a_subscription_to_a_team_that_has_ended_is_none(machine: Machine) -> None:
    cora = machine.user("cora")
    machine.link("cora", "work")
    assert live_inbox(cora, machine.teams) is None


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/etc/passwd",
            "work/config.json",
            "work/inboxes/../../../x.json",
            "work/inboxes/nobody.json",
            "work/inboxes",
        ),
        *("../inboxes/team-lead.json", "work/inboxes/team-lead.json.lock", "work/inboxes/.json"),
    ],
)
def test_a_subscription_to_anything_else_is_refused(machine: Machine, target: str) -> None:
    cora, team = machine.user("cora"), machine.team("work")
    (team / "inboxes").mkdir()
    (cora / "inbox-live").symlink_to(machine.teams / target)
    with pytest.raises(InboxError, match=r"inbox-live is no way to the inbox of an agent in a team; remove it\."):
        live_inbox(cora, machine.teams)


def test_teams_are_where_claude_code_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    assert teams_directory() == Path("/home/ada/.claude/teams")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/elsewhere")
    assert teams_directory() == Path("/elsewhere/teams")
