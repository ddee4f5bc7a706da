"""A machine with users and teams, as directories; Claude Code, as it treats the inbox of a team."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import field, frozen

from voicemode.connect.presence import Subscription, subscribe
from voicemode.connect.users import Users


@frozen
class Machine:
    base: Path
    teams: Path
    subscriptions: list[Subscription] = field(factory=list[Subscription])

    @classmethod
    def at(cls, directory: Path) -> Machine:
        machine = cls(directory / "base", directory / "claude" / "teams")
        machine.teams.mkdir(parents=True)
        return machine

    def user(self, name: str) -> Path:
        directory = self.base / "connect" / "users" / name
        directory.mkdir(parents=True)
        (directory / "meta.json").write_text(json.dumps({"name": name}))
        return directory

    def team(self, name: str, *members: str) -> Path:
        directory = self.teams / name
        directory.mkdir()
        (directory / "config.json").write_text(json.dumps({"members": [{"name": each} for each in members]}))
        return directory

    def subscribe(self, user: str, team: str) -> None:
        """Until ``unsubscribe``."""
        self.subscriptions.append(subscribe(Users(self.base, teams=self.teams), user, team))

    def unsubscribe(self) -> None:
        while self.subscriptions:
            self.subscriptions.pop().release()

    def link(self, user: str, team: str) -> None:
        """As a subscription leaves it when its process has gone."""
        link = self.base / "connect" / "users" / user / "inbox-live"
        link.symlink_to(self.teams / team / "inboxes" / "team-lead.json")

    def lines(self, user: str) -> list[dict[str, Any]]:
        inbox = self.base / "connect" / "users" / user / "inbox"
        return [json.loads(line) for line in inbox.read_text().splitlines()] if inbox.exists() else []

    def entries(self, team: str, recipient: str = "team-lead") -> list[dict[str, Any]]:
        inbox = self.teams / team / "inboxes" / f"{recipient}.json"
        found: list[dict[str, Any]] = json.loads(inbox.read_text()) if inbox.exists() else []
        return found


def taken_out(inbox: Path) -> list[dict[str, Any]]:
    """Read an inbox as Claude Code does: what was in it, which is no longer."""
    lock = inbox.with_name(f"{inbox.name}.lock")
    lock.mkdir()
    found: list[dict[str, Any]] = json.loads(inbox.read_text())
    beside = inbox.with_name("rewritten")
    beside.write_text("[]")
    beside.rename(inbox)
    lock.rmdir()
    return found
