"""What the routing is told and what it wants done.  A session is known by its id, also while it has no connection."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from actors.link_messages import AgentUser, LinkMessage, Ready, Transcription, UserMessageDelivery


@frozen(kw_only=True)
class Opened:
    """Somebody of ``account`` has connected, known as ``name``; ``wall`` is milliseconds since 1970."""

    session: str
    token: str
    account: str
    name: str = ""
    wall: int = 0


@frozen
class Received:
    session: str
    message: LinkMessage


@frozen
class Closed:
    """The connection of ``session`` has gone."""

    session: str


@frozen
class Blocked:
    """``session`` does not read what it is sent; nothing more is to be sent until it has ``Drained``."""

    session: str


@frozen
class Drained:
    session: str


@frozen(kw_only=True)
class Entry:
    """A message for the durable queue: ``id`` is that of the delivery, ``target`` who it was addressed to."""

    account: str
    id: str
    target: str
    message: UserMessageDelivery | Transcription


@frozen
class Kept:
    account: str
    id: str


@frozen
class NotKept:
    """``reason`` is for a person."""

    account: str
    id: str
    reason: str


@frozen
class Fetched:
    account: str
    entries: tuple[Entry, ...]


@frozen(kw_only=True)
class RemoteSession:
    """A session of another gateway process, as that one tells of it."""

    session: str
    ready: Ready
    name: str = ""
    wall: int = 0
    agent: bool = False
    users: tuple[AgentUser, ...] = ()


@frozen(kw_only=True)
class Heard:
    """All the sessions of ``account`` at another ``process``; none when it has gone."""

    process: str
    account: str
    sessions: tuple[RemoteSession, ...] = ()


@frozen(kw_only=True)
class Told:
    """From ``sender``, a session of another ``process``, for a session here."""

    process: str
    account: str
    session: str
    sender: str
    message: LinkMessage


@frozen(kw_only=True)
class Relayed:
    """What ``session``, which is of another process, answers to what it was told from here."""

    account: str
    session: str
    message: LinkMessage


@frozen
class Tick:
    """A deadline may have passed."""


Event: TypeAlias = (
    Opened | Received | Closed | Blocked | Drained | Kept | NotKept | Fetched | Heard | Told | Relayed | Tick
)


@frozen
class Send:
    session: str
    message: LinkMessage


@frozen
class Close:
    session: str
    code: int
    reason: str


@frozen
class Adopt:
    """The connection of ``session`` goes on as that of ``old``, which has none."""

    session: str
    old: str


@frozen
class Keep:
    """Answered by ``Kept`` once it is durable, or by ``NotKept``."""

    entry: Entry


@frozen
class Fetch:
    """Answered by ``Fetched``, the oldest first."""

    account: str
    targets: tuple[str, ...]


@frozen
class Discard:
    """It has arrived, unless it is for none of ``targets``."""

    account: str
    id: str
    targets: tuple[str, ...]


@frozen
class Remember:
    """These can be written to, also while they are not there."""

    account: str
    targets: tuple[str, ...]


@frozen(kw_only=True)
class Tell:
    """``message`` for a session at another ``process``, which sees it as ``Told``."""

    process: str
    account: str
    session: str
    sender: str
    message: LinkMessage


@frozen(kw_only=True)
class Relay:
    """What a session here answers to what it was told by another ``process``, which sees it as ``Relayed``."""

    process: str
    account: str
    session: str
    message: LinkMessage


@frozen
class Announce:
    """Other processes are to hear of the sessions of ``account`` that are here."""

    account: str


Command: TypeAlias = Send | Close | Adopt | Keep | Fetch | Discard | Remember | Tell | Relay | Announce
