"""Everything that may happen to a dialogue, in any order: every turn ends exactly once, and nothing is left behind."""

from __future__ import annotations

from attrs import evolve
from hypothesis import settings, strategies as st
from hypothesis.stateful import invariant, precondition, rule

from actors.errors import AudioFileError, DeviceError, DeviceLost, ProviderUnavailable
from actors.machines.barge_in import UNDECIDED
from actors.messages import (
    DraftId,
    MicrophoneFailed,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechPaused,
    SpeechResumed,
    Spoken,
    StreamId,
    TurnId,
)
from actors.orders import (
    Abandon,
    Again,
    Begin,
    DraftFailed,
    EndTurn,
    Evidence,
    Hold,
    Interrupt,
    SpeakingFailed,
    Stop,
    Tick,
    TranscriptionFailed,
    TurnJudged,
)
from tests.machines.any_outside import TEXT, WORDS, Outside, drafted
from tests.machines.feeding import WINDOW, ended, opened, spoken, started, transcribed, utterance, voiced


class AnyDialogue(Outside):
    """Everything that may happen, in any order, with an outside that owes answers and gives them when it likes."""

    @rule(seconds=st.sampled_from([0.0, 0.032, 0.5, 3.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.wake()

    def wake(self) -> None:
        if self.dialogue.deadline is not None and self.now >= self.dialogue.deadline:
            self.feed(Tick())
            assert self.lowered is None or self.now < self.lowered_at + UNDECIDED

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
    @rule(windows=st.sampled_from([1, 20, 130]))
    def a_noise_goes_on(self, windows: int) -> None:
        """It is not enough of a voice to interrupt anybody, and too much of one to be silence."""
        for _ in range(windows):
            if self.stream is not None:
                self.now += WINDOW
                self.feed(evolve(voiced(self.now, self.stream), probability=0.4))
                self.wake()

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

    @precondition(lambda self: self.talking is not None and self.stream is not None and not self.in_speech)
    @rule(windows=st.sampled_from([20, 130]), words=st.sampled_from([None, *WORDS]))
    def a_noise_comes_over_the_assistant(self, windows: int, words: str | None) -> None:
        if not self.microphone_works:
            self.the_microphone_opens()
        self.the_user_starts()
        self.a_noise_goes_on(windows)
        if words is not None and self.in_speech and self.stream is not None:
            self.the_user_pauses()
            if self.owed_drafts:
                self.a_draft_is_there(words, fails=False)

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
    def nothing_holds_the_assistant_for_long(self) -> None:
        if hasattr(self, "dialogue") and self.lowered is not None:
            assert self.dialogue.deadline is not None
            assert self.dialogue.deadline <= self.lowered_at + UNDECIDED

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
