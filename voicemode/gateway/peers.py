"""What gateway processes say to one another: the routing's commands as bytes for the broker, and back as events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from attrs import frozen

from ..connect.wire import WireError, decode, encode
from .events import Heard, Relay, Relayed, RemoteSession, Tell, Told


@frozen(kw_only=True)
class Presence:
    """``asks``: whoever hears it is to say who they have."""

    process: str
    sessions: tuple[RemoteSession, ...]
    asks: bool = False


@frozen(kw_only=True)
class Letter:
    """``frame`` is for ``session`` of process ``to``, from ``sender``; an answer is from ``session`` instead."""

    process: str
    to: str
    session: str
    frame: str
    sender: str = ""
    answer: bool = False


class _Envelope(msgspec.Struct, omit_defaults=True):
    presence: Presence | None = None
    letter: Letter | None = None


_DECODER = msgspec.json.Decoder(_Envelope)

FromPeer: TypeAlias = Heard | Told | Relayed


def presence(process: str, sessions: Sequence[RemoteSession], *, asks: bool = False) -> bytes:
    return msgspec.json.encode(_Envelope(presence=Presence(process=process, sessions=tuple(sessions), asks=asks)))


def letter(process: str, command: Tell | Relay) -> bytes:
    """From ``process``, for the one that the command names."""
    return msgspec.json.encode(
        _Envelope(
            letter=Letter(
                process=process,
                to=command.process,
                session=command.session,
                frame=encode(command.message),
                sender=command.sender if isinstance(command, Tell) else "",
                answer=isinstance(command, Relay),
            )
        )
    )


def read(here: str, account: str, data: bytes) -> tuple[FromPeer | None, bool]:
    """What process ``here`` hears, and whether it is asked who it has.  What nobody here understands is nothing."""
    try:
        envelope = _DECODER.decode(data)
    except msgspec.MsgspecError:
        return None, False
    if (said := envelope.presence) is not None:
        return Heard(process=said.process, account=account, sessions=said.sessions), said.asks
    if (found := envelope.letter) is None or found.to != here:
        return None, False
    try:
        message = decode(found.frame)
    except WireError:
        return None, False
    if found.answer:
        return Relayed(account=account, session=found.session, message=message), False
    told = Told(process=found.process, account=account, session=found.session, sender=found.sender, message=message)
    return told, False
