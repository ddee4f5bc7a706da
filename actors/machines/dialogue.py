"""The dialogue: everything that happens in a conversation goes in, what is to be done about it comes out.

Rule 1: every decision about a turn is made here, interruption and natural completion included, so that they cannot
disagree.  Rule 2: a turn that was begun yields exactly one ``Finish`` or ``Fail``, whatever happens to it.

Theory of operation.  A turn has two sides that run beside each other.  The assistant is silent, talking, or hushed
(told to stop, its account still to come); the user is quiet, voicing, or has ended and is being transcribed.  What the
user says over the assistant is recorded from its first sample but *uncommitted*: either it turns out to be meant (by
how long it lasts or by its words, or because the assistant ends first) and the assistant is hushed, or it falls silent
and is dropped; meanwhile the assistant is ducked or held.  The turn is over when the assistant's account is in and the
user has been understood or waited for in vain.

At every pause of the user a *draft* of their words is asked for.  If they go on it is dropped; if not it is the
transcript, already there.  What it says and how it sounds decides how long the pause is waited out.

With ``keep`` the microphone stays open from turn to turn.  What is said between the end of one utterance and the
beginning of the next turn is recorded as that turn's utterance, so that nothing falls between two turns.

A microphone that is lost is opened again and again while it is wanted.  What it had heard of a meant utterance is the
utterance.  A turn waits for a device only while it needs it, and then not for ever.
"""

from __future__ import annotations

from attrs import define, field

from ..events import State
from ..messages import (
    Drafted,
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Spoken,
    StreamId,
    Transcribed,
    TurnId,
    Utterance,
    VoiceChanged,
)
from ..orders import (
    Abandon,
    Again,
    Begin,
    Button,
    Command,
    DraftFailed,
    EndTurn,
    Fail,
    Finish,
    Input,
    Interrupt,
    Speak,
    SpeakingFailed,
    Stop,
    TellAway,
    Tick,
    TranscriptionFailed,
    TurnJudged,
    Typed,
)
from ..results import Engines, Presumed
from .bounds import Bounds, due
from .hearing import Hearing
from .listening import Listening
from .losses import Losses
from .obeying import Obeying
from .policy import TurnPolicy
from .turn import Turn


@define
class Dialogue:
    """Feed it; do what it says; wake it with ``Tick`` at ``deadline``."""

    policy: TurnPolicy = field(factory=TurnPolicy)
    _turn: Turn | None = field(default=None, init=False)
    _hearing: Hearing = field(init=False)
    _losses: Losses = field(init=False)
    _listening: Listening = field(init=False)
    _obeying: Obeying = field(init=False)
    _commands: list[Command] = field(factory=list[Command], init=False)

    def __attrs_post_init__(self) -> None:
        self._hearing = Hearing(self.policy, self._commands)
        self._losses = Losses(self.policy.device_wait)
        self._listening = Listening(self._commands, self._hearing, self._losses)
        self._obeying = Obeying(self._commands, self._hearing, self._listening)

    @property
    def state(self) -> State:
        turn = self._turn
        if turn is None:
            return "idle"
        if turn.understood and turn.typed is None:
            return "transcribing"
        held = turn.ducked_since is not None and self.policy.barge_in.holds
        if turn.voice is not None and (turn.voice.meant or held):
            return "hearing"
        return "speaking" if turn.talking else "listening"

    @property
    def turn(self) -> TurnId | None:
        """The turn that runs."""
        return None if self._turn is None else self._turn.id

    @property
    def talking(self) -> bool:
        """Whether the assistant's account of what it says is still to come."""
        return self._turn is not None and self._turn.talking

    @property
    def presumed(self) -> Presumed | None:
        """What the user has said, if they look done; they may go on all the same."""
        return None if self._turn is None else self._turn.presumed(self.policy.spoken)

    @property
    def stream(self) -> StreamId | None:
        """The opening of the microphone that counts; what is heard in any other is stale."""
        return self._listening.stream

    @property
    def deadline(self) -> float | None:
        """When ``Tick`` is due, in the caller's time; None while there is nothing to wait for."""
        return self._bounds.first

    @property
    def _bounds(self) -> Bounds:
        return Bounds.of(self._turn, self._losses, self.policy, self._listening.presence.quiet_since)

    def adopt(self, policy: TurnPolicy) -> None:
        """Keep to ``policy`` from the next turn on.  Raises RuntimeError while a turn is running."""
        if self._turn is not None:
            raise RuntimeError("the bounds of a turn cannot change while it is running")
        self.policy = policy
        self._losses.wait = policy.device_wait
        self._hearing.adopt(policy)

    def feed(self, event: Input, now: float) -> list[Command]:
        """Take note of ``event``, which happened by ``now``.

        Events of earlier turns and of earlier openings of the microphone are stale and change nothing.  Raises
        RuntimeError for a ``Begin`` while a turn is running.
        """
        match event:
            case Begin():
                self._begin(event, now)
            case SpeechActivity() | SpeechStarted() | SpeechPaused() | SpeechResumed() | SpeechEnded():
                if event.stream == self._listening.stream:
                    self._speech(event, now)
            case MicrophoneOpened() if event.stream == self._listening.stream:
                self._listening.opened(self._turn, event)
            case MicrophoneFailed() if event.stream == self._listening.stream:
                self._listening.failed(self._turn, event, now)
            case SpeakerOpened():
                self._losses.back("speaker", event.at)
            case SpeakerFailed():
                self._losses.lost("speaker", event.at, event.error)
            case Tick():
                self._tick(now)
            case Utterance():
                self._recorded(event, now)
            case _:
                self._of_turn(event, now)
        self._obeying.obey(self._turn, self.policy.spoken, self.policy.rest, now)
        self._settle(now)
        commands = list(self._commands)
        self._commands.clear()
        return commands

    def _begin(self, event: Begin, now: float) -> None:
        if self._turn is not None:
            raise RuntimeError("a turn is running; wait for its result or stop it first")
        turn = self._turn = Turn(
            id=event.turn,
            began=now,
            listen=event.listen,
            keep=event.keep,
            talking=event.engine is not None or event.shown,
            evidence=event.evidence,
            engines=Engines(tts=event.engine),
        )
        self._losses.begin()
        if self._listening.stream is None:
            self._listening.presence.quiet(now)
        if (event.listen or event.overhear) and self._losses.retry_at is None:
            self._listening.open()
        between = self._hearing.between
        if self._hearing.typed is not None:
            turn.voice, self._hearing.between = between, None
            self._hearing.take_written(turn)
            self._listening.spoke(turn, now)
        elif between is not None and (not turn.talking or between.meant):
            turn.forestalled()
            self._obeying.take_up(turn, between, now)
        elif turn.talking:
            turn.voice, self._hearing.between = between, None
            self._listening.taken()
            self._commands.append(Speak(turn.id))
        else:
            turn.listening_since = now
            self._listening.invite(turn)

    def _speech(self, event: SpeechEvent, now: float) -> None:
        turn = self._turn
        ended = self._hearing.speech(turn, event, now)
        if turn is not None and turn.voice is not None and turn.voice.meant:
            self._listening.spoke(turn, now)
        if ended and turn is not None:
            self._listening.ended(turn)
            self._listening.chime(turn, "captured")

    def _recorded(self, utterance: Utterance, now: float) -> None:
        turn = self._turn
        if self._hearing.between is not None and self._hearing.between.number == utterance.number:
            self._hearing.between.utterance = utterance
        elif turn is not None and turn.voice is not None and turn.voice.number == utterance.number:
            turn.voice.utterance = utterance
            if not turn.keep:
                self._listening.close()
            self._hearing.transcribe(turn, turn.voice, utterance, now)

    def _of_turn(self, event: Input, now: float) -> None:
        turn = self._turn
        if turn is None:
            if isinstance(event, Abandon):
                self._hearing.forget_between()
                self._listening.close()
            elif isinstance(event, Typed):
                self._hearing.written(None, event.text)
            return
        if isinstance(event, Button) and event.turn not in {None, turn.id}:
            return
        match event:
            case Interrupt():
                turn.interrupted = turn.interrupted or turn.talking
                self._commands += turn.hush(None)
            case EndTurn():
                self._end_of_turn(turn, now)
            case Typed() if not turn.stopped and (event.turn == turn.id or turn.keep):
                self._hearing.written(turn, event.text)
                self._listening.spoke(turn, now)
            case Again():
                if turn.awaits_user:
                    self._obeying.say_again(turn)
            case Stop():
                turn.stopped = True
                self._commands += turn.hush(None)
                self._listening.cut(turn, now)
                self._listening.close()
            case Abandon():
                turn.stopped = turn.abandoned = True
                self._commands += turn.hush(None)
                self._listening.cut(turn, now)
            case SpeakingStarted() if event.turn == turn.id:
                turn.sounded(event.at)
            case VoiceChanged() if event.turn == turn.id:
                turn.voice_changed(event)
            case Spoken() if event.turn == turn.id and turn.talking:
                self._assistant_done(turn, event, now)
            case SpeakingFailed() | TranscriptionFailed() if event.turn == turn.id:
                turn.error = event.error
                if not turn.talking:
                    self._listening.cut(turn, now)
            case Transcribed() if event.turn == turn.id and turn.voice is not None:
                turn.transcribed(turn.voice, event.transcript, now)
            case Drafted() | DraftFailed() | TurnJudged() if event.turn == turn.id:
                self._hearing.told(turn, event, self._listening.stream, now)
            case _:
                pass

    def _assistant_done(self, turn: Turn, spoken: Spoken, now: float) -> None:
        turn.accounted(spoken, now)
        self._listening.presence.quiet(now)
        if turn.voice is not None and turn.voice.ended is None and not turn.voice.meant:
            if (answered := self._hearing.answered(turn, turn.voice, now)) is not None:
                turn.voice.meant = True
                self._listening.spoke(turn, now)
                self._listening.end(turn, turn.voice, answered)
                self._listening.chime(turn, "captured")
            elif turn.listen and turn.voice.quiet_since is None:
                self._hearing.mean(turn, turn.voice, self._listening.stream)
            else:
                self._hearing.drop(turn, turn.voice)
        if turn.error is not None or turn.stopped:
            self._listening.cut(turn, now)
        self._listening.invite(turn)

    def _tick(self, now: float) -> None:
        turn, bounds = self._turn, self._bounds
        if turn is not None and due(bounds.microphone, now):
            turn.error = self._losses.failure("microphone")
        elif turn is not None and due(bounds.speaker, now):
            turn.error = self._losses.failure("speaker")
            self._commands += turn.hush(None)
        else:
            if turn is not None and due(bounds.away, now):
                self._commands.append(TellAway(turn.id, self._listening.presence.missed()))
            if turn is not None and due(bounds.undecided, now):
                self._hearing.decide(turn, now)
            if turn is not None and due(bounds.user, now):
                self._end_of_turn(turn, now)
            if due(bounds.retry, now):
                self._listening.open()

    def _end_of_turn(self, turn: Turn, now: float) -> None:
        """That was all the user says this time, also if it was nothing, or they have rested long enough."""
        if turn.rests_until is not None:
            turn.rests_until, turn.listening_since = None, now
            self._listening.presence.quiet(now)
            self._listening.open()
            self._listening.invite(turn)
        elif turn.voice is not None and turn.voice.meant and turn.voice.ended is None:
            self._listening.cut(turn, now)
            self._listening.chime(turn, "captured")
        elif turn.awaits_user:
            turn.gave_up = True
            if not turn.keep:
                self._listening.chime(turn, "done")

    def _settle(self, now: float) -> None:
        """End the turn if nothing is left to wait for."""
        turn = self._turn
        if turn is None or not (turn.abandoned or turn.complete):
            return
        self._turn = None
        if not turn.keep or turn.stopped or turn.error is not None:
            self._hearing.forget_between()
            self._listening.close()
        if turn.error is not None and not turn.stopped:
            self._commands.append(Fail(turn.id, turn.failure(turn.error)))
        else:
            self._commands.append(Finish(turn.result(now, self._losses.account(turn.began))))
