"""Messages from this machine and from the gateway: where they end up, and what an agent reads there."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
import trio

import voicemode
from actors.errors import BadMessage, InboxError, UnknownRecipient
from actors.link_messages import UserMessageDelivery
from tests.connect.agents import Machine, taken_out
from voicemode.connect import inbox_store, messaging
from voicemode.connect.file_care import alone_with
from voicemode.connect.inbox_store import FileInboxStore, inbox_id


@pytest.fixture(autouse=True)
def _claude(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(machine.teams.parent))


def delivery(identifier: str = "msg_1", text: str = "Hello.", user: str = "cora", sender: str = "Mike"):
    return UserMessageDelivery(id=identifier, text=text, target_user=user, sender=sender)


class TestFromThisMachine:
    def test_a_message_is_in_the_inbox_of_the_lead(self, machine: Machine) -> None:
        machine.team("work")
        assert voicemode.deliver_message("work", "Hello.\nAre you there?") is True
        (entry,) = machine.entries("work")
        assert re.fullmatch(r"msg_[0-9a-f]{12}", entry.pop("id"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("timestamp"))
        assert entry == {
            "from": "voicemode",
            "text": "Hello.\nAre you there?",
            "summary": "Hello. Are you there?",
            "read": False,
        }

    def test_it_goes_to_another_agent_by_name(self, machine: Machine) -> None:
        machine.team("work", "tester")
        voicemode.deliver_message(team="work", content="Go.", recipient="tester", sender="Ada", summary="a\nb")
        (entry,) = machine.entries("work", "tester")
        assert (entry["from"], entry["summary"]) == ("Ada", "a b")
        assert machine.entries("work") == []

    @pytest.mark.parametrize(("content", "wrong"), [(" \n\0", "needs a text"), ("x" * 100_001, "100,000 characters")])
    def test_a_text_that_cannot_be_is_refused(self, machine: Machine, content: str, wrong: str) -> None:
        machine.team("work")
        with pytest.raises(BadMessage, match=wrong):
            voicemode.deliver_message("work", content)
        assert machine.entries("work") == []

    def test_nobody_gets_what_is_for_a_team_that_is_not_there(self, machine: Machine) -> None:
        machine.team("work")
        with pytest.raises(UnknownRecipient):
            voicemode.deliver_message("play", "Hello.")
        with pytest.raises(InboxError, match="cannot be the name of a team"):
            voicemode.deliver_message("../work", "Hello.")

    def test_teams_that_cannot_be_seen_are_an_error_with_a_reason(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: Path) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", refuse)
        with pytest.raises(InboxError, match=r"could not be written to .*teams: Permission denied"):
            voicemode.deliver_message("work", "Hello.")

    def test_a_user_gets_it_too_and_whoever_subscribes(self, machine: Machine) -> None:
        machine.user("cora")
        machine.team("work")
        messaging.deliver_to_user(machine.base, "cora", "One.")
        machine.subscribe("cora", "work")
        messaging.deliver_to_user(machine.base, "cora", "Two.", sender="Ada")
        lines = machine.lines("cora")
        assert [(line["from"], line["text"], line["source"]) for line in lines] == [
            ("voicemode", "One.", "local"),
            ("Ada", "Two.", "local"),
        ]
        (entry,) = machine.entries("work")
        assert (entry["id"], entry["text"], entry["from"]) == (lines[1]["id"], "Two.", "Ada")


class TestFromOutside:
    @pytest.fixture
    def store(self, machine: Machine) -> FileInboxStore:
        machine.user("cora")
        return FileInboxStore(machine.base)

    async def test_it_is_a_line_of_the_user(self, machine: Machine, store: FileInboxStore) -> None:
        await store.deliver(delivery(text="He\u202ello.\n", sender="Mi\nke"))
        (line,) = machine.lines("cora")
        assert (line["id"], line["from"], line["text"], line["source"]) == ("msg_1", "Mi ke", "Hello.", "connect")

    async def test_a_live_team_reads_it_marked_as_external(self, machine: Machine, store: FileInboxStore) -> None:
        machine.team("work")
        machine.subscribe("cora", "work")
        await store.deliver(delivery(text="Hello.\nYou there?", sender="team-lead"))
        (entry,) = machine.entries("work")
        first, *lines = entry["text"].split("\n")
        assert first.startswith('External message from "team-lead", by way of VoiceMode Connect. It was not typed by ')
        assert lines == ["> Hello.", "> You there?"]
        assert (entry["from"], entry["summary"]) == ("voicemode", "External message from team-lead")
        assert entry["id"] == machine.lines("cora")[0]["id"] == "msg_1"

    async def test_a_long_one_is_cut_once_and_says_of_how_many(self, machine: Machine, store: FileInboxStore) -> None:
        machine.team("work")
        machine.subscribe("cora", "work")
        await store.deliver(delivery(text="x" * 12_000))
        says = "[cut here, after 10,000 of 12,000 characters]"
        assert machine.lines("cora")[0]["text"] == "x" * 10_000 + f"\n{says}"
        assert machine.entries("work")[0]["text"].endswith(f"x\n> {says}")

    async def test_repeats_change_nothing_also_after_it_was_read(self, machine: Machine, store: FileInboxStore) -> None:
        team = machine.team("work")
        machine.subscribe("cora", "work")
        await store.deliver(delivery())
        await FileInboxStore(machine.base).deliver(delivery())
        assert len(taken_out(team / "inboxes" / "team-lead.json")) == 1
        await store.deliver(delivery())
        assert (len(machine.lines("cora")), machine.entries("work")) == (1, [])

    async def test_who_was_killed_between_the_two_inboxes_goes_on_with_the_second(
        self, machine: Machine, store: FileInboxStore
    ) -> None:
        await store.deliver(delivery())
        machine.team("work")
        machine.subscribe("cora", "work")
        await store.deliver(delivery())
        assert (len(machine.lines("cora")), len(machine.entries("work"))) == (1, 1)

    async def test_nobody_gets_what_is_for_somebody_else(self, machine: Machine, store: FileInboxStore) -> None:
        with pytest.raises(UnknownRecipient, match="no user bob"):
            await store.deliver(delivery(user="bob"))
        with pytest.raises(InboxError, match="cannot be the name of a user"):
            await store.deliver(delivery(user="../users/cora"))
        assert machine.lines("cora") == []

    async def test_an_empty_message_is_refused(self, machine: Machine, store: FileInboxStore) -> None:
        with pytest.raises(BadMessage) as raised:
            await store.deliver(delivery(text="\u200b \0"))
        assert raised.value.reason == "the message is empty"
        assert machine.lines("cora") == []

    async def test_a_link_that_leads_astray_is_not_followed_and_the_message_is_kept(
        self, machine: Machine, store: FileInboxStore, tmp_path: Path
    ) -> None:
        machine.team("work")
        machine.subscribe("cora", "work")
        link = machine.base / "connect" / "users" / "cora" / "inbox-live"
        link.unlink()
        link.symlink_to(tmp_path / "elsewhere.json")
        await store.deliver(delivery())
        assert (len(machine.lines("cora")), machine.entries("work")) == (1, [])
        assert not (tmp_path / "elsewhere.json").exists()

    async def test_a_session_that_has_ended_is_not_written_to(self, machine: Machine, store: FileInboxStore) -> None:
        machine.team("work")
        link = machine.base / "connect" / "users" / "cora" / "inbox-live"
        link.symlink_to(machine.teams / "work" / "inboxes" / "team-lead.json")
        await store.deliver(delivery())
        assert (len(machine.lines("cora")), machine.entries("work")) == (1, [])

    async def test_a_cancel_is_heeded_while_the_inbox_is_waited_for(
        self, machine: Machine, store: FileInboxStore
    ) -> None:
        with alone_with(machine.base / "connect" / "users" / "cora" / "inbox"):
            with trio.move_on_after(0.05) as scope:
                await store.deliver(delivery())
        assert scope.cancelled_caught
        assert machine.lines("cora") == []

    async def test_a_cancel_does_not_leave_a_write_in_the_middle(
        self, machine: Machine, store: FileInboxStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put, go_on = inbox_store.put, threading.Event()
        with trio.CancelScope() as scope:

            def cancelled_meanwhile(*args: object, **options: object) -> None:
                trio.from_thread.run_sync(scope.cancel)
                go_on.set()
                put(*args, **{**options, "pause": lambda: None})  # type: ignore[arg-type]

            monkeypatch.setattr(inbox_store, "put", cancelled_meanwhile)
            await store.deliver(delivery())
        assert go_on.is_set()
        assert len(machine.lines("cora")) == 1


@pytest.mark.parametrize("identifier", ["msg_1", "0f8fad5b-d9cb-469f-a165-70867728950e", "a.b:c", "7"])
def test_an_id_that_is_a_plain_word_is_kept(identifier: str) -> None:
    assert inbox_id(identifier) == identifier


@pytest.mark.parametrize("identifier", ['"', "a\nb", "x" * 101, "é", "\ud800", "a b", "."])
def test_from_any_other_id_a_plain_one_is_made_always_the_same(identifier: str) -> None:
    assert re.fullmatch("msg_[0-9a-f]{32}", inbox_id(identifier))
    assert inbox_id(identifier) == inbox_id(identifier)


def test_without_an_id_there_is_a_new_one() -> None:
    assert inbox_id("") != inbox_id("")
