"""What the dialogue is told and what it asks for: its inputs that no watcher sees, and its commands.

``BeginUtterance``, ``EndUtterance`` and ``DropUtterance`` travel on to the recorder; the other commands are carried out
by ``converse``.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from .errors import VoiceError
from .messages import (
    Chime,
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechEvent,
    Spoken,
    StreamId,
    Transcribed,
    TurnId,
    TurnResult,
    Utterance,
    VoiceChanged,
)


@frozen(kw_only=True)
class Begin:
    """A turn is asked for: ``engine`` will say something unless it is None, then the user is listened to or not.

    With ``overhear`` the user can speak over the assistant even if nobody is going to listen afterwards.
    """

    turn: TurnId
    engine: str | None
    listen: bool
    overhear: bool = False
    keep: bool = False


@frozen
class Interrupt:
    """Somebody pressed the button: the assistant stops, the turn goes on to listen."""


@frozen
class EndTurn:
    """Somebody pressed the button: what the user has said until now is all they say this time."""


@frozen
class Stop:
    """The turn ends now, with what there is, as soon as the account of it is complete."""


@frozen
class Abandon:
    """Whoever asked for the turn is gone: it ends at once, complete or not, and nobody is listened to any more."""


@frozen
class Tick:
    """The deadline has come."""


@frozen(kw_only=True)
class SpeakingFailed:
    """The assistant's words could not be had or said; the player's account follows or came before."""

    turn: TurnId
    error: VoiceError


@frozen(kw_only=True)
class TranscriptionFailed:
    turn: TurnId
    error: VoiceError


Input: TypeAlias = (
    Begin
    | Interrupt
    | EndTurn
    | Stop
    | Abandon
    | Tick
    | SpeechEvent
    | MicrophoneOpened
    | MicrophoneFailed
    | SpeakerOpened
    | SpeakerFailed
    | SpeakingStarted
    | Spoken
    | VoiceChanged
    | SpeakingFailed
    | Utterance
    | Transcribed
    | TranscriptionFailed
)


@frozen
class OpenMicrophone:
    stream: StreamId


@frozen
class CloseMicrophone:
    pass


@frozen
class Speak:
    turn: TurnId


@frozen
class Hush:
    """Stop the assistant's voice at once and whatever makes it; ``began`` is the barge-in's first voiced window."""

    turn: TurnId
    began: float | None


@frozen(kw_only=True)
class BeginUtterance:
    """Record from ``since`` on, which lies in the past."""

    number: int
    stream: StreamId
    since: float


@frozen(kw_only=True)
class EndUtterance:
    number: int
    until: float


@frozen
class DropUtterance:
    number: int


RecorderOrder: TypeAlias = BeginUtterance | EndUtterance | DropUtterance


@frozen
class Transcribe:
    turn: TurnId
    utterance: Utterance


@frozen
class PlayChime:
    """Mix a short sound into whatever is played; nobody waits for it."""

    turn: TurnId
    chime: Chime


@frozen
class Finish:
    result: TurnResult


@frozen
class Fail:
    turn: TurnId
    error: VoiceError


Command: TypeAlias = (
    OpenMicrophone | CloseMicrophone | Speak | Hush | RecorderOrder | Transcribe | PlayChime | Finish | Fail
)
