"""What the dialogue is told and what it asks for: its inputs that no watcher sees, and its commands.

``BeginUtterance``, ``EndUtterance`` and ``DropUtterance`` travel on to the recorder; the other commands are carried out
by ``converse``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from attrs import field, frozen

from .errors import VoiceError
from .messages import (
    Chime,
    Drafted,
    DraftId,
    MicrophoneFailed,
    MicrophoneOpened,
    PartlyTranscribed,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechEvent,
    Spoken,
    StreamId,
    Transcribed,
    Transcript,
    TurnId,
    Utterance,
    VoiceChanged,
)
from .results import TurnResult


@frozen(kw_only=True)
class Evidence:
    """What can be told of the user's words before they have ended: whether there is a recogniser that makes ``drafts``,
    one that is ``live`` because it takes sound while it comes, and a model that judges the ``sound``; ``phrases`` are
    what they are expected to say, whole as they are."""

    drafts: bool = False
    live: bool = False
    sound: bool = False
    phrases: tuple[str, ...] = ()


@frozen(kw_only=True)
class Begin:
    """A turn is asked for: ``engine`` will say something unless it is None, then the user is listened to or not.

    With ``overhear`` the user can speak over the assistant even if nobody is going to listen afterwards.  With
    ``shown`` something is said without an engine: whoever watches reads it.
    """

    turn: TurnId
    engine: str | None
    listen: bool
    overhear: bool = False
    keep: bool = False
    shown: bool = False
    evidence: Evidence = field(factory=Evidence)


@frozen
class Button:
    """Somebody pressed it during ``turn``, which may be over by now; None means whichever is running."""

    turn: TurnId | None = None


@frozen
class Interrupt(Button):
    """The assistant stops, the turn goes on to listen."""


@frozen
class EndTurn(Button):
    """What the user has said until now is all they say this time."""


@frozen
class Stop(Button):
    """The turn ends now, with what there is, as soon as the account of it is complete."""


@frozen
class Abandon:
    """Whoever asked for the turn is gone: it ends at once, complete or not, and nobody is listened to any more."""


@frozen
class Again(Button):
    """The assistant says again what it said last."""


@frozen(kw_only=True)
class Typed:
    """The user wrote ``text`` instead of saying it, while ``turn`` ran; between two turns it is None."""

    turn: TurnId | None
    text: str = field(repr=False)


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


@frozen(kw_only=True)
class DraftFailed:
    """There is no transcript of what the user had said until then; they may have gone on since."""

    turn: TurnId
    draft: DraftId
    error: VoiceError


@frozen(kw_only=True)
class TurnJudged:
    """How likely it is, by its sound, that the user was done where ``draft`` ends; None when that cannot be told."""

    turn: TurnId
    draft: DraftId
    probability: float | None


Input: TypeAlias = (
    Begin
    | Interrupt
    | EndTurn
    | Again
    | Stop
    | Abandon
    | Typed
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
    | PartlyTranscribed
    | Drafted
    | DraftFailed
    | TurnJudged
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


@frozen
class Duck:
    """Lower the assistant's voice at once to ``gain``, its share of its level: somebody may be interrupting."""

    turn: TurnId
    gain: float


@frozen
class Hold:
    """Silence the assistant's voice at once, and keep what it had still to say."""

    turn: TurnId


@frozen
class GoOn:
    """The assistant goes on where it was ducked or held, at its full level."""

    turn: TurnId


@frozen
class FinishSentence:
    """The assistant says the sentence it is in and no more."""

    turn: TurnId


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
class Follow:
    """Let the recogniser have the utterance while it is said, for a draft that ends later."""

    turn: TurnId
    draft: DraftId


@frozen
class Draft:
    """Have transcribed, and judged by its sound, what the user has said ``until`` now: they may be done."""

    turn: TurnId
    draft: DraftId
    until: float


@frozen
class DropDraft:
    """The user has gone on, so that draft is of no use any more."""

    draft: DraftId


@frozen
class Understood:
    """The latest draft is the transcript of ``utterance``, whole as it is."""

    turn: TurnId
    utterance: Utterance
    transcript: Transcript


@frozen
class Repeat:
    """Say again what was said last, from its sound as far as that is there; ``Spoken`` follows in any case."""

    turn: TurnId


@frozen
class Settle:
    """The recording has been understood and is of no other use: it is kept or removed as the store is told to."""

    path: Path


@frozen
class TellAway:
    """Nobody has said a word ``since`` then."""

    turn: TurnId
    since: float


@frozen
class TellBack:
    """The user who was away speaks."""

    turn: TurnId


@frozen(kw_only=True)
class Expect:
    """The pause that began at ``pause`` is waited out ``until`` then."""

    stream: StreamId
    pause: float
    until: float


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
    OpenMicrophone
    | CloseMicrophone
    | Speak
    | Hush
    | Duck
    | Hold
    | GoOn
    | FinishSentence
    | RecorderOrder
    | Transcribe
    | Follow
    | Draft
    | DropDraft
    | Understood
    | Repeat
    | Settle
    | TellAway
    | TellBack
    | Expect
    | PlayChime
    | Finish
    | Fail
)
