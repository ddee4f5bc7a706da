"""Everything that may happen to a dialogue, in any order: every turn ends exactly once, and nothing is left behind."""

from __future__ import annotations

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import AudioFileError, DeviceError, DeviceLost, ProviderUnavailable
from actors.machines.barge_in import BargeInPolicy, Manners
from actors.machines.dialogue import Dialogue
from actors.machines.policy import TurnPolicy
from actors.machines.spoken_commands import SpokenCommands
from actors.messages import (
    Chime,
    Drafted,
    DraftId,
    MicrophoneFailed,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechPaused,
    SpeechResumed,
    Spoken,
    StreamId,
    Transcript,
    TurnId,
    Utterance,
)
from actors.orders import (
    Abandon,
    Again,
    Begin,
    BeginUtterance,
    CloseMicrophone,
    Command,
    Draft,
    DraftFailed,
    DropDraft,
    DropUtterance,
    Duck,
    EndTurn,
    EndUtterance,
    Evidence,
    Expect,
    Fail,
    Finish,
    FinishSentence,
    Follow,
    GoOn,
    Hold,
    Hush,
    Interrupt,
    OpenMicrophone,
    PlayChime,
    Repeat,
    Settle,
    Speak,
    SpeakingFailed,
    Stop,
    TellAway,
    TellBack,
    Tick,
    Transcribe,
    TranscriptionFailed,
    TurnJudged,
    Understood,
)
from tests.machines.feeding import WINDOW, ended, opened, spoken, started, transcribed, utterance, voiced

TEXT = "One two three."

WORDS = ("", "yes", "I would and", "mhm", "please stop", "what", "wait", "so it is over", "goodbye")
SPOKEN = SpokenCommands(end=("over",), stop=("goodbye",))


def drafted(turn: TurnId, draft: DraftId, text: str) -> Drafted:
    return Drafted(turn=turn, at=0.0, draft=draft, transcript=Transcript(text=text, engine="ears", seconds=0.05))


class AnyDialogue(RuleBasedStateMachine):
    """Everything that may happen, in any order, with an outside that owes answers and gives them when it likes."""

    @initialize(
        interruptible=st.booleans(),
        wait=st.sampled_from([0.0, 3.0, 10.0]),
        mends=st.booleans(),
        manners=st.sampled_from(["interrupt", "finish_sentence", "pause_and_resume", "ignore"]),
        drafts=st.sampled_from([0, 1, 4]),
        min_words=st.sampled_from([0, 2]),
        protected=st.sampled_from([0.0, 1.0]),
        ignore_silence=st.booleans(),
    )
    def open(
        self,
        interruptible: bool,
        wait: float,
        mends: bool,
        manners: Manners,
        drafts: int,
        min_words: int,
        protected: float,
        ignore_silence: bool,
    ) -> None:
        self.dialogue = Dialogue(
            TurnPolicy(
                interruptible=interruptible,
                device_wait=wait,
                drafts=drafts,
                spoken=SPOKEN,
                ignore_silence=ignore_silence,
                barge_in=BargeInPolicy(manners=manners, min_words=min_words, protected=protected),
            )
        )
        self.mends = mends
        self.now = 0.0
        self.turn = 0
        self.running = self.keep = self.abandoned = False
        self.endings: dict[int, int] = {}
        self.speaks: list[int] = []
        self.hushed: set[int] = set()
        self.talking: int | None = None
        self.stream: StreamId | None = None
        self.microphone_works = self.in_speech = self.in_pause = False
        self.voice_ended = 0.0
        self.speaker_works = True
        self.chimes: list[Chime] = []
        self.open_takes: set[int] = set()
        self.closed_takes: set[int] = set()
        self.owed_utterances: list[int] = []
        self.owed_transcripts: list[TurnId] = []
        self.evidence = Evidence()
        self.lowered: type[Duck | Hold] | None = None
        self.finishing = self.sounded = self.away = False
        self.drafts: set[DraftId] = set()
        self.followed: list[DraftId] = []
        self.owed_drafts: list[DraftId] = []
        self.dropped: list[DraftId] = []
        self.owed_judgements: list[DraftId] = []
        self.on_disk: set[int] = set()
        self.transcribed: set[int] = set()

    def feed(self, event: object) -> None:
        for command in self.dialogue.feed(event, self.now):  # type: ignore[arg-type]  # any input there is
            self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case OpenMicrophone(stream):
                assert self.stream is None
                self.stream, self.microphone_works = stream, False
            case CloseMicrophone():
                assert self.stream is not None
                self.stream, self.in_speech, self.in_pause = None, False, False
            case PlayChime(turn, chime):
                assert turn == self.turn
                assert chime not in self.chimes
                assert chime == "captured" or not self.open_takes
                assert chime == "captured" or self.talking is None
                self.chimes.append(chime)
            case Speak(turn):
                assert turn == self.turn
                assert turn not in self.speaks
                assert turn not in self.hushed
                assert self.talking is None
                self.speaks.append(turn)
                self.begin_to_talk(turn)
            case Repeat(turn):
                assert turn == self.turn
                assert self.talking is None
                self.chimes = []
                self.begin_to_talk(turn)
            case Hush(turn, _):
                assert turn == self.talking
                assert turn not in self.hushed
                self.hushed.add(turn)
                self.lowered = None
            case Duck(turn) | Hold(turn):
                assert turn == self.talking
                assert turn not in self.hushed
                assert self.lowered is None
                assert isinstance(command, Hold) == self.dialogue.policy.barge_in.holds
                self.lowered = type(command)
            case GoOn(turn):
                assert turn == self.talking
                assert self.lowered is not None
                self.lowered = None
            case FinishSentence(turn):
                assert turn == self.talking
                assert turn not in self.hushed
                assert self.sounded
                self.finishing = True
            case Follow(turn, draft):
                assert turn == self.turn
                assert self.evidence.live
                self.make_draft(draft)
                self.followed.append(draft)
            case Draft(turn, draft, _):
                assert turn == self.turn
                if draft in self.followed:
                    self.followed.remove(draft)
                else:
                    self.make_draft(draft)
                self.owed_drafts.append(draft)
                if self.evidence.sound:
                    self.owed_judgements.append(draft)
            case DropDraft(draft):
                assert draft in self.drafts
                assert draft not in self.dropped
                self.dropped.append(draft)
                for owed in (self.followed, self.owed_drafts, self.owed_judgements):
                    if draft in owed:
                        owed.remove(draft)
            case Expect(stream=stream, pause=pause):
                assert (stream, pause) == (self.stream, self.voice_ended)
                assert self.in_pause
            case Understood(turn, recording, _):
                assert turn == self.turn
                self.take_as_understood(recording)
            case Settle():
                # the user is listened to anew
                self.chimes = []
            case TellAway(turn, since):
                assert turn == self.turn
                assert since <= self.now
                assert not self.away
                self.away = True
            case TellBack(turn):
                assert turn == self.turn
                assert self.away
                self.away = False
            case BeginUtterance(number=number):
                assert not self.open_takes
                assert number not in self.closed_takes
                self.open_takes.add(number)
            case EndUtterance(number=number):
                self.open_takes.remove(number)
                self.closed_takes.add(number)
                self.owed_utterances.append(number)
            case DropUtterance(number):
                self.open_takes.remove(number)
                self.closed_takes.add(number)
            case Transcribe(turn, recording):
                assert not self.owed_drafts
                self.take_as_understood(recording)
                self.owed_transcripts.append(turn)
            case Finish(final):
                assert final.spoken.text.startswith(final.spoken.heard)
                assert final.turn == self.turn
                assert (final.outcome == "heard") <= bool(final.transcript)
                gone = [loss.device for loss in final.losses if loss.seconds is None]
                assert len(gone) == len(set(gone))
                assert ("speaker" in gone) == (not self.speaker_works)
                guessed = final.speculation
                assert guessed.wasted + guessed.used <= guessed.drafts <= self.dialogue.policy.drafts
                self.end()
            case Fail(turn, _):
                assert turn == self.turn
                self.end()

    def end(self) -> None:
        assert self.running
        assert self.talking is None or self.abandoned
        self.running = False
        # whoever carries the turn out waits for all it started before the next one begins
        self.talking = self.lowered = None
        for owed in (self.owed_transcripts, self.owed_drafts, self.owed_judgements, self.followed):
            owed.clear()
        self.endings[self.turn] = self.endings.get(self.turn, 0) + 1

    def begin_to_talk(self, turn: int) -> None:
        self.talking, self.lowered, self.finishing, self.sounded = turn, None, False, False
        self.hushed.discard(turn)

    def make_draft(self, draft: DraftId) -> None:
        assert self.evidence.drafts
        assert draft not in self.drafts
        assert not self.followed
        assert not self.owed_drafts
        assert draft.number <= self.dialogue.policy.drafts
        self.drafts.add(draft)

    def take_as_understood(self, recording: Utterance) -> None:
        """Whatever is understood has been recorded, and once is enough."""
        assert recording.number in self.on_disk
        assert recording.number not in self.transcribed
        self.transcribed.add(recording.number)

    @rule(seconds=st.sampled_from([0.0, 0.032, 0.5, 3.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.dialogue.deadline is not None and self.now >= self.dialogue.deadline:
            self.feed(Tick())

    @precondition(lambda self: not self.running)
    @rule(
        engine=st.sampled_from(["mouth", None]),
        listen=st.booleans(),
        overhear=st.booleans(),
        keep=st.booleans(),
        evidence=st.builds(
            Evidence, drafts=st.sampled_from([True, True, False]), live=st.booleans(), sound=st.booleans()
        ),
    )
    def a_turn_begins(self, engine: str | None, listen: bool, overhear: bool, keep: bool, evidence: Evidence) -> None:
        self.turn += 1
        self.evidence = evidence
        self.running, self.keep, self.chimes = True, keep, []
        listen = listen or engine is None
        self.feed(
            Begin(turn=TurnId(self.turn), engine=engine, listen=listen, overhear=overhear, keep=keep, evidence=evidence)
        )

    @precondition(lambda self: self.stream is not None and not self.microphone_works)
    @rule()
    def the_microphone_opens(self) -> None:
        assert self.stream is not None
        self.microphone_works = True
        self.feed(opened(self.now, self.stream))

    @precondition(lambda self: self.stream is not None and self.microphone_works and not self.in_speech)
    @rule()
    def the_user_starts(self) -> None:
        assert self.stream is not None
        self.in_speech = True
        self.now += 0.1
        self.feed(started(self.now - 0.1, self.stream))

    @precondition(lambda self: self.in_speech)
    @rule(windows=st.integers(1, 12))
    def the_user_goes_on(self, windows: int) -> None:
        for _ in range(windows):
            if self.stream is not None:
                self.now += WINDOW
                self.feed(voiced(self.now, self.stream))
            if self.in_pause and self.stream is not None:
                self.in_pause = False
                resumed = SpeechResumed(stream=self.stream, at=self.now - WINDOW, probability=0.9, level=-20.0)
                self.feed(resumed)

    @precondition(lambda self: self.in_speech and not self.in_pause)
    @rule()
    def the_user_pauses(self) -> None:
        assert self.stream is not None
        self.in_pause, self.voice_ended = True, self.now
        self.now += 0.2
        self.feed(SpeechPaused(stream=self.stream, at=self.voice_ended, probability=0.1, level=-60.0))

    @precondition(lambda self: self.in_speech)
    @rule()
    def the_user_falls_silent(self) -> None:
        if not self.in_pause:
            self.the_user_pauses()
        if self.stream is not None:
            self.in_speech = False
            self.now += 0.5
            self.feed(ended(self.voice_ended, self.stream))
            self.in_pause = False

    @precondition(lambda self: self.stream is not None and not self.in_speech)
    @rule(windows=st.sampled_from([1, 8, 70]), text=st.sampled_from(WORDS), ends=st.booleans())
    def the_user_says_something(self, windows: int, text: str, ends: bool) -> None:
        """What seldom comes about by chance."""
        if not self.microphone_works:
            self.the_microphone_opens()
        self.the_user_starts()
        self.the_user_goes_on(windows)
        if self.in_speech and self.stream is not None:
            self.the_user_pauses()
        if self.owed_drafts:
            self.a_draft_is_there(text, fails=False)
        if ends and self.in_speech and self.stream is not None:
            self.the_user_falls_silent()
            if self.owed_utterances:
                self.an_utterance_is_on_disk()

    @precondition(lambda self: self.talking is not None and not self.sounded and self.lowered is not Hold)
    @rule()
    def the_first_sample_leaves(self) -> None:
        self.sounded = True
        self.feed(SpeakingStarted(turn=TurnId(self.turn), at=self.now))

    @precondition(lambda self: self.talking is not None and self.lowered is not Hold)
    @rule(heard=st.integers(0, len(TEXT)))
    def the_player_is_done(self, heard: int) -> None:
        turn, self.talking, self.lowered = self.talking, None, None
        assert turn is not None
        complete = turn not in self.hushed and not self.finishing
        self.feed(
            Spoken(
                turn=TurnId(turn),
                text=TEXT,
                heard=TEXT if complete else TEXT[:heard],
                complete=complete or heard == len(TEXT),
                samples=1,
                at=self.now,
            )
        )

    @precondition(lambda self: self.talking is not None)
    @rule()
    def the_voice_fails(self) -> None:
        assert self.talking is not None
        self.feed(SpeakingFailed(turn=TurnId(self.talking), error=ProviderUnavailable("mouth", "gone")))

    @precondition(lambda self: self.owed_utterances)
    @rule()
    def an_utterance_is_on_disk(self) -> None:
        number = self.owed_utterances.pop(0)
        self.on_disk.add(number)
        self.feed(utterance(number))

    @precondition(lambda self: self.owed_drafts)
    @rule(text=st.sampled_from(WORDS), fails=st.booleans())
    def a_draft_is_there(self, text: str, fails: bool) -> None:
        draft, turn = self.owed_drafts.pop(0), TurnId(self.turn)
        if fails:
            self.feed(DraftFailed(turn=turn, draft=draft, error=ProviderUnavailable("ears", "gone")))
        else:
            self.feed(drafted(turn, draft, text))

    @precondition(lambda self: self.followed)
    @rule()
    def a_draft_fails_early(self) -> None:
        error = ProviderUnavailable("ears", "gone")
        self.feed(DraftFailed(turn=TurnId(self.turn), draft=self.followed.pop(), error=error))

    @precondition(lambda self: self.dropped)
    @rule(text=st.sampled_from(WORDS), fails=st.booleans())
    def a_draft_that_was_dropped_is_there(self, text: str, fails: bool) -> None:
        turn, draft = TurnId(self.turn), self.dropped[-1]
        before = self.dialogue.state, self.dialogue.deadline
        error = ProviderUnavailable("ears", "gone")
        late = DraftFailed(turn=turn, draft=draft, error=error) if fails else drafted(turn, draft, text)
        assert self.dialogue.feed(late, self.now) == []
        assert self.dialogue.feed(TurnJudged(turn=turn, draft=draft, probability=0.9), self.now) == []
        assert (self.dialogue.state, self.dialogue.deadline) == before

    @precondition(lambda self: self.owed_judgements)
    @rule(probability=st.sampled_from([None, 0.1, 0.5, 0.9]))
    def the_sound_is_judged(self, probability: float | None) -> None:
        draft = self.owed_judgements.pop(0)
        self.feed(TurnJudged(turn=TurnId(self.turn), draft=draft, probability=probability))

    @precondition(lambda self: self.owed_transcripts)
    @rule(text=st.sampled_from(WORDS), fails=st.booleans())
    def the_recogniser_answers(self, text: str, fails: bool) -> None:
        turn = self.owed_transcripts.pop(0)
        error = ProviderUnavailable("ears", "gone")
        self.feed(TranscriptionFailed(turn=turn, error=error) if fails else transcribed(text, turn))

    @precondition(lambda self: self.stream is not None)
    @rule(error=st.sampled_from([DeviceError("gone"), DeviceLost("gone"), AudioFileError("gone")]))
    def the_microphone_dies(self, error: DeviceError | AudioFileError) -> None:
        assert self.stream is not None
        stream, self.stream, self.in_speech, self.in_pause = self.stream, None, False, False
        # the user is invited again when it is back
        self.chimes = [chime for chime in self.chimes if chime != "listening"]
        self.feed(MicrophoneFailed(stream=stream, at=self.now, error=error))

    @precondition(lambda self: self.speaker_works)
    @rule()
    def the_speaker_dies(self) -> None:
        self.speaker_works = False
        self.feed(SpeakerFailed(at=self.now, error=DeviceLost("gone")))

    @precondition(lambda self: not self.speaker_works)
    @rule()
    def the_speaker_comes_back(self) -> None:
        self.speaker_works = True
        self.feed(SpeakerOpened(at=self.now))

    @rule(event=st.sampled_from([Interrupt(), Interrupt(), EndTurn(), EndTurn(), Again(), Stop(), Abandon(), Tick()]))
    def somebody_presses_a_button(self, event: object) -> None:
        self.abandoned = isinstance(event, Abandon)
        self.feed(event)
        self.abandoned = False

    @rule(turn=st.integers(0, 3), stream=st.integers(100, 103))
    def something_stale_arrives(self, turn: int, stream: int) -> None:
        old = TurnId(-turn)
        for event in (
            spoken(old),
            transcribed("old", old),
            utterance(-1),
            started(self.now, StreamId(stream)),
            opened(self.now, stream),
            drafted(old, DraftId(1, 1), "old"),
            Interrupt(old),
            Stop(old),
            Again(old),
            EndTurn(old),
        ):
            before = self.dialogue.state, self.dialogue.deadline
            assert self.dialogue.feed(event, self.now) == []
            assert (self.dialogue.state, self.dialogue.deadline) == before

    @invariant()
    def a_result_is_produced_exactly_once(self) -> None:
        if not hasattr(self, "dialogue"):
            return
        assert all(count == 1 for count in self.endings.values())
        assert len(self.endings) == self.turn - self.running
        assert (self.dialogue.state == "idle") == (not self.running)

    @invariant()
    def the_microphone_is_open_only_while_somebody_is_listened_to(self) -> None:
        if hasattr(self, "dialogue") and not self.running and not self.keep:
            assert self.stream is None

    @invariant()
    def nobody_is_listened_to_while_they_rest(self) -> None:
        turn = self.dialogue._turn if hasattr(self, "dialogue") else None
        if turn is not None and turn.rests_until is not None:
            assert self.stream is None
            assert not self.open_takes

    def teardown(self) -> None:
        """Whatever happened, an outside that pays what it owes brings the turn to its end."""
        if not hasattr(self, "dialogue"):
            return
        for _ in range(100):
            if not self.running:
                break
            if self.owed_judgements:
                self.the_sound_is_judged(None)
            elif self.owed_drafts:
                self.a_draft_is_there("yes", fails=False)
            elif self.talking is not None and self.lowered is not Hold:
                self.the_player_is_done(0)
            elif self.stream is not None and not self.microphone_works:
                self.the_microphone_opens() if self.mends else self.the_microphone_dies(DeviceError("gone"))
            elif self.in_speech:
                self.the_user_falls_silent()
            elif self.owed_utterances:
                self.an_utterance_is_on_disk()
            elif self.owed_transcripts:
                self.the_recogniser_answers("yes", fails=False)
            else:
                assert self.dialogue.deadline is not None, "the dialogue is stuck"
                self.time_passes(max(0.0, self.dialogue.deadline - self.now))
        assert not self.running
        self.feed(Abandon())
        assert self.stream is None
        assert not self.open_takes


AnyDialogue.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
test_any_dialogue = AnyDialogue.TestCase
