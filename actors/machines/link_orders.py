"""What the link is told, and what it orders: the events that go into ``Link`` and the commands that come out."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from ..link_messages import AgentUser, LinkMessage


@frozen
class Tick:
    """Time has passed."""


@frozen
class Opened:
    """There is a connection."""


@frozen
class Received:
    """Something came; None is a sign of life that is no message."""

    message: LinkMessage | None


@frozen
class Blocked:
    """What came cannot be handed on at the moment."""


@frozen
class Unblocked:
    """It has been handed on."""


@frozen
class Lost:
    """The connection broke, or could not be made; ``reason`` is a sentence."""

    reason: str


@frozen
class Refused:
    """We are not taken for who we say we are."""

    reason: str


@frozen
class Announce:
    """These are the users from now on."""

    users: tuple[AgentUser, ...]


LinkEvent: TypeAlias = Tick | Opened | Received | Blocked | Unblocked | Lost | Refused | Announce


@frozen
class Connect:
    """Make a connection; ``renew``: the token of the one before was not taken."""

    renew: bool


@frozen
class Send:
    message: LinkMessage


@frozen
class Ping:
    """Have the gateway show that it is there."""


@frozen
class HandOn:
    """This is for whoever listens."""

    message: LinkMessage


@frozen
class Drop:
    """Close the connection, or make none."""


LinkCommand: TypeAlias = Connect | Send | Ping | HandOn | Drop
