"""What a turn was made of.  In: the events of a conversation, and calls of agents and engines.  Out: when a turn is
over, its spans.

Attributes come from ``facts``, which know whether what was said may be among them.
"""

from __future__ import annotations

from attrs import define, field

from actors.errors import error_type
from actors.events import (
    BargedIn,
    Ducked,
    Event,
    ProviderChanged,
    StateChanged,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UtteranceRecorded,
    WentOn,
)
from actors.messages import (
    DeviceKind,
    Drafted,
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    Place,
    Service,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechEnded,
    SpeechStarted,
    Spoken,
    Transcribed,
    TurnId,
)

from .facts import AGENT, Facts
from .tree import ROOT, Tree
from .values import Attributes, Call, CallAnswered, CallBegan, CallEnded, Span, Value

TURN = "voicemode.turn"
LISTEN = "voicemode.listen"
SPEECH = "voicemode.user_speech"
RECORD = "voicemode.record"
STT = "voicemode.stt"
DRAFT = "voicemode.stt.draft"
TTS = "voicemode.tts"
PLAYBACK = "voicemode.playback"
BARGE_IN = "voicemode.barge_in"
HOLD = "voicemode.hold"
LOST = "voicemode.device_lost"
SPANS = (TURN, LISTEN, SPEECH, RECORD, STT, DRAFT, f"{STT}.engine", AGENT, TTS, f"{TTS}.engine", PLAYBACK)
ASIDE = (BARGE_IN, HOLD, LOST)


@define
class _Turn:
    number: TurnId
    tree: Tree
    open: dict[str, int] = field(factory=dict[str, int])
    """The span that is open of each name."""
    calls: dict[int, int] = field(factory=dict[int, int])


@define
class Stages:
    facts: Facts
    _turn: _Turn | None = None
    _lost: set[DeviceKind] = field(factory=set[DeviceKind])
    _places: dict[tuple[Service, str], Place] = field(factory=dict[tuple[Service, str], Place])
    _agents: dict[int, CallBegan] = field(factory=dict[int, CallBegan])
    """Those that are at work, perhaps beyond the turn in which they were asked."""

    def take(self, event: Event | Call, now: float) -> tuple[Span, ...]:
        """The spans of the turn that is over with this, the turn's own first; none while it goes on."""
        match event:
            case TurnStarted(turn=number, at=at):
                left = self.close(now)
                self._begin(number, at)
                return left
            case MicrophoneFailed(at=at) | SpeakerFailed(at=at):
                self._device("microphone" if isinstance(event, MicrophoneFailed) else "speaker", at, lost=True)
            case MicrophoneOpened(at=at) | SpeakerOpened(at=at):
                self._device("microphone" if isinstance(event, MicrophoneOpened) else "speaker", at, lost=False)
            case ProviderChanged(status=status):
                self._places[status.service, status.provider] = status.place
            case CallBegan() if event.kind == "agent":
                self._agents[event.number] = event
            case CallEnded(number=ended):
                self._agents.pop(ended, None)
            case _:
                pass
        turn = self._turn
        if turn is None:
            return ()
        match event:
            case TurnEnded(turn=number, at=at, result=result, raised=raised) if number == turn.number:
                return self._end(turn, at, raised, self.facts.of_result(result, failed=raised is not None))
            case TurnFailed(turn=number, at=at, error=error, service=service) if number == turn.number:
                if service == "stt":
                    self._close(turn, STT, at, error=error_type(error))
                return self._end(turn, at, error_type(error), self.facts.of_error(error))
            case CallBegan() | CallAnswered() | CallEnded():
                self._call(turn, event)
            case _:
                self._heard(turn, event)
                self._said(turn, event)
        return ()

    def close(self, now: float) -> tuple[Span, ...]:
        """Nothing more comes: a turn that is running ends here."""
        turn = self._turn
        return () if turn is None else self._end(turn, now, None, {"voicemode.turn.outcome": "abandoned"})

    def _begin(self, number: TurnId, at: float) -> None:
        tree = Tree(TURN, at)
        tree.note(ROOT, self.facts.of_turn(number))
        self._turn = turn = _Turn(number, tree)
        for device in sorted(self._lost):
            self._open(turn, f"{LOST}.{device}", at, name=LOST, attributes={"voicemode.device": device})
        for call in self._agents.values():
            key = self._agent(turn, call, at)
            tree.note(key, {"voicemode.continued": True})

    def _end(self, turn: _Turn, at: float, error: str | None, attributes: Attributes) -> tuple[Span, ...]:
        turn.tree.note(ROOT, attributes)
        self._turn = None
        return turn.tree.finish(at, error=error)

    def _heard(self, turn: _Turn, event: Event) -> None:
        tree = turn.tree
        match event:
            case StateChanged(state="listening", at=at) if LISTEN not in turn.open:
                self._open(turn, LISTEN, at)
            case StateChanged(state="idle" | "speaking" | "transcribing", at=at):
                self._close(turn, LISTEN, at)
            case SpeechStarted(at=at):
                self._close(turn, SPEECH, at)
                self._open(turn, SPEECH, at)
            case SpeechEnded(at=at, decided=decided):
                if SPEECH not in turn.open and at > tree.begin:
                    self._open(turn, SPEECH, tree.begin)
                self._close(turn, SPEECH, at, {"voicemode.endpoint.seconds": max(0.0, decided - at)})
            case MicrophoneClosed(at=at) | MicrophoneFailed(at=at):
                self._close(turn, SPEECH, at)
            case UtteranceRecorded(at=at, utterance=utterance):
                seconds = max(0.0, utterance.end - utterance.start)
                key = tree.open(RECORD, utterance.start, attributes={"voicemode.utterance.seconds": seconds})
                tree.close(key, at)
                self._open(turn, STT, at, attributes={"gen_ai.operation.name": "stt", "gen_ai.output.type": "text"})
            case Drafted(at=at, transcript=transcript):
                key = tree.open(
                    DRAFT,
                    at - transcript.seconds,
                    attributes=self.facts.asked("stt", transcript.engine, transcript.text),
                )
                tree.close(key, at)
            case Transcribed(at=at, transcript=transcript):
                said = self.facts.asked("stt", transcript.engine, transcript.text)
                failed = len(transcript.failures)
                self._close(turn, STT, at, {**said, **({"voicemode.failures": failed} if failed else {})})
            case _:
                pass

    def _said(self, turn: _Turn, event: Event) -> None:
        match event:
            case SpeakingStarted(at=at) if PLAYBACK not in turn.open:
                self._open(turn, PLAYBACK, at)
            case Spoken(at=at):
                complete = {"voicemode.spoken.samples": event.samples, "voicemode.spoken.complete": event.complete}
                self._close(turn, PLAYBACK, at, complete)
                self._close(turn, HOLD, at)
                self._close(turn, BARGE_IN, at)
            case Ducked(at=at, held=held):
                if HOLD not in turn.open:
                    self._open(turn, HOLD, at)
                turn.tree.note(turn.open[HOLD], {"voicemode.held": held})
            case WentOn(at=at):
                self._close(turn, HOLD, at, {"voicemode.false_interruption": True})
            case BargedIn(at=at, began=began):
                self._close(turn, HOLD, at)
                self._close(turn, BARGE_IN, at)
                self._open(turn, BARGE_IN, began, attributes={"voicemode.decision.seconds": max(0.0, at - began)})
            case _:
                pass

    def _call(self, turn: _Turn, event: Call) -> None:
        tree = turn.tree
        key = turn.calls.get(event.number)
        if isinstance(event, CallBegan):
            if key is not None:
                tree.note(key, {"voicemode.live": True})
            elif event.kind == "agent":
                self._agent(turn, event, event.at)
            else:
                self._engine(turn, event)
            return
        if key is None or not tree.is_open(key):
            return
        if isinstance(event, CallAnswered):
            first: dict[str, Value] = {} if event.name is None else {"gen_ai.provider.name": event.name}
            tree.note(key, {**first, "gen_ai.response.time_to_first_chunk": max(0.0, event.at - tree.begun(key))})
        else:
            tree.note(key, event.attributes)
            if event.cancelled:
                tree.note(key, {"voicemode.cancelled": True})
            tree.close(key, event.at, error=event.error)

    def _agent(self, turn: _Turn, call: CallBegan, at: float) -> int:
        attributes = {"gen_ai.operation.name": AGENT, "gen_ai.agent.name": call.name, **call.attributes}
        key = turn.tree.open(f"{AGENT} {call.name}", at, call=call.number, attributes=attributes)
        turn.calls[call.number] = key
        return key

    def _engine(self, turn: _Turn, call: CallBegan) -> None:
        """A sentence that is said, or one engine tried, below what it is tried for."""
        service = call.service or "tts"
        stage = STT if service == "stt" else TTS
        attributes = {**self.facts.asked(service, call.name, call.text), **call.attributes}
        if call.text is not None:
            attributes["voicemode.text.characters"] = len(call.text)
        place = self._places.get((service, call.name))
        if place is not None:
            attributes["voicemode.engine.place"] = place
        if call.kind == "speak":
            self._close(turn, TTS, call.at)
            key = self._open(turn, TTS, call.at, attributes=attributes)
        else:
            above = turn.open.get(stage, ROOT)
            above = above if turn.tree.is_open(above) else ROOT
            key = turn.tree.open(f"{stage}.engine", call.at, parent=above, attributes=attributes)
        turn.calls[call.number] = key

    def _device(self, device: DeviceKind, at: float, *, lost: bool) -> None:
        turn, slot = self._turn, f"{LOST}.{device}"
        (self._lost.add if lost else self._lost.discard)(device)
        if turn is not None and lost and slot not in turn.open:
            self._open(turn, slot, at, name=LOST, attributes={"voicemode.device": device})
        elif turn is not None and not lost:
            self._close(turn, slot, at)

    @staticmethod
    def _open(
        turn: _Turn, slot: str, at: float, *, name: str | None = None, attributes: Attributes | None = None
    ) -> int:
        turn.open[slot] = key = turn.tree.open(name or slot, at, attributes=attributes)
        return key

    @staticmethod
    def _close(
        turn: _Turn, slot: str, at: float, attributes: Attributes | None = None, *, error: str | None = None
    ) -> None:
        key = turn.open.pop(slot, None)
        if key is not None:
            turn.tree.note(key, attributes or {})
            turn.tree.close(key, at, error=error)
