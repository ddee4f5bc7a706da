"""Messages from this machine to agents on it.  In: who, what, from whom.  Out: it is in their inbox, on disk."""

from __future__ import annotations

import secrets
from pathlib import Path

from actors.errors import BadMessage

from .external import name_of, plain
from .file_care import Pause, explaining, no_pause, timestamp
from .inbox_lines import Line, add_line
from .presence import target_of
from .recipients import TEAM_LEAD, live_inbox, team_inbox, teams_directory, user_directory
from .team_inbox import LONGEST_SUMMARY, Entry, add_entry
from .users import Users

LONGEST = 100_000
"""Characters of a message."""


def deliver_message(
    team: str, content: str, recipient: str = TEAM_LEAD, sender: str = "voicemode", summary: str | None = None
) -> bool:
    """Put ``content`` into the inbox of an agent in a team of Claude Code, which wakes it.

    Returns True when it is durable.  Otherwise it raises InboxError, UnknownRecipient where there is no such team or
    agent, which is better than a False that says nothing.  Blocks for some hundredths of a second, and for as many as
    30 where the inbox is in use.  ``summary`` is shown in one line, by default the beginning of ``content``.

    The text is taken for one of this machine: what comes from elsewhere is for ``external.marked`` first.
    """
    text = checked_text(content)
    with explaining(teams_directory()):
        inbox = team_inbox(teams_directory(), team, recipient)
    add_entry(inbox, _entry(new_id(), text, sender, summary))
    return True


def deliver_to_user(base: Path, user: str, content: str, sender: str = "voicemode", summary: str | None = None) -> None:
    """Put ``content`` into the inbox of a user in ``base``, and where a team subscribes to it into that team's as well.

    Returns when it is durable, and raises as ``deliver_message`` does.
    """
    entry = _entry(new_id(), checked_text(content), sender, summary)
    line = Line(id=entry.id, sender=entry.sender, text=entry.text, timestamp=entry.timestamp, source="local")
    put(base, teams_directory(), user, line, entry)


def put(base: Path, teams: Path, user: str, line: Line, entry: Entry, *, pause: Pause = no_pause) -> None:
    """``line`` into the inbox of ``user``, then ``entry`` into that of the team whose process subscribes, if one does.

    When that fails the message stays in the first, where it is not doubled when it is tried again.
    """
    with explaining(base):
        directory = user_directory(base, user)
    add_line(directory / "inbox", line, pause=pause)
    with explaining(directory / "inbox-live"):
        subscribed = target_of(Users(base, teams=teams), directory.name) is not None
        live = live_inbox(directory, teams) if subscribed else None
    if live is not None:
        add_entry(live, entry, pause=pause)


def new_id() -> str:
    return f"msg_{secrets.token_hex(6)}"


def checked_text(content: str) -> str:
    """Raises BadMessage."""
    text = plain(content)
    if not text:
        raise BadMessage("A message needs a text.", reason="the message is empty")
    if len(text) > LONGEST:
        raise BadMessage(
            f"A message has at most {LONGEST:,} characters, not {len(text):,}. Write it to a file, and send its path.",
            reason="the message is too long",
        )
    return text


def _entry(identifier: str, text: str, sender: str, summary: str | None) -> Entry:
    short = " ".join(plain(text if summary is None else summary).split())[:LONGEST_SUMMARY]
    return Entry(id=identifier, sender=name_of(sender), text=text, summary=short, timestamp=timestamp())
