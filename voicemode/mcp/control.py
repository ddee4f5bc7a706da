"""The tool ``control``: a button in, how the conversation stands afterwards out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from actors.errors import SettingsError

from .arguments import Arguments
from .converse import Converse
from .voice import Voice

if TYPE_CHECKING:
    from voicemode import Conversation

Button = Literal["status", "pause", "resume", "stop", "interrupt", "end_turn", "repeat", "skip_back", "skip_forward"]

BUTTONS: Mapping[Button, Callable[[Conversation], None]] = {
    "resume": lambda conversation: conversation.resume(),
    "interrupt": lambda conversation: conversation.interrupt(),
    "end_turn": lambda conversation: conversation.end_turn(),
    "repeat": lambda conversation: conversation.repeat(),
    "skip_back": lambda conversation: conversation.skip_back(),
    "skip_forward": lambda conversation: conversation.skip_forward(),
}


class ControlArguments(Arguments):
    action: Annotated[Button, Meta(description="end_turn: the user has said all")] = "status"


class ControlAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    state: str
    paused: bool = False
    note: str = ""

    def in_words(self) -> str:
        return f"{self.state}{', paused' if self.paused else ''}{f'. {self.note}' if self.note else ''}"


async def press(voice: Voice, converse: Converse, given: ControlArguments) -> ControlAnswer:
    """Raises SettingsError when there is no conversation whose button it could be."""
    conversation = voice.conversation
    if conversation is None:
        if given.action == "status":
            return ControlAnswer(state="idle")
        raise SettingsError("No conversation is running: converse begins one.")
    if given.action == "stop":
        await converse.stop()
        return ControlAnswer(state="stopped")
    note = ""
    if given.action == "pause":
        note = "" if converse.pause() else "Nothing is being said, so nothing was paused."
    elif given.action != "status":
        if converse.is_running or (given.action == "resume" and conversation.status().held):
            BUTTONS[given.action](conversation)
        else:
            note = "Nothing is running, so nothing was changed."
    status = conversation.status()
    return ControlAnswer(state=status.state, paused=status.held, note=note)
