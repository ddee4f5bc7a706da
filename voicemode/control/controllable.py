"""What may be asked of a conversation from outside: its buttons, and how it stands.  None of it has any content."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias, get_args

from attrs import frozen

from actors.events import State

Command: TypeAlias = Literal[
    "pause",
    "resume",
    "stop",
    "skip_back",
    "skip_forward",
    "interrupt",
    "end_turn",
    "mute",
    "unmute",
    "repeat",
    "status",
]
COMMANDS: tuple[Command, ...] = get_args(Command)


@frozen(kw_only=True)
class ConversationStatus:
    """``turn`` is the number of the turn that runs, None between two; ``held`` whether what is said is paused.

    ``recent`` is how many of the assistant's latest utterances can be played once more.
    """

    state: State
    held: bool
    muted: bool
    turn: int | None
    recent: int


class Controllable(Protocol):
    """No method blocks.  What cannot be done at the moment does nothing, or raises a VoiceError that says why."""

    @property
    def muted(self) -> bool: ...

    def status(self) -> ConversationStatus: ...

    def pause(self) -> object: ...

    def resume(self) -> object: ...

    def stop(self) -> object: ...

    def skip_back(self) -> object: ...

    def skip_forward(self) -> object: ...

    def interrupt(self) -> object: ...

    def end_turn(self) -> object: ...

    def mute(self, muted: bool = True) -> object: ...

    def repeat(self) -> object: ...
