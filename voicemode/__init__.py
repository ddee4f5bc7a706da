"""A voice layer for agents: speak over it and it stops at once, and it knows exactly what you heard.

    async with voicemode.open_conversation(settings) as conversation:
        result = await conversation.converse("What shall I do next?")

General layout: ``session`` wires the actors into one nursery and is the only file that knows all of them;
``conversation`` is the public face; ``audio`` and ``speech`` hold the adapters for devices and engines; ``cli`` and
``script`` are front ends and use nothing but what is named here.  Who brings their own finds what it has to do in
``ports``, help with it in ``devices`` and ``engines``, and whether it does it in ``promises``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.errors import (
        AudioFileError as AudioFileError,
        DeviceError as DeviceError,
        DeviceLost as DeviceLost,
        FloorBusy as FloorBusy,
        InboxError as InboxError,
        ProviderError as ProviderError,
        ProviderRefused as ProviderRefused,
        ProviderUnavailable as ProviderUnavailable,
        ScriptError as ScriptError,
        SettingsError as SettingsError,
        VoiceError as VoiceError,
    )
    from actors.events import Event as Event
    from actors.machines.barge_in import BargeInPolicy as BargeInPolicy
    from actors.machines.endpointer import EndpointPolicy as EndpointPolicy
    from actors.machines.policy import TurnPolicy as TurnPolicy
    from actors.messages import Message as Message
    from actors.ports import Agent as Agent
    from actors.results import TurnResult as TurnResult

    from .connect.messaging import deliver_message as deliver_message
    from .conversation import Conversation as Conversation
    from .session import open_conversation as open_conversation
    from .settings import Settings as Settings

_WHERE = {
    "AudioFileError": "actors.errors",
    "DeviceError": "actors.errors",
    "DeviceLost": "actors.errors",
    "FloorBusy": "actors.errors",
    "InboxError": "actors.errors",
    "ProviderError": "actors.errors",
    "ProviderRefused": "actors.errors",
    "ProviderUnavailable": "actors.errors",
    "ScriptError": "actors.errors",
    "SettingsError": "actors.errors",
    "VoiceError": "actors.errors",
    "Event": "actors.events",
    "BargeInPolicy": "actors.machines.barge_in",
    "EndpointPolicy": "actors.machines.endpointer",
    "TurnPolicy": "actors.machines.policy",
    "Message": "actors.messages",
    "TurnResult": "actors.results",
    "Agent": "actors.ports",
    "deliver_message": ".connect.messaging",
    "Conversation": ".conversation",
    "open_conversation": ".session",
    "Settings": ".settings",
}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """What is named above is imported when it is asked for: who only presses a button needs nothing of audio."""
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_WHERE[name], __name__), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_WHERE})
