"""What whoever watches a conversation is told of it besides the actors' own messages: frozen values without behaviour.

Times are seconds on the Trio clock of the run.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import frozen

from .errors import VoiceError
from .messages import (
    Chime,
    Drafted,
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    PartlyTranscribed,
    Place,
    Service,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Spoken,
    TextPiece,
    Transcribed,
    TurnId,
    Utterance,
    VoiceChanged,
)
from .results import TurnResult


@frozen(kw_only=True)
class TurnStarted:
    turn: TurnId
    at: float


State: TypeAlias = Literal["idle", "speaking", "listening", "hearing", "transcribing"]


@frozen(kw_only=True)
class StateChanged:
    turn: TurnId
    at: float
    state: State


@frozen(kw_only=True)
class UtteranceRecorded:
    """An utterance is whole and on disk."""

    turn: TurnId
    at: float
    utterance: Utterance


@frozen(kw_only=True)
class BargedIn:
    """The user has spoken over the assistant for long enough; ``began`` is their first voiced window."""

    turn: TurnId
    at: float
    began: float


@frozen(kw_only=True)
class Chimed:
    """A short sound told the user how things stand."""

    turn: TurnId
    at: float
    chime: Chime


@frozen(kw_only=True)
class Muted:
    """The user's own switch: while ``muted`` only silence is heard of them, though the microphone stays open."""

    at: float
    muted: bool


Health: TypeAlias = Literal["unknown", "up", "trying", "down"]
"""Of an engine: never asked, works, is asked again after having been down, or is left alone for now."""


@frozen(kw_only=True)
class ProviderStatus:
    """What is known of an engine: ``since`` when its health is what it is, on the Trio clock.

    ``p50`` and ``p95`` are seconds to the first of an answer, None as long as there was none; ``error`` the last
    failure's sentence, None if none was, and ``waited`` the seconds until it; ``retry_at`` when it is asked again while
    it is down.
    """

    service: Service
    provider: str
    place: Place
    health: Health
    since: float
    calls: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    p50: float | None = None
    p95: float | None = None
    error: str | None = None
    waited: float = 0.0
    retry_at: float | None = None


@frozen(kw_only=True)
class ProviderChanged:
    """An engine was found to work, to be down, or to be back."""

    at: float
    status: ProviderStatus


@frozen(kw_only=True)
class WentOn:
    """What had ducked or held the assistant was no interruption: it goes on at the word where it was."""

    turn: TurnId
    at: float


@frozen(kw_only=True)
class UserAway:
    """Nobody has said a word ``since`` then, although the user was listened to."""

    turn: TurnId
    at: float
    since: float


@frozen(kw_only=True)
class UserBack:
    turn: TurnId
    at: float


@frozen(kw_only=True)
class Ducked:
    """Somebody may be interrupting: the assistant has lowered its voice, or with ``held`` fallen silent."""

    turn: TurnId
    at: float
    held: bool


@frozen(kw_only=True)
class TurnEnded:
    """``raised`` is what kind of error comes out of the call instead of the result, as an agent's own does; None where
    there is none, or the caller was cancelled."""

    turn: TurnId
    at: float
    result: TurnResult
    raised: str | None = None


@frozen(kw_only=True)
class TurnFailed:
    """``service`` is whose engine failed, None where it was something else."""

    turn: TurnId
    at: float
    error: VoiceError
    service: Service | None = None


Fate: TypeAlias = Literal["begun", "used", "dropped"]


@frozen(kw_only=True)
class ReplySpeculated:
    """The agent's answer to what the user had said in ``turn``, before it was certain that they were done: it was
    ``begun``, and later ``used``, or ``dropped`` because they went on.  The numbers are those of the talk until now."""

    turn: TurnId
    at: float
    fate: Fate
    begun: int
    used: int
    dropped: int


Event: TypeAlias = (
    TurnStarted
    | StateChanged
    | MicrophoneOpened
    | MicrophoneClosed
    | MicrophoneFailed
    | SpeakerOpened
    | SpeakerFailed
    | SpeechActivity
    | SpeechStarted
    | SpeechPaused
    | SpeechResumed
    | SpeechEnded
    | Ducked
    | WentOn
    | BargedIn
    | UserAway
    | UserBack
    | Chimed
    | Muted
    | SpeakingStarted
    | VoiceChanged
    | TextPiece
    | Spoken
    | UtteranceRecorded
    | PartlyTranscribed
    | Drafted
    | Transcribed
    | ProviderChanged
    | ReplySpeculated
    | TurnEnded
    | TurnFailed
)
"""All that a watcher of a conversation may see."""
