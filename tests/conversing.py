"""A conversation in a room under a virtual clock: virtual devices, fake engines, and all that happens written down."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import voicemode
from actors.events import Event
from tests.fakes import FakeEars, FakeVoice
from tests.fakes_speech import LoudnessModel
from voicemode import Conversation, Settings, TurnPolicy
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_microphone import VirtualMicrophone
from voicemode.audio.virtual_speaker import VirtualSpeaker

WITHOUT_DRAFTS = Settings(turn=TurnPolicy(drafts=0))
"""Every turn waits for the whole hangover and then for the recogniser, so that its length can be foretold."""

GREETING = "one two three four five six seven eight."
"""Two seconds of the fake voice."""


class Room:
    """A microphone and a speaker, and what the speaker played."""

    def __init__(self) -> None:
        self.microphone: Any = VirtualMicrophone()
        self.played: list[tuple[float, bytes, int]] = []
        self.speaker: Any = VirtualSpeaker(self.sink)

    def sink(self, at: float, pcm: bytes, rate: int) -> None:
        self.played.append((at, pcm, rate))

    def silent_from(self) -> float:
        """When the last loud sample left the speaker."""
        return max(
            (
                at + (index + 1) / rate
                for at, pcm, rate in self.played
                for index, sample in enumerate(memoryview(pcm).cast("h"))
                if sample
            ),
            default=0.0,
        )


@asynccontextmanager
async def conversing(room: Room, **parts: Any) -> AsyncGenerator[Conversation]:
    settings = parts.pop("settings", WITHOUT_DRAFTS)
    defaults: dict[str, Any] = {"tts": FakeVoice(), "stt": FakeEars(), "vad": LoudnessModel(), "store": MemoryStore()}
    async with voicemode.open_conversation(
        settings, microphone=room.microphone, speaker=room.speaker, **(defaults | parts)
    ) as conversation:
        yield conversation


async def follow(conversation: Conversation, seen: list[Event]) -> None:
    async for event in conversation.events():
        seen.append(event)


def only(seen: list[Event], kind: type[Any]) -> Any:
    [event] = [event for event in seen if isinstance(event, kind)]
    return event
