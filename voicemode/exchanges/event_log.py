"""The phases of turns, for whoever looks for what took long.  In: the events of a conversation.  Out: a line for each
phase, in VoiceMode 8's words where it has one.

A turn is what VoiceMode calls a tool's request.  What is said is in it only where transcripts are kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from attrs import asdict, define, field

from actors.errors import ProviderError, VoiceError
from actors.events import BargedIn, Event, State, StateChanged, TurnEnded, TurnFailed, TurnStarted, UtteranceRecorded
from actors.messages import SpeakingStarted, Spoken, Transcribed, VoiceChanged
from actors.results import TurnResult

from .exchange import writable
from .scribe import Clock, reasons


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """``data`` has times in milliseconds."""

    timestamp: datetime
    event_type: str
    session_id: str
    data: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


@define
class EventLog:
    """With ``texts`` what was said is logged as well."""

    session: str
    clock: Clock
    texts: bool = False
    _state: State = field(default="idle", init=False)

    def event(self, at: float, kind: str, **data: Any) -> LoggedEvent:
        known = {name: value for name, value in data.items() if value is not None}
        return LoggedEvent(timestamp=self.clock(at), event_type=kind, session_id=self.session, data=known)

    def take(self, event: Event) -> list[LoggedEvent]:
        match event:
            case TurnStarted(turn=turn, at=at):
                return [self.event(at, "TOOL_REQUEST_START", turn=turn)]
            case StateChanged(turn=turn, at=at, state=state):
                self._state = state
                kind = {"speaking": "TTS_START", "hearing": "RECORDING_START"}.get(state)
                return [] if kind is None else [self.event(at, kind, turn=turn)]
            case SpeakingStarted(turn=turn, at=at):
                return [self.event(at, "TTS_PLAYBACK_START", turn=turn)]
            case Spoken(turn=turn, at=at, complete=complete):
                said = self._text(event.heard)
                return [self.event(at, "TTS_PLAYBACK_END", turn=turn, complete=complete, text=said)]
            case BargedIn(turn=turn, at=at, began=began):
                return [self.event(at, "BARGE_IN", turn=turn, decided_ms=_milliseconds(at - began))]
            case VoiceChanged(turn=turn, at=at, engine=engine, failures=failures):
                why = reasons(failures)
                return [self.event(at, "PROVIDER_SWITCH", turn=turn, service="tts", provider=engine, reason=why)]
            case UtteranceRecorded(turn=turn, at=at, utterance=utterance):
                lasted = _milliseconds(utterance.end - utterance.start)
                return [
                    self.event(utterance.end, "RECORDING_END", turn=turn, duration_ms=lasted),
                    self.event(at, "STT_START", turn=turn),
                ]
            case Transcribed():
                return self._transcribed(event)
            case TurnEnded(at=at, result=result, raised=raised):
                return self._ended(at, result, result.outcome if raised is None else "failed")
            case TurnFailed(turn=turn, at=at, error=error):
                return [
                    self.event(at, f"{self._failing(error)}_ERROR", turn=turn, **_fault(error)),
                    self.event(at, "TOOL_REQUEST_END", turn=turn, outcome="failed"),
                ]
            case _:
                return []

    def _transcribed(self, event: Transcribed) -> list[LoggedEvent]:
        transcript, turn = event.transcript, event.turn
        lines: list[LoggedEvent] = []
        if transcript.failures:
            why = reasons(transcript.failures)
            switch = {"service": "stt", "provider": transcript.engine, "reason": why}
            lines.append(self.event(event.at, "PROVIDER_SWITCH", turn=turn, **switch))
        kind = "STT_COMPLETE" if transcript.text.strip() else "STT_NO_SPEECH"
        taken = _milliseconds(transcript.seconds)
        said = self._text(transcript.text)
        return [*lines, self.event(event.at, kind, turn=turn, provider=transcript.engine, stt_ms=taken, text=said)]

    def _ended(self, at: float, result: TurnResult, outcome: str) -> list[LoggedEvent]:
        timings = {name: value for name, value in asdict(result.timings).items() if value is not None}
        lines: list[LoggedEvent] = []
        if result.utterance is not None:
            lines.append(self.event(at, "RECORDING_SAVED", turn=result.turn, file=writable(str(result.utterance))))
        return [*lines, self.event(at, "TOOL_REQUEST_END", turn=result.turn, outcome=outcome, **timings)]

    def _text(self, text: str) -> str | None:
        return writable(text.strip()) if self.texts else None

    def _failing(self, error: VoiceError) -> str:
        listening = error.recording is not None or self._state in {"listening", "hearing", "transcribing"}
        return "STT" if listening else "TTS"


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)


def _fault(error: VoiceError) -> dict[str, Any]:
    """Without the error's own sentence, which may quote what was said."""
    engine = {"provider": error.provider, "code": error.code} if isinstance(error, ProviderError) else {}
    return {"error": type(error).__name__, **engine}
