"""The link's messages as JSON text frames: text in, a message of ``actors/link_messages`` out, and back.

Names as in the gateway of voicemode.dev and its clients, some in camel case and some not.  Members nobody here knows
are ignored, as a newer side may send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import msgspec
from attrs import fields, has

from actors import link_messages as link
from actors.link_messages import LinkMessage

PING, PONG = "ping", "pong"
"""Frames of their own that keep a connection alive, because the gateway can answer them without waking up."""

LONGEST_FRAME = 1_000_000
"""Bytes."""

TYPES: Mapping[str, type[LinkMessage]] = {
    "auth": link.Auth,
    "ready": link.Ready,
    "capabilities_update": link.CapabilitiesUpdate,
    "resume": link.Resume,
    "connected": link.Connected,
    "session_resumed": link.SessionResumed,
    "devices": link.Devices,
    "user_message": link.UserMessage,
    "user_message_delivery": link.UserMessageDelivery,
    "delivery_confirmation": link.DeliveryConfirmation,
    "transcription": link.Transcription,
    "speak": link.Speak,
    "listen": link.Listen,
    "stop": link.Stop,
    "ack": link.Ack,
    "heartbeat": link.Heartbeat,
    "heartbeat_ack": link.HeartbeatAck,
    "error": link.LinkError,
}

_TYPE_OF = {kind: name for name, kind in TYPES.items()}

_SNAKE = frozenset({"target_user", "message_id", "display_name"})
"""Names of more than one word that are not in camel case on the wire."""

_SPECIAL = {"sender": "from", "use_vad": "useVAD"}

Json: TypeAlias = dict[str, object]


class WireError(ValueError):
    """A frame that is no message; ``code`` is what the protocol has for it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def encode(message: LinkMessage) -> str:
    return msgspec.json.encode({"type": _TYPE_OF[type(message)], **_members(message)}).decode()


def decode(frame: str | bytes) -> LinkMessage:
    """Raises WireError."""
    size = len(frame.encode(errors="surrogatepass")) if isinstance(frame, str) else len(frame)
    if size > LONGEST_FRAME:
        raise WireError("INVALID_MESSAGE", f"a frame has at most {LONGEST_FRAME:,} bytes, not {size:,}")
    try:
        given = msgspec.json.decode(frame, type=Json)
    except msgspec.ValidationError as error:
        raise WireError("INVALID_MESSAGE", "a message is a JSON object") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError("PARSE_ERROR", f"this is no JSON ({error})") from error
    name = given.get("type")
    if name is None:
        raise WireError("MISSING_FIELD", "a message has a member type")
    kind = TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise WireError("UNKNOWN_TYPE", "there is no such type of message")
    try:
        return msgspec.convert(_renamed(given, kind), kind)
    except msgspec.ValidationError as error:
        missing = "missing required" in str(error)
        raise WireError("MISSING_FIELD" if missing else "INVALID_TYPE", f"{name}: {error}") from error


def _members(value: Any) -> Json:
    """What is None is left out."""
    members: Json = {each.name: getattr(value, each.name) for each in fields(value.__class__)}
    return {on_wire(name): _plain(member) for name, member in members.items() if member is not None}


def _plain(value: Any) -> Any:
    if has(cast("type[object]", type(value))):
        return _members(value)
    return [_plain(each) for each in cast("tuple[object, ...]", value)] if isinstance(value, tuple) else value


def on_wire(name: str) -> str:
    """The member that a field is called on the wire."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    if name in _SNAKE:
        return name
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


_PARTS: Mapping[type[Any], Mapping[str, type[Any]]] = {
    link.Ready: {"device": link.Device, "capabilities": link.Capabilities},
    link.CapabilitiesUpdate: {"users": link.AgentUser},
    link.Devices: {"devices": link.ConnectionInfo},
    link.ConnectionInfo: {"capabilities": link.Capabilities},
}
"""Fields that are objects themselves, or lists of them."""


def _renamed(given: Any, kind: type[Any]) -> Any:
    """The members of an object as fields of ``kind``; null is as good as absent."""
    if isinstance(given, list):
        return [_renamed(each, kind) for each in cast("list[object]", given)]
    if not isinstance(given, dict):
        return given
    members = cast("Json", given)
    found = {each.name: members.get(on_wire(each.name)) for each in fields(kind)}
    parts = _PARTS.get(kind, {})
    return {
        name: _renamed(value, parts[name]) if name in parts else value
        for name, value in found.items()
        if value is not None
    }
