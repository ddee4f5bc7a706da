"""The tool ``reply``: a text in, spoken by the user's devices elsewhere; what they answered out, if that was asked for.

It goes through ``voicemode connect up``, which holds the link.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from voicemode import Settings
from voicemode.connect.local import ask
from voicemode.connect.local_protocol import LONGEST_TEXT, Say

from .arguments import Arguments

PATIENCE = 40.0
"""Seconds that the user has for the answer, well within what clients allow a call."""

WORDS = {
    "said": "The device has said it.",
    "received": "The device has it.",
    "queued": "No device is there; the gateway keeps it for one.",
}


class ReplyArguments(Arguments):
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
    voice: Annotated[str, Meta(max_length=100)] = ""
    wait_for_response: Annotated[bool, Meta(description="Listen to the user afterwards")] = False


class ReplyAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``fate`` is said, received or queued; ``heard`` what the user answered."""

    fate: str
    listened: bool = False
    heard: str | None = None

    def in_words(self) -> str:
        if self.heard is not None:
            return f"The user answered: {self.heard}"
        done = WORDS.get(self.fate, "Done.")
        return f"{done} Nobody answered." if self.listened else done


async def reply(settings: Settings, given: ReplyArguments) -> ReplyAnswer:
    """Raises VoiceError when nothing holds the link, or no device is there."""
    wanted = Say(
        text=given.text,
        voice=given.voice or None,
        listen=given.wait_for_response,
        patience=PATIENCE,
    )
    answer = await ask(settings.base_dir, wanted)
    return ReplyAnswer(fate=answer.fate or "", listened=given.wait_for_response, heard=answer.heard)
