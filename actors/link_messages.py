"""What goes over the link between a person's devices, the gateway and their agents, as voicemode.dev and its clients
say it.  ``voicemode/connect/wire.py`` has their form on the wire; text frames ``ping`` and ``pong`` are no messages.

Who is what: an *agent's* side names its users by ``CapabilitiesUpdate``; a *device* has a microphone and a speaker.
All that belong to one account reach one another.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import frozen

AGENTS_PLATFORM = "mcp-server"
"""What an agent's side says it runs on, before it says which users it has."""

Presence: TypeAlias = Literal["available", "online", "away", "offline"]
"""available: woken by a message at once; online: the link is there, nobody subscribes; away: asked not to be woken."""

AckStatus: TypeAlias = Literal["delivered", "queued", "received", "offline", "failed"]
"""delivered: durably in the inbox, or said; queued: durably at the gateway; received: a device has it; offline: nobody
took it, and it is not kept; failed: see ``error``."""


@frozen(kw_only=True)
class Device:
    """``device_id`` stays the same from one connection to the next."""

    device_id: str
    platform: str
    name: str = ""
    app_version: str = ""


@frozen(kw_only=True)
class Capabilities:
    tts: bool = False
    stt: bool = False
    mic: bool = False
    speaker: bool = False


@frozen(kw_only=True)
class AgentUser:
    """One who can be written to; ``name`` is the address, ``display_name`` for people."""

    name: str
    host: str = ""
    display_name: str = ""
    presence: Presence = "online"


@frozen(kw_only=True)
class ConnectionInfo:
    """One connection of the account; times in milliseconds since 1970."""

    session_id: str
    device_id: str = ""
    platform: str = ""
    name: str = ""
    capabilities: Capabilities = Capabilities()
    ready: bool = False
    connected_at: int = 0
    last_activity: int = 0


@frozen(kw_only=True)
class Auth:
    token: str


@frozen(kw_only=True)
class Ready:
    device: Device
    capabilities: Capabilities = Capabilities()


@frozen(kw_only=True)
class CapabilitiesUpdate:
    """All the users of this connection; the last one said counts.  None for those said before."""

    users: tuple[AgentUser, ...] = ()
    platform: str = ""


@frozen(kw_only=True)
class Resume:
    """Instead of a new session the one that broke off, with what was queued for it."""

    session_token: str


@frozen(kw_only=True)
class Connected:
    """``session_token`` is for ``Resume``; a gateway that resumes nothing gives none."""

    session_id: str
    session_token: str | None = None
    authenticated: bool = True
    user_id: str = ""
    timestamp: int = 0


@frozen(kw_only=True)
class SessionResumed:
    """``disconnected_duration`` in milliseconds."""

    session_token: str
    queued_message_count: int = 0
    disconnected_duration: int = 0


@frozen(kw_only=True)
class Devices:
    devices: tuple[ConnectionInfo, ...] = ()


@frozen(kw_only=True)
class UserMessage:
    """From a device to an agent.  Sent again with the same ``id`` until an ``Ack`` comes."""

    id: str
    text: str
    target_user: str


@frozen(kw_only=True)
class UserMessageDelivery:
    """From the gateway to the agent's side, again with the same ``id`` until a ``DeliveryConfirmation`` comes.

    A gateway that gives no id delivers at most once.
    """

    text: str
    target_user: str
    id: str = ""
    sender: str = ""
    user_id: str = ""


@frozen(kw_only=True)
class DeliveryConfirmation:
    """``delivered`` only when the message is durable; ``reason`` otherwise.  ``message_id`` is that of the delivery."""

    message_id: str
    target_user: str = ""
    delivered: bool = True
    reason: str | None = None


@frozen(kw_only=True)
class Transcription:
    """What a device heard its user say; durations in seconds."""

    id: str
    text: str
    confidence: float | None = None
    duration: float | None = None
    is_final: bool = True
    language: str | None = None
    target_user: str | None = None
    device_id: str | None = None


@frozen(kw_only=True)
class Speak:
    """From an agent to the devices of its account, or to the one that is named."""

    id: str
    text: str
    voice: str | None = None
    speed: float | None = None
    wait_for_response: bool | None = None
    instructions: str | None = None
    device_id: str | None = None


@frozen(kw_only=True)
class Listen:
    """Durations in seconds."""

    id: str
    max_duration: float | None = None
    min_duration: float | None = None
    use_vad: bool | None = None
    language: str | None = None
    prompt: str | None = None
    device_id: str | None = None


@frozen(kw_only=True)
class Stop:
    target: Literal["tts", "stt", "all"] = "all"
    reason: str | None = None


@frozen(kw_only=True)
class Ack:
    id: str
    status: AckStatus
    error: str | None = None
    error_code: str | None = None


@frozen(kw_only=True)
class Heartbeat:
    timestamp: int = 0


@frozen(kw_only=True)
class HeartbeatAck:
    timestamp: int = 0


@frozen(kw_only=True)
class LinkError:
    """``code`` is PARSE_ERROR, INVALID_MESSAGE, MISSING_FIELD, INVALID_TYPE, UNKNOWN_TYPE, AUTH_REQUIRED,
    INVALID_TOKEN, SESSION_EXPIRED, SESSION_NOT_FOUND or one of the gateway's own."""

    code: str
    message: str


LinkMessage: TypeAlias = (
    Auth
    | Ready
    | CapabilitiesUpdate
    | Resume
    | Connected
    | SessionResumed
    | Devices
    | UserMessage
    | UserMessageDelivery
    | DeliveryConfirmation
    | Transcription
    | Speak
    | Listen
    | Stop
    | Ack
    | Heartbeat
    | HeartbeatAck
    | LinkError
)
