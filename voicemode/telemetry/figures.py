"""What is measured of a conversation.  In: its events, and calls of agents and engines.  Out: measured values.

Nothing of what was said can be in them.
"""

from __future__ import annotations

from attrs import define, field

from actors.errors import error_type
from actors.events import BargedIn, Ducked, Event, ReplySpeculated, TurnEnded, TurnFailed, TurnStarted, WentOn
from actors.messages import (
    DeviceKind,
    Drafted,
    MicrophoneFailed,
    MicrophoneOpened,
    ProviderFailure,
    Service,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechEnded,
    Spoken,
    TextPiece,
    Transcribed,
    Transcript,
    VoiceChanged,
)
from actors.results import TurnResult

from .catalogue import (
    AGENT,
    AGENT_FIRST,
    ANSWERED,
    BARGE_INS,
    DRAFTS,
    ENDPOINT,
    ENGINE,
    FAILOVERS,
    FALSE,
    FIRST,
    HEARD,
    HUSHED,
    KEPT,
    LOSSES,
    RECOVERED,
    REPLIES,
    SOUNDED,
    STOPPED,
    TURN,
    TURNS,
    Metric,
)
from .values import Call, CallAnswered, CallBegan, CallEnded, Measured, Value, measured

OPEN = 256
"""Calls that are followed at once; of more, which nobody ends, the oldest are forgotten."""


@define
class _Call:
    began: CallBegan
    who: str
    answered: bool = False


@define
class Figures:
    _turn_began: float = 0.0
    _text_at: float | None = None
    _sounded: bool = False
    _ended_at: float | None = None
    """When the user's last words had ended."""
    _asked_at: float | None = None
    """The same, of the turn before, as long as nothing has been heard in answer."""
    _barged: BargedIn | None = None
    _held_at: float | None = None
    """Since when the assistant has been silent, before it is decided whether it is interrupted."""
    _lost: set[DeviceKind] = field(factory=set[DeviceKind])
    _calls: dict[int, _Call] = field(factory=dict[int, _Call])
    _tried: set[Service] = field(factory=set[Service])
    """Services of which every engine that is tried is told, so that what a stage tells of them is told already."""
    _drafted: Transcript | None = None

    def take(self, event: Event | Call, now: float) -> list[Measured]:
        match event:
            case TurnStarted(at=at):
                self._turn_began, self._text_at, self._sounded, self._barged = at, None, False, None
                self._drafted = self._held_at = None
            case TextPiece():
                self._text_at = now if self._text_at is None else self._text_at
            case SpeakingStarted(at=at) if not self._sounded:
                return self._first_sound(at)
            case SpeechEnded(at=at, decided=decided):
                self._ended_at = at
                return [_wait(ENDPOINT, decided - at)]
            case BargedIn():
                self._barged = event
                return [measured(BARGE_INS, 1)]
            case Ducked(held=True, at=at):
                self._held_at = at
            case WentOn():
                self._held_at = None
                return [measured(FALSE, 1)]
            case Spoken(at=at) if self._barged is not None:
                barged, self._barged = self._barged, None
                silent = at if self._held_at is None else self._held_at
                return [_wait(STOPPED, silent - barged.began), _wait(HUSHED, silent - barged.at)]
            case Drafted(transcript=transcript):
                self._drafted = transcript
                return self._transcript(transcript)
            case Transcribed(transcript=transcript):
                return self._transcribed(transcript)
            case VoiceChanged(failures=failures):
                return _failovers(failures)
            case ReplySpeculated(fate=fate):
                return [measured(REPLIES, 1, voicemode__fate=fate)]
            case MicrophoneFailed() | SpeakerFailed():
                return self._device_lost("microphone" if isinstance(event, MicrophoneFailed) else "speaker")
            case MicrophoneOpened() | SpeakerOpened():
                self._lost.discard("microphone" if isinstance(event, MicrophoneOpened) else "speaker")
            case CallBegan() | CallAnswered() | CallEnded():
                return self._call(event)
            case TurnEnded(at=at, result=result, raised=raised):
                return self._ended(at, result, raised)
            case TurnFailed(at=at, error=error):
                self._asked_at = None
                outcome: dict[str, Value] = {"voicemode__turn__outcome": "failed", "error__type": error_type(error)}
                kept = [measured(KEPT, 1)] if error.recording is not None else []
                return [_wait(TURN, at - self._turn_began, **outcome), measured(TURNS, 1, **outcome), *kept]
            case _:
                pass
        return []

    def _first_sound(self, at: float) -> list[Measured]:
        self._sounded = True
        text, asked = self._text_at, self._asked_at
        self._asked_at = None
        waits = [_wait(SOUNDED, at - text)] if text is not None else []
        return waits if asked is None else [*waits, _wait(ANSWERED, at - asked)]

    def _ended(self, at: float, result: TurnResult, raised: str | None) -> list[Measured]:
        outcome: dict[str, Value | None] = {
            "voicemode__turn__outcome": result.outcome if raised is None else "failed",
            "error__type": raised,
        }
        self._asked_at = self._ended_at if result.transcript else None
        self._ended_at = None
        found = [
            _wait(TURN, at - self._turn_began, **outcome),
            measured(TURNS, 1, **outcome),
        ]
        heard = result.timings.speech_end_to_transcript_ms
        if heard is not None:
            found.append(_wait(HEARD, heard / 1000, voicemode__engine=result.engines.stt))
        made = result.speculation
        fates = {"wasted": made.wasted, "used": int(made.used)}
        fates["superseded"] = max(0, made.drafts - sum(fates.values()))
        found += [measured(DRAFTS, count, voicemode__fate=fate) for fate, count in fates.items() if count]
        return found

    def _transcribed(self, transcript: Transcript) -> list[Measured]:
        found = _failovers(transcript.failures)
        if transcript.failures:
            found.append(measured(RECOVERED, 1))
        return found if transcript == self._drafted else [*found, *self._transcript(transcript)]

    def _transcript(self, transcript: Transcript) -> list[Measured]:
        if "stt" in self._tried:
            return []
        about: dict[str, Value] = {"voicemode__service": "stt", "voicemode__engine": transcript.engine}
        return [
            _wait(ENGINE, transcript.seconds, voicemode__outcome="answered", **about),
            _wait(FIRST, transcript.seconds, **about),
        ]

    def _device_lost(self, device: DeviceKind) -> list[Measured]:
        if device in self._lost:
            return []
        self._lost.add(device)
        return [measured(LOSSES, 1, voicemode__device=device)]

    def _call(self, event: Call) -> list[Measured]:
        if isinstance(event, CallBegan):
            if event.kind == "engine" and event.service is not None:
                self._tried.add(event.service)
            self._calls[event.number] = _Call(event, event.name)
            if len(self._calls) > OPEN:
                del self._calls[next(iter(self._calls))]
            return []
        call = self._calls.get(event.number)
        if call is None:
            return []
        if isinstance(event, CallAnswered):
            call.who = event.name or call.who
            first, call.answered = not call.answered, True
            return _told(call, self._tried, FIRST, AGENT_FIRST, event.at) if first else []
        del self._calls[event.number]
        outcome = "cancelled" if event.cancelled else "answered" if event.error is None else "failed"
        return _told(call, self._tried, ENGINE, AGENT, event.at, voicemode__outcome=outcome, error__type=event.error)


def _told(
    call: _Call, tried: set[Service], engine: Metric, agent: Metric, at: float, **attributes: Value | None
) -> list[Measured]:
    began = call.began
    if began.kind == "agent":
        return [_wait(agent, at - began.at, gen_ai__agent__name=call.who, **attributes)]
    if began.kind == "speak" and began.service in tried:
        return []
    about: dict[str, Value | None] = {"voicemode__service": began.service, "voicemode__engine": call.who}
    return [_wait(engine, at - began.at, **about, **attributes)]


def _wait(metric: Metric, seconds: float, **attributes: Value | None) -> Measured:
    """What is over before it began, by a device's clock that is not ours, took no time."""
    return measured(metric, max(0.0, seconds), **attributes)


def _failovers(failures: tuple[ProviderFailure, ...]) -> list[Measured]:
    return [
        measured(FAILOVERS, 1, voicemode__service=each.service, voicemode__engine=each.provider, error__type=each.code)
        for each in failures
    ]
