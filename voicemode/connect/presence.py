"""Whether a user can be woken.  In: a process that subscribes for them, as long as it lives.  Out: their presence.

A name stays, what it is woken by is a team's inbox of the day.  Nobody is woken by way of a process that has ended:
what such a one left is taken away by whoever looks next.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from actors.errors import SettingsError, VoiceError

from ..locks.lock_file import LockFile
from . import live
from .live import Holder, is_within
from .names import checked
from .users import Users, now

if TYPE_CHECKING:
    from actors.link_messages import Presence

LEAD = "team-lead"

FEW = 10
"""Names of teams that are told."""


class Subscription:
    """Of this process for ``user``; messages for them go to the inbox of ``recipient`` in ``team``."""

    def __init__(self, users: Users, user: str, holder: Holder, lock: LockFile) -> None:
        self.users, self.user, self.holder, self._lock = users, user, holder, lock
        self._releasing = threading.Lock()
        self._released = False

    @property
    def target(self) -> Path:
        return Path(self.holder.target)

    def is_current(self) -> bool:
        """Not when it is released or somebody else has replaced it.  Raises VoiceError."""
        with self.users.naming():
            recorded = live.recorded_in(self.users.directory_of(self.user))
        return not self._released and recorded == self.holder

    def release(self) -> None:
        """Idempotent, and for any thread.  Raises VoiceError when files cannot be used; it is over all the same."""
        with self._releasing:
            if self._released:
                return
            self._released = True
        directory = self.users.directory_of(self.user)
        try:
            if directory.exists():
                with self.users.alone():
                    if live.recorded_in(directory) == self.holder:
                        self.users.seen(self.user)
                        live.clear(directory, self.holder)
        finally:
            self._lock.release()


def subscribe(
    users: Users,
    user: str,
    team: str,
    recipient: str = LEAD,
    *,
    platform: str = "",
    replace: bool = False,
    instead_of: Subscription | None = None,
) -> Subscription:
    """Let ``user`` be woken by this process until the subscription is released or the process ends.

    ``platform`` is what kind of agent that is; ``instead_of`` an older subscription of this process, which is released.
    Raises SettingsError when there is no such user or team, and VoiceError when another process subscribes for the same
    user, unless it is to ``replace`` that one.
    """
    user = users.get(user).name
    target = inbox_of(users, team, recipient)
    directory = users.directory_of(user)
    with users.alone():
        there = live.recorded_in(directory)
        ours = instead_of is not None and there == instead_of.holder
        if there is not None and not (replace or ours) and live.is_alive(directory, there):
            raise VoiceError(
                f"{user} can be woken already, by {there}. Two cannot answer to one name: end that session first, or "
                "choose another name."
            )
        holder = Holder(
            ticket=live.new_ticket(),
            pid=os.getpid(),
            team=team,
            recipient=recipient,
            target=str(target),
            since=now(),
            project=_here(),
        )
        lock = LockFile.take(live.lock_of(directory, holder.ticket))
        if lock is None:
            raise VoiceError(f"The ticket {holder.ticket} is taken in {directory}: try again.")
        try:
            live.put(directory, holder)
            users.seen(user, platform=platform)
        except BaseException:
            lock.release()
            raise
    if instead_of is not None:
        instead_of.release()
    return Subscription(users, user, holder, lock)


def inbox_of(users: Users, team: str, recipient: str = LEAD) -> Path:
    """Where messages for ``recipient`` go, with no link on the way that could be changed afterwards.

    Raises SettingsError when there is no such team, or it is not among the teams' directories.
    """
    directory = users.teams / checked(team, "team")
    if not directory.is_dir():
        names = sorted(path.name for path in users.teams.glob("*/") if not path.name.startswith("."))
        there = f"there is {', '.join(names[:FEW])}" if names else "there is none"
        raise SettingsError(f"No team is called {team} in {users.teams}; {there}. Create the team first.")
    inbox = directory / "inboxes" / f"{checked(recipient, 'recipient')}.json"
    if not is_within(inbox, users.teams):
        raise SettingsError(f"The team {team} leads out of {users.teams}, where messages are not delivered.")
    return Path(os.path.realpath(inbox))


def presence_of(users: Users, user: str) -> Presence:
    """available: woken at once; away: by a process that lives, but whose team is gone; online: by nobody.

    Raises VoiceError.
    """
    holder = holder_of(users, user)
    if holder is None:
        return "online"
    return "available" if _reaches(users, user, holder) else "away"


def target_of(users: Users, user: str) -> Path | None:
    """The inbox that wakes ``user`` if a message is written to it now; None when there is none.  Raises VoiceError."""
    holder = holder_of(users, user)
    return Path(holder.target) if holder is not None and _reaches(users, user, holder) else None


def holder_of(users: Users, user: str) -> Holder | None:
    """Who subscribes for ``user`` and lives; what one has left who does not is taken away.  Raises VoiceError."""
    directory = users.directory_of(user)
    with users.naming():
        holder = live.recorded_in(directory)
        if holder is None or live.is_alive(directory, holder):
            return holder
    with users.alone():
        if live.recorded_in(directory) == holder:
            live.clear(directory, holder)
            return None
    return holder_of(users, user)


def _reaches(users: Users, user: str, holder: Holder) -> bool:
    directory, target = users.directory_of(user), Path(holder.target)
    if not target.parent.parent.is_dir() or not is_within(target, users.teams):
        return False
    if live.leads_there(directory, holder):
        return True
    with users.alone():  # the link is put in place after the record, perhaps at this moment
        return live.leads_there(directory, holder)


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""
