"""Who is meant.  In: the sessions of agents' sides, and a name as somebody wrote it.  Out: one session, or why none.

A name is looked up exactly, as ``name`` or ``name@host``, and as a display name only when nobody has it for a name.
Who is not found or not the only one gets nothing; no message ever goes to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from attrs import frozen

from actors.link_messages import AgentUser

from .session import Session


@frozen
class Found:
    session: Session
    user: AgentUser


@frozen
class Nobody:
    pass


@frozen
class Several:
    """``addresses`` are what would be unambiguous."""

    addresses: tuple[str, ...]


Meant: TypeAlias = Found | Nobody | Several

NOBODY = Nobody()


def address_of(user: AgentUser) -> str:
    return f"{user.name}@{user.host}" if user.host else user.name


def targets_of(users: Iterable[AgentUser]) -> tuple[str, ...]:
    """All that a message for one of ``users`` may have been addressed with."""
    found = [name for user in users for name in (user.name, address_of(user), user.display_name)]
    return tuple(dict.fromkeys(name for name in found if name))


def find(sessions: Iterable[Session], target: str) -> Meant:
    """Of several sessions with the same user of the same host, which stand in the order they began in, the last."""
    reachable = [Found(each, user) for each in sessions for user in each.users if user.presence != "offline"]
    named = [each for each in reachable if target in {each.user.name, address_of(each.user)}]
    found = named or [each for each in reachable if each.user.display_name == target]
    return _only({address_of(each.user): each for each in found})


def only_one(sessions: Iterable[Session]) -> Meant:
    """The user there is, when there is no other."""
    return _only({address_of(user): Found(each, user) for each in sessions for user in each.users})


def _only(by_address: dict[str, Found]) -> Meant:
    if not by_address:
        return NOBODY
    if len(by_address) > 1:
        return Several(tuple(sorted(by_address)))
    (found,) = by_address.values()
    return found
