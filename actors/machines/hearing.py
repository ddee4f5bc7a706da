"""The user's side of the dialogue: what is said, whether it is meant, and when it is over.

In: speech events, drafts of the words and judgements of their sound, with the turn they fall into.  Out: commands to
record, to draft, to wait, and to duck, hold or hush the assistant.
"""

from __future__ import annotations

from attrs import define, evolve, field

from ..messages import (
    Drafted,
    SpeechActivity,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    StreamId,
    Utterance,
)
from ..orders import (
    BeginUtterance,
    Command,
    DraftFailed,
    DropDraft,
    DropUtterance,
    Duck,
    EndUtterance,
    Evidence,
    Expect,
    FinishSentence,
    GoOn,
    Hold,
    Transcribe,
    TurnJudged,
    Understood,
)
from .backchannel import HUMS, backchannel
from .barge_in import BargeIn, Commit, Forget, Onset, Verdict
from .drafts import Drafts
from .finished import looks_finished
from .pauses import Pauses
from .policy import TurnPolicy
from .turn import Turn, milliseconds
from .voice import Voice

EAGER = 2.0
"""Seconds before the assistant's end within which a "yes" that did not interrupt it may have been the answer."""


def _after(before: str | None, text: str) -> str:
    return text if before is None else f"{before}\n{text}"


@define
class Hearing:
    """Appends to ``commands``.  ``between`` is what is said while no turn wants it: it belongs to the next, and so does
    ``typed``, what was written then.

    ``_latest`` is the end of the last window that was judged.
    """

    policy: TurnPolicy
    commands: list[Command]
    between: Voice | None = field(default=None, init=False)
    typed: str | None = field(default=None, init=False)
    _barge_in: BargeIn = field(init=False)
    _pauses: Pauses = field(factory=Pauses, init=False)
    _latest: float = field(default=0.0, init=False)
    _utterances: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._barge_in = BargeIn(self.policy.barge_in)

    def adopt(self, policy: TurnPolicy) -> None:
        self.policy = policy
        self._barge_in.policy = policy.barge_in

    def open(self) -> None:
        """The microphone is opened anew."""
        self._barge_in = BargeIn(self.policy.barge_in)

    def speech(self, turn: Turn | None, event: SpeechEvent, now: float) -> bool:
        """Whether the user has ended what they say in ``turn``."""
        if isinstance(event, SpeechActivity):
            self._latest = event.at
        between = turn is None or turn.understood
        voice = self.between if turn is None or between else turn.voice
        if turn is not None and not between and isinstance(event, SpeechStarted):
            self._forget_aside(turn, event.at)
            voice = turn.voice
        if isinstance(event, SpeechStarted | SpeechResumed) and voice is None:
            if isinstance(event, SpeechResumed):
                # who goes on after their words were cut off says something new
                self._barge_in.start_anew()
            voice = self._begin(None if between else turn, event)
        self._attend(None if between else turn, now)
        self._judge(turn, voice, self._barge_in.feed(event), now)
        if voice is None or voice.ended is not None:
            return False
        match event:
            case SpeechStarted() if turn is not None and voice is turn.voice and voice.quiet_since is not None:
                # who answers in passing and goes on does not show how long they pause
                voice.quiet_since = voice.pause = None
                self.commands += voice.resumed(turn.id, event.at, Evidence(), self._pauses)
            case SpeechStarted():
                voice.quiet_since = None
            case SpeechPaused() if turn is not None and not between:
                self._paused(turn, voice, event, now)
            case SpeechResumed() if turn is not None and not between:
                following = turn.evidence if voice.meant else Evidence()
                self.commands += voice.resumed(turn.id, event.at, following, self._pauses)
            case SpeechEnded():
                return self._fell_silent(None if between else turn, voice, event.at, now)
            case _:
                pass
        return False

    def told(self, turn: Turn, event: Drafted | DraftFailed | TurnJudged, stream: StreamId | None, now: float) -> None:
        """What was said up to a pause is known, or how it sounded, or that it cannot be known."""
        voice = turn.voice
        if voice is None or not voice.told(event):
            return
        if voice.ended is not None:
            if voice.utterance is not None and not isinstance(event, TurnJudged):
                self.transcribe(turn, voice, voice.utterance, now)
            return
        match event:
            case Drafted() if not voice.meant:
                self._judge(turn, voice, self._barge_in.told(event.transcript.text), now)
            case Drafted() if turn.talking and self._barge_in.stops(event.transcript.text):
                self.commands += turn.hush(voice.began)
            case DraftFailed() if not voice.meant:
                self._judge(turn, voice, self._barge_in.untold(), now)
            case _:
                pass
        self.expect(turn, voice, stream)

    def decide(self, turn: Turn, now: float) -> None:
        """The assistant has been ducked or held for as long as it may be."""
        self._judge(turn, turn.voice, self._barge_in.undecided(), now)
        # also where there is nothing left to judge
        self._go_on(turn)

    def expect(self, turn: Turn, voice: Voice, stream: StreamId | None) -> None:
        """Say how long the pause of ``voice``, if it is one, is waited out."""
        if stream is not None and voice.ended is None and voice.quiet_since is None:
            listening = turn.began if turn.listening_since is None else turn.listening_since
            self.commands += voice.expect(stream, listening, turn.evidence.phrases, self.policy, self._pauses)

    def transcribe(self, turn: Turn, voice: Voice, utterance: Utterance, now: float) -> None:
        """By the draft of all that was said if there is one, when it comes if it is on its way, otherwise anew."""
        if turn.stopped or turn.error is not None or voice.drafts.outstanding:
            return
        if voice.drafts.transcript is None:
            self.commands.append(Transcribe(turn.id, utterance))
        else:
            turn.transcribed(voice, voice.drafts.transcript, now)
            voice.drafts.used = True
            self.commands.append(Understood(turn.id, utterance, voice.drafts.transcript))

    def end(self, turn: Turn | None, voice: Voice, at: float, *, tail: bool = True) -> None:
        """The utterance ends at ``at``, with the ``tail`` of sound after it if there is any."""
        voice.ended = at
        until = at + self.policy.tail if tail else at
        if turn is not None and voice is turn.voice:
            self.commands += voice.close_draft(turn.id, until)
        self.commands.append(EndUtterance(number=voice.number, until=until))

    def cut(self, turn: Turn, voice: Voice, stream: StreamId | None, at: float) -> None:
        """The utterance is over at ``at``, said to the end or not, and so is its pause."""
        if voice.quiet_since is not None:
            self.end(turn, voice, voice.quiet_since)
            return
        if stream is not None and voice.pause is not None:
            self.commands.append(Expect(stream=stream, pause=voice.pause.since, until=at))
        self.end(turn, voice, at, tail=False)

    def drop(self, turn: Turn, voice: Voice) -> None:
        """It was nothing that anybody wanted to hear."""
        turn.voice = None
        self._go_on(turn)
        if dropped := voice.drafts.give_up():
            self.commands.append(DropDraft(dropped))
        self.commands.append(DropUtterance(voice.number))

    def written(self, turn: Turn | None, text: str) -> None:
        """The user wrote ``text``, and means it: it goes before what they are saying, and the assistant is hushed."""
        if turn is None or (turn.understood and turn.typed is None and turn.keep):
            self.typed = _after(self.typed, text)
            return
        turn.typed = _after(turn.typed, text)
        turn.rests_until = None
        turn.engines = evolve(turn.engines, stt=None)
        turn.ducked_since = None  # whatever it was undecided about is decided now
        self._forget_voice(turn)
        turn.interrupted = turn.interrupted or turn.talking
        self.commands += turn.hush(None)

    def take_written(self, turn: Turn) -> bool:
        """Whether the user had written something before ``turn`` began, which is theirs now."""
        if self.typed is None:
            return False
        turn.typed, self.typed = self.typed, None
        turn.forestalled()
        self._forget_voice(turn)
        return True

    def _forget_voice(self, turn: Turn) -> None:
        """The recording of what has been said to its end stays where those are that wait for their transcript."""
        if turn.voice is not None and turn.voice.ended is None:
            self.drop(turn, turn.voice)
        elif turn.voice is not None:
            if dropped := turn.voice.drafts.give_up():
                self.commands.append(DropDraft(dropped))
            turn.voice = None

    def forget_between(self) -> None:
        """There is no next turn that could have it."""
        self.typed = None
        self.drop_between()

    def drop_between(self) -> None:
        if self.between is not None and self.between.ended is None:
            self.commands.append(DropUtterance(self.between.number))
        self.between = None

    def _forget_aside(self, turn: Turn, now: float) -> None:
        """What was said in passing and is long past is no part of what is said now."""
        voice = turn.voice
        if voice is not None and voice.quiet_since is not None and now - voice.quiet_since > EAGER:
            self.drop(turn, voice)

    def answered(self, turn: Turn, voice: Voice, now: float) -> float | None:
        """When the user had ended their answer, if what they said in passing was one that came early."""
        since = voice.quiet_since
        return since if since is not None and turn.spoken.complete and now - since <= EAGER else None

    def mean(self, turn: Turn, voice: Voice, stream: StreamId | None) -> None:
        """There is nobody any longer who could be interrupted: ``voice`` is an answer."""
        self.commands += voice.mean(turn.id, self._latest, turn.evidence)
        self.expect(turn, voice, stream)

    def _begin(self, turn: Turn | None, event: SpeechStarted | SpeechResumed) -> Voice:
        self._utterances += 1
        voice = Voice(
            number=self._utterances,
            began=event.at,
            meant=turn is not None and not turn.talking,
            drafts=Drafts(self._utterances, self.policy.drafts),
        )
        since = event.at - self.policy.pre_roll
        self.commands.append(BeginUtterance(number=voice.number, stream=event.stream, since=since))
        if turn is None:
            self.between = voice
        else:
            turn.voice = voice
            if voice.meant:
                self.commands += voice.follow(turn.id, turn.evidence)
        return voice

    def _attend(self, turn: Turn | None, now: float) -> None:
        """Who speaks over the assistant may or may not interrupt it at this moment, by their words or without."""
        barge_in, policy = self._barge_in, self.policy
        barge_in.reads = barge_in.deaf = False
        if turn is not None and turn.talking:
            barge_in.reads = turn.evidence.drafts and policy.drafts > 0
            may = policy.interruptible and policy.barge_in.manners != "ignore"
            barge_in.deaf = not may or turn.protected(now, policy.barge_in.protected)

    def _judge(self, turn: Turn | None, voice: Voice | None, verdict: Verdict | None, now: float) -> None:
        if voice is None or voice.meant or voice.ended is not None:
            return
        over = turn is not None and voice is turn.voice and turn.talking and not turn.hushed
        match verdict:
            case Onset() if turn is not None and over and not self._barge_in.deaf:
                self._duck(turn, now)
            case Commit():
                self._commit(turn, voice, verdict.began, now)
            case Forget() if turn is not None and over:
                self._go_on(turn)
            case _:
                pass

    def _duck(self, turn: Turn, now: float) -> None:
        policy = self.policy.barge_in
        if policy.manners != "finish_sentence":
            turn.ducked_since = now
            self.commands.append(Hold(turn.id) if policy.holds else Duck(turn.id, policy.duck))

    def _go_on(self, turn: Turn) -> None:
        """That was no interruption."""
        if turn.ducked_since is not None:
            turn.ducked_since = None
            turn.false_interruptions += 1
            self.commands.append(GoOn(turn.id))

    def _commit(self, turn: Turn | None, voice: Voice, began: float, now: float) -> None:
        voice.meant = True
        if turn is None or voice is self.between:
            return
        turn.interrupted = turn.talking
        silenced = turn.ducked_since if self.policy.barge_in.holds and turn.ducked_since is not None else now
        turn.timings = evolve(turn.timings, barge_in_ms=milliseconds(silenced - began))
        finish = self.policy.barge_in.manners == "finish_sentence" and not self._barge_in.stopped
        if finish and turn.sounded_at is not None:
            if not turn.hushed:
                self.commands.append(FinishSentence(turn.id))
        else:
            self.commands += turn.hush(began)
        if voice.pause is None:
            self.commands += voice.follow(turn.id, turn.evidence)

    def _paused(self, turn: Turn, voice: Voice, event: SpeechPaused, now: float) -> None:
        wanted = voice.meant or self._barge_in.wants_words
        evidence = turn.evidence if wanted else Evidence()
        self.commands += voice.paused(turn.id, event.at, max(event.at, self._latest), evidence)
        if wanted and not voice.meant and not voice.drafts.outstanding:
            self._judge(turn, voice, self._barge_in.untold(), now)
        self.expect(turn, voice, event.stream)

    def _fell_silent(self, turn: Turn | None, voice: Voice, at: float, now: float) -> bool:
        if turn is None:
            if voice.meant:
                voice.quiet_since = at
            else:
                self.drop_between()
        elif voice.meant:
            self.end(turn, voice, at)
            turn.timings = evolve(turn.timings, endpoint_ms=milliseconds(now - at))
            return True
        elif turn.talking and turn.listen and self._may_answer(voice):
            voice.quiet_since = at
        else:
            self.drop(turn, voice)
        return False

    @staticmethod
    def _may_answer(voice: Voice) -> bool:
        said = voice.drafts.transcript
        return said is not None and looks_finished(said.text) == "done" and not backchannel(said.text, HUMS)
