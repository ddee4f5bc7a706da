"""A voice layer for agents: speak over it and it stops at once, and it knows exactly what you heard.

    async with voicemode.open_conversation(settings) as conversation:
        result = await conversation.converse("What shall I do next?")

General layout: ``session`` wires the actors into one nursery and is the only file that knows all of them;
``conversation`` is the public face; ``audio`` and ``speech`` hold the adapters for devices and engines; ``cli`` and
``script`` are front ends and use nothing but what is named here.
"""

from actors.errors import (
    AudioFileError as AudioFileError,
    DeviceError as DeviceError,
    FloorBusy as FloorBusy,
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
from actors.messages import Message as Message, TurnResult as TurnResult
from actors.ports import Agent as Agent

from .conversation import Conversation as Conversation
from .session import open_conversation as open_conversation
from .settings import Settings as Settings
