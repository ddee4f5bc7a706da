"""What a timeline shows: the events of a conversation go in, spans with a beginning and an end come out.

Nothing here draws.  Times stay seconds on the clock of the events.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field, frozen

from actors.events import (
    BargedIn,
    Chimed,
    Ducked,
    Event,
    Muted,
    ProviderChanged,
    ReplySpeculated,
    State,
    StateChanged,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UserAway,
    UserBack,
    UtteranceRecorded,
    WentOn,
)
from actors.messages import (
    Drafted,
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    PartlyTranscribed,
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
from actors.results import TurnResult

NEWS = 0.1
"""Seconds within which the dialogue learns that the user's speech is over; the turn's own figure counts up to there."""


@define
class Span:
    """From ``begin`` to ``end``; one that is not over yet ends where the story does."""

    begin: float
    end: float | None = None
    label: str = ""


@define
class Voiced(Span):
    """The user's speech; ``decided`` is when it was known to be over."""

    decided: float | None = None


@define
class Understood(Span):
    """From a whole utterance to its transcript, the label; ``spoken_until`` is where the user's speech ended."""

    spoken_until: float | None = None


@define
class Speaking(Span):
    """What left the speaker in one turn."""

    turn: TurnId = TurnId(0)
    heard: str = ""
    unheard: str = ""
    samples: int = 0


@define
class Held(Span):
    """The assistant was silent because somebody seemed to interrupt it."""

    turn: TurnId = TurnId(0)


@define
class TurnSpan(Span):
    turn: TurnId = TurnId(0)
    result: TurnResult | None = None


@frozen
class Piece:
    at: float
    text: str


@define
class Story:
    """Everything a timeline shows, each kind in the order it happened."""

    begin: float = 0.0
    end: float = 0.0
    turns: list[TurnSpan] = field(factory=list[TurnSpan])
    states: list[Span] = field(factory=list[Span])
    open: list[Span] = field(factory=list[Span])
    activity: list[SpeechActivity] = field(factory=list[SpeechActivity])
    voiced: list[Voiced] = field(factory=list[Voiced])
    utterances: list[Utterance] = field(factory=list[Utterance])
    understood: list[Understood] = field(factory=list[Understood])
    pieces: list[Piece] = field(factory=list[Piece])
    speaking: list[Speaking] = field(factory=list[Speaking])
    barges: list[BargedIn] = field(factory=list[BargedIn])
    held: list[Held] = field(factory=list[Held])

    @classmethod
    def of(cls, events: Sequence[Event]) -> Story:
        """Raises ValueError when nothing has happened."""
        moments = [moment for moment in map(_moment, events) if moment is not None]
        if not moments:
            raise ValueError("a timeline of no events")
        story = cls(begin=min(moments), end=max(moments))
        now = story.begin
        for event in events:
            now = max(now, _moment(event) or now)
            story.take(event, now)
        return story

    def until(self, span: Span) -> float:
        """Where ``span`` ends."""
        return self.end if span.end is None else span.end

    def take(self, event: Event, now: float) -> None:
        """``now`` places the events that carry no time of their own: it is the time of the event before."""
        match event:
            case TurnStarted():
                self.turns.append(TurnSpan(now, turn=event.turn))
            case TurnEnded() | TurnFailed():
                self._turn_over(event, now)
            case StateChanged():
                self._state(event.state, now)
            case MicrophoneOpened():
                self.open.append(Span(now))
            case MicrophoneClosed() | MicrophoneFailed():
                self._end(self.open, event.at)
                self._end(self.voiced, event.at)
            case SpeechActivity():
                self.activity.append(event)
            case SpeechStarted():
                self._end(self.voiced, event.at)
                self.voiced.append(Voiced(event.at))
            case SpeechEnded() if self.voiced:
                self.voiced[-1].end, self.voiced[-1].decided = event.at, event.decided
            case UtteranceRecorded():
                self.utterances.append(event.utterance)
                spoken_until = self.voiced[-1].end if self.voiced else None
                self.understood.append(Understood(now, spoken_until=spoken_until))
            case Transcribed():
                self._end(self.understood, now, event.transcript.text)
            case TextPiece():
                self.pieces.append(Piece(now, event.text))
            case SpeakingStarted():
                self.speaking.append(Speaking(event.at, turn=event.turn))
            case Spoken():
                self._spoken(event)
            case BargedIn():
                self.barges.append(event)
            case SpeechPaused() | SpeechResumed() | SpeechEnded():
                pass
            case Ducked(held=True):
                self.held.append(Held(event.at, turn=event.turn))
            case WentOn():
                self._end(self.held, event.at)
            case PartlyTranscribed() | Drafted() | ReplySpeculated() | Ducked() | UserAway() | UserBack():
                pass
            case SpeakerOpened() | SpeakerFailed() | Chimed() | Muted() | VoiceChanged() | ProviderChanged():
                pass

    def _turn_over(self, event: TurnEnded | TurnFailed, now: float) -> None:
        self._end(self.turns, now)
        self._end(self.understood, now)
        if self.turns and isinstance(event, TurnEnded):
            self.turns[-1].result = event.result

    def _state(self, state: State, now: float) -> None:
        if state == "transcribing" and self.voiced and now - (self.voiced[-1].decided or 0.0) < NEWS:
            self.voiced[-1].decided = now
        self._end(self.states, now)
        if state != "idle":
            self.states.append(Span(now, label=state))

    def _spoken(self, event: Spoken) -> None:
        self._end(self.held, event.at)
        speaking = self.speaking[-1] if self.speaking else None
        if speaking is not None and speaking.turn == event.turn and speaking.end is None:
            speaking.end, speaking.samples = event.at, event.samples
            speaking.heard, speaking.unheard = event.heard, event.text[len(event.heard) :]

    @staticmethod
    def _end(spans: Sequence[Span], at: float, label: str | None = None) -> None:
        if spans and spans[-1].end is None:
            spans[-1].end = max(at, spans[-1].begin)
            spans[-1].label = spans[-1].label if label is None else label


def _moment(event: Event) -> float | None:
    """When ``event`` was told, as far as it says so."""
    match event:
        case TextPiece():
            return None
        case SpeechEnded():
            return event.decided
        case _:
            return event.at
