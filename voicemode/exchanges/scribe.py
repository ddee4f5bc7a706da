"""What both sides said, from what happened.  In: the events of a conversation.  Out: an exchange for each thing said.

It touches no file and reads no clock: whoever has both gives it the moments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import define, field, frozen

from actors.account import SpokenText
from actors.events import Event, ProviderChanged, TurnEnded, TurnFailed, TurnStarted, UtteranceRecorded
from actors.messages import Place, ProviderFailure, Service, SpeakingStarted, SpeechStarted, Spoken, TurnId
from actors.results import Timings, TurnResult

from .exchange import Exchange, Side, writable

Clock: TypeAlias = Callable[[float], datetime]
"""When a moment of the Trio clock was, in the zone of this machine."""

About: TypeAlias = Callable[[Service, str], Mapping[str, str]]

STARTS = 64
"""Of the user's voice, since what they said last, that are remembered: more are noise."""


@frozen(kw_only=True)
class Occasion:
    """What is the same for all that is said in one conversation.

    ``rate`` is that of the assistant's sound in Hz.
    """

    conversation: str
    project: str | None
    version: str
    voice: str | None = None
    transport: str = "local"
    rate: int = 16_000


@define
class _Turn:
    began: float = 0.0
    speaking: float | None = None
    spoken: Spoken | None = None
    samples: int = 0
    listening: float | None = None
    """When what the user said last began."""
    listened: float | None = None
    """How many seconds of it were recorded."""


@define
class Scribe:
    """``about`` says what is known of an engine besides its name."""

    occasion: Occasion
    clock: Clock
    about: About = lambda _, __: {}
    _turn: _Turn = field(factory=_Turn)
    _voiced: deque[float] = field(factory=lambda: deque[float](maxlen=STARTS))
    _places: dict[tuple[Service, str], Place] = field(factory=dict[tuple[Service, str], Place])

    def take(self, event: Event) -> list[Exchange]:
        """What has been said when a turn is over, the assistant's first."""
        turn = self._turn
        match event:
            case TurnStarted(at=at):
                self._turn = _Turn(began=at)
            case SpeakingStarted(at=at) if turn.speaking is None:
                turn.speaking = at
            case Spoken():
                turn.spoken = event
                turn.samples += event.samples
            case SpeechStarted(at=at):
                self._voiced.append(at)
            case UtteranceRecorded(utterance=utterance):
                # the recording begins earlier, with the silence before
                turn.listening = next((at for at in self._voiced if at >= utterance.start), utterance.start)
                turn.listened = utterance.end - utterance.start
                self._voiced.clear()
            case ProviderChanged(status=status):
                self._places[status.service, status.provider] = status.place
            case TurnEnded(at=at, result=result):
                return [*self._assistant(result.turn, result.spoken, result), *self._user(at, result)]
            case TurnFailed(turn=number) if turn.spoken is not None:
                spoken = turn.spoken
                heard = SpokenText(text=spoken.text, heard=spoken.heard, complete=spoken.complete)
                return [*self._assistant(number, heard, None)]
            case _:
                pass
        return []

    def _assistant(self, turn: TurnId, spoken: SpokenText, result: TurnResult | None) -> Iterable[Exchange]:
        heard = writable(spoken.heard.strip())
        if not heard:
            return
        begun = self._turn.began if self._turn.speaking is None else self._turn.speaking
        played = round(self._turn.samples / self.occasion.rate, 4) or None
        yield self._exchange(
            "tts",
            begun,
            heard,
            seconds=played,
            metadata={
                "voice": self.occasion.voice,
                "turn": turn,
                "outcome": "failed" if result is None else result.outcome,
                "complete": spoken.complete,
                "intended": None if spoken.complete else writable(spoken.text.strip()),
                "time_to_first_audio": _seconds(result, "first_sample_ms"),
                "playback_time": played,
            }
            | self._engine("tts", result),
        )

    def _user(self, at: float, result: TurnResult) -> Iterable[Exchange]:
        said = writable(result.transcript.strip())
        if not said:
            return
        typed = result.engines.stt is None
        began = at if typed or self._turn.listening is None else self._turn.listening
        yield self._exchange(
            "stt",
            began,
            said,
            seconds=None if typed else self._turn.listened,
            audio=None if result.utterance is None else str(result.utterance),
            metadata={
                "turn": result.turn,
                "outcome": result.outcome,
                "typed": typed or None,
                "transcription_time": _seconds(result, "stt_ms"),
                "endpoint_time": _seconds(result, "endpoint_ms"),
                "speech_end_to_transcript": _seconds(result, "speech_end_to_transcript_ms"),
                "barge_in_time": _seconds(result, "barge_in_ms"),
            }
            | self._engine("stt", result),
        )

    def _engine(self, service: Service, result: TurnResult | None) -> dict[str, Any]:
        if result is None:
            return {}
        engine = result.engines.tts if service == "tts" else result.engines.stt
        failures = [failure for failure in result.failures if failure.service == service]
        return {
            "provider": engine,
            "provider_type": None if engine is None else self._places.get((service, engine)),
            **({} if engine is None else self.about(service, engine)),
            "is_fallback": None if engine is None else bool(failures),
            "fallback_reason": reasons(failures) or None,
        }

    def _exchange(
        self,
        side: Side,
        began: float,
        text: str,
        *,
        seconds: float | None,
        metadata: Mapping[str, Any],
        audio: str | None = None,
    ) -> Exchange:
        known = {"voice_mode_version": self.occasion.version, "transport": self.occasion.transport, **metadata}
        return Exchange(
            timestamp=self.clock(began),
            conversation_id=self.occasion.conversation,
            type=side,
            text=text,
            project_path=self.occasion.project,
            audio_file=None if audio is None else writable(audio),
            duration_ms=None if seconds is None else round(1000 * seconds),
            metadata={name: value for name, value in known.items() if value is not None},
        )


def reasons(failures: Iterable[ProviderFailure]) -> str:
    """Who failed, and in a word how: the engines' own sentences may quote what was said."""
    return ", ".join(f"{failure.provider}: {failure.code}" for failure in failures)


def _seconds(result: TurnResult | None, name: str) -> float | None:
    timings = Timings() if result is None else result.timings
    milliseconds: float | None = getattr(timings, name)
    return None if milliseconds is None else round(milliseconds / 1000, 4)
