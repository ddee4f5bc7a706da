"""Who can be written to.  In: a name from anywhere.  Out: their inbox, or an error that says who there is.

Nobody is given what is for somebody else: a name has to be exactly that of a user or a team that is there.  A user is a
directory with ``meta.json`` in it, a team a directory of Claude Code's.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from actors.errors import BadMessage, InboxError, UnknownRecipient

from .names import checked

TEAM_LEAD = "team-lead"

SHOWN = 20
"""How many names an error lists."""


def users_directory(base: Path) -> Path:
    return base / "connect" / "users"


def teams_directory() -> Path:
    """Where Claude Code of this user has its teams.  Raises InboxError where nobody knows the home directory."""
    if configured := os.environ.get("CLAUDE_CONFIG_DIR"):
        return Path(configured) / "teams"
    try:
        return Path.home() / ".claude" / "teams"
    except RuntimeError as error:
        raise InboxError("There is no home directory in which teams could be.", reason="no such team") from error


def user_directory(base: Path, name: str) -> Path:
    """Raises UnknownRecipient, and BadMessage for a name that cannot be one."""
    name, users = checked(name), users_directory(base)
    known = {each: path for each, path in _within(users).items() if (path / "meta.json").is_file()}
    if name not in known:
        raise UnknownRecipient(
            f"There is no user {name} in {users}; {_those(known)}. voicemode connect user add makes one.",
            reason="no such user",
        )
    return _inside(known[name], users, name)


def team_inbox(teams: Path, team: str, recipient: str = TEAM_LEAD) -> Path:
    """Raises UnknownRecipient, BadMessage for a name that cannot be one, and InboxError for one that leads elsewhere.

    A team may be a link to another one, as to give it a name that lasts; to anywhere else it may not.
    """
    team, recipient = checked(team, "team"), checked(recipient, "recipient")
    known = _within(teams)
    if team not in known:
        raise UnknownRecipient(f"There is no team {team} in {teams}; {_those(known)}.", reason="no such team")
    inboxes = _inside(known[team], teams, team) / "inboxes"
    agents = _agents(inboxes)
    if recipient not in agents:
        raise UnknownRecipient(
            f"There is nobody called {recipient} in the team {team}; {_those(agents)}.", reason="no such recipient"
        )
    inbox = inboxes / f"{recipient}.json"
    if inboxes.is_symlink() or inbox.is_symlink():
        raise _leads_elsewhere(inbox)
    return inbox


def live_inbox(user: Path, teams: Path) -> Path | None:
    """The team's inbox that a user subscribes to, by the link ``inbox-live``; None without one, or when its team has
    ended.  Raises InboxError when it leads anywhere but to an inbox of a team."""
    link = user / "inbox-live"
    if not link.is_symlink():
        return None
    inbox = user / link.readlink()
    team = inbox.parent.parent
    if inbox.suffix != ".json" or inbox.parent.name != "inboxes" or team.resolve().parent != teams.resolve():
        raise _leads_elsewhere(link)
    if not team.is_dir():
        return None
    try:
        return team_inbox(teams, team.resolve().name, inbox.stem)
    except (UnknownRecipient, BadMessage) as error:
        raise _leads_elsewhere(link) from error


def _within(directory: Path) -> Mapping[str, Path]:
    """The directories in it, and links to some, by their names in the form of ``names``."""
    try:
        paths = sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {
        unicodedata.normalize("NFC", path.name): path
        for path in paths
        if path.is_dir() and not path.name.startswith(".")
    }


def _inside(path: Path, directory: Path, name: str) -> Path:
    found = path.resolve()
    if found.parent != directory.resolve():
        raise InboxError(
            f"{name} in {directory} leads to {found}, which is no place for its messages.",
            reason="it could not be written",
        )
    return found


def _leads_elsewhere(link: Path) -> InboxError:
    return InboxError(
        f"{link} is no way to the inbox of an agent in a team; remove it.", reason="it could not be written"
    )


def _agents(inboxes: Path) -> set[str]:
    """All that have an inbox or are members, as Claude Code names their files."""
    found = {TEAM_LEAD, *(path.stem for path in inboxes.glob("[!.]*.json"))}
    try:
        config: Any = json.loads((inboxes.parent / "config.json").read_bytes())
        members = cast("list[Any]", config["members"])
        return found | {re.sub("[^a-zA-Z0-9_-]", "-", str(member["name"])) for member in members}
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return found


def _those(known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return "there are none"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"those there are: {', '.join(names[:SHOWN])}{more}"
