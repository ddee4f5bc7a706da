"""Implements ``InboxStore`` in files: messages from the gateway in, in the inboxes of users and of live teams out.

What a user's file holds is from outside, and says so by its ``source``; in a team's inbox, where an agent reads it as
it comes, every line is marked.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import trio

from actors.errors import BadMessage
from actors.link_messages import UserMessageDelivery

from .external import cut, marked, name_of
from .file_care import timestamp
from .inbox_lines import Line
from .messaging import new_id, put
from .recipients import teams_directory
from .team_inbox import Entry

SENDER = "voicemode"
"""Whom a team hears it from: a name that somebody elsewhere chose might be that of a teammate."""

_PLAIN_ID = re.compile("[A-Za-z0-9_-][A-Za-z0-9._:-]{0,99}")


class FileInboxStore:
    """For the users in ``base``; ``teams`` is where Claude Code has its teams."""

    def __init__(self, base: Path, *, teams: Path | None = None) -> None:
        self.base, self.teams = base, teams
        self._threads = trio.CapacityLimiter(1)

    async def deliver(self, message: UserMessageDelivery) -> None:
        """As the port says.  A thread does it, which goes on to the end once it writes."""
        await trio.to_thread.run_sync(self._deliver, message, limiter=self._threads)

    def _deliver(self, message: UserMessageDelivery) -> None:
        text, name = cut(message.text), name_of(message.sender)
        if not text:
            raise BadMessage(f"A message to {message.target_user!r} had no text.", reason="the message is empty")
        identifier, now = inbox_id(message.id), timestamp()
        put(
            self.base,
            teams_directory() if self.teams is None else self.teams,
            message.target_user,
            Line(id=identifier, sender=name, text=text, timestamp=now, source="connect"),
            Entry(
                id=identifier,
                sender=SENDER,
                text=marked(message.text, name),
                summary=f"External message from {name}",
                timestamp=now,
            ),
            pause=trio.from_thread.check_cancelled,
        )


def inbox_id(identifier: str) -> str:
    """What a message is known by here: its id if that is a plain word, else one made of it; a new one without."""
    if not identifier or _PLAIN_ID.fullmatch(identifier):
        return identifier or new_id()
    return f"msg_{hashlib.sha256(identifier.encode(errors='surrogatepass')).hexdigest()[:32]}"
