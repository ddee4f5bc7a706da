"""The dialogue decides every turn.  Sentences about single turns first, then a model of everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import DeviceError, ProviderUnavailable
from actors.machines.dialogue import Dialogue, TurnPolicy
from actors.messages import (
    MicrophoneFailed,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    Spoken,
    StreamId,
    Transcribed,
    Transcript,
    TurnId,
    TurnResult,
    Utterance,
)
from actors.orders import (
    Abandon,
    Begin,
    BeginUtterance,
    CloseMicrophone,
    Command,
    DropUtterance,
    EndUtterance,
    Fail,
    Finish,
    Hush,
    Interrupt,
    OpenMicrophone,
    Speak,
    SpeakingFailed,
    Stop,
    Tick,
    Transcribe,
    TranscriptionFailed,
)

ONE, STREAM = TurnId(1), StreamId(1)
WINDOW = 0.032


def started(at: float, stream: StreamId = STREAM) -> SpeechStarted:
    return SpeechStarted(stream=stream, at=at, probability=0.9, level=-20.0)


def ended(at: float, stream: StreamId = STREAM) -> SpeechEnded:
    return SpeechEnded(stream=stream, at=at, decided=at + 0.7, probability=0.1, level=-60.0)


def voiced(at: float, stream: StreamId = STREAM) -> SpeechActivity:
    return SpeechActivity(stream=stream, at=at, duration=WINDOW, probability=0.9, level=-20.0)


def spoken(turn: TurnId = ONE, heard: str = "Hello there.", *, complete: bool = True) -> Spoken:
    return Spoken(turn=turn, text="Hello there.", heard=heard, complete=complete, samples=1, at=0.0)


def utterance(number: int = 1, path: Path | None = Path("said.wav")) -> Utterance:
    return Utterance(number=number, stream=STREAM, start=0.0, end=1.0, pcm=b"", rate=16000, path=path)


def transcribed(text: str = "hi", turn: TurnId = ONE) -> Transcribed:
    return Transcribed(turn=turn, at=0.0, transcript=Transcript(text=text, engine="ears", seconds=0.05))


def begin(*, engine: str | None = "mouth", listen: bool = True, keep: bool = False, turn: TurnId = ONE) -> Begin:
    return Begin(turn=turn, engine=engine, listen=listen, keep=keep)


def result(commands: list[Command]) -> TurnResult:
    [finish] = [command for command in commands if isinstance(command, Finish)]
    return finish.result


def speak_over(dialogue: Dialogue, at: float) -> list[Command]:
    """Feed enough voice from ``at`` on to be an interruption."""
    commands = dialogue.feed(started(at), at + 3 * WINDOW)
    for window in range(1, 10):
        commands += dialogue.feed(voiced(at + window * WINDOW), at + window * WINDOW)
    return commands


def test_a_turn_speaks_then_listens_then_gives_the_transcript() -> None:
    dialogue = Dialogue()
    assert dialogue.feed(begin(), 10.0) == [OpenMicrophone(STREAM), Speak(ONE)]
    assert dialogue.state == "speaking"
    assert dialogue.feed(SpeakingStarted(turn=ONE, at=10.02), 10.02) == []
    assert dialogue.feed(spoken(), 12.0) == []
    assert dialogue.state == "listening"
    assert dialogue.feed(started(13.0), 13.1) == [BeginUtterance(number=1, stream=STREAM, since=12.5)]
    assert dialogue.state == "hearing"
    assert dialogue.feed(ended(14.0), 14.7) == [EndUtterance(number=1, until=14.3), CloseMicrophone()]
    assert dialogue.state == "transcribing"
    assert dialogue.feed(utterance(), 14.71) == [Transcribe(ONE, utterance())]
    final = result(dialogue.feed(transcribed(), 14.8))
    assert (final.outcome, final.transcript, final.utterance) == ("heard", "hi", Path("said.wav"))
    assert (final.engines.tts, final.engines.stt) == ("mouth", "ears")
    assert final.timings.first_sample_ms == 20.0
    assert final.timings.endpoint_ms == 700.0
    assert final.timings.speech_end_to_transcript_ms == 800.0
    assert final.timings.stt_ms == 50.0
    assert final.timings.total_ms == 4800.0
    assert dialogue.state == "idle"


def test_a_turn_that_only_speaks_never_opens_the_microphone() -> None:
    dialogue = Dialogue()
    assert dialogue.feed(begin(listen=False), 0.0) == [Speak(ONE)]
    assert result(dialogue.feed(spoken(), 1.0)).outcome == "said"


def test_nobody_answers_until_the_deadline() -> None:
    dialogue = Dialogue(TurnPolicy(no_speech=4.0))
    dialogue.feed(begin(), 0.0)
    assert dialogue.deadline is None
    dialogue.feed(spoken(), 1.0)
    assert dialogue.deadline == 5.0
    assert dialogue.feed(Tick(), 4.9) == []
    commands = dialogue.feed(Tick(), 5.0)
    assert CloseMicrophone() in commands
    assert result(commands).outcome == "no_speech"


def test_speech_over_the_assistant_hushes_it_and_becomes_the_answer() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    commands = speak_over(dialogue, 2.0)
    assert commands == [BeginUtterance(number=1, stream=STREAM, since=1.5), Hush(ONE, 2.0)]
    assert dialogue.state == "hearing"
    dialogue.feed(spoken(heard="Hello", complete=False), 2.3)
    dialogue.feed(ended(3.0), 3.7)
    dialogue.feed(utterance(), 3.7)
    final = result(dialogue.feed(transcribed("stop"), 3.8))
    assert (final.outcome, final.transcript, final.spoken.heard) == ("interrupted", "stop", "Hello")
    assert final.timings.barge_in_ms is not None


def test_a_cough_over_the_assistant_is_dropped() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(started(2.0), 2.1)
    dialogue.feed(voiced(2.1), 2.1)
    dialogue.feed(SpeechPaused(stream=STREAM, at=2.1, probability=0.0, level=-60.0), 2.3)
    assert dialogue.feed(ended(2.1), 2.8) == [DropUtterance(1)]
    assert dialogue.state == "speaking"


def test_who_begins_to_answer_before_the_assistant_has_ended_is_heard_from_the_beginning() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(started(2.0), 2.1)
    assert dialogue.feed(spoken(), 2.12) == []
    assert dialogue.state == "hearing"
    assert dialogue.feed(ended(3.0), 3.7)[0] == EndUtterance(number=1, until=3.3)


def test_an_assistant_that_may_not_be_interrupted_is_not() -> None:
    dialogue = Dialogue(TurnPolicy(interruptible=False))
    dialogue.feed(begin(), 0.0)
    assert not [command for command in speak_over(dialogue, 2.0) if isinstance(command, Hush)]


def test_the_button_interrupts_and_the_turn_goes_on_to_listen() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    assert dialogue.feed(Interrupt(), 1.0) == [Hush(ONE, None)]
    assert dialogue.feed(Interrupt(), 1.0) == []
    dialogue.feed(spoken(heard="Hello", complete=False), 1.0)
    assert dialogue.state == "listening"
    assert result(dialogue.feed(Tick(), 11.0)).outcome == "interrupted"


def test_the_button_has_no_effect_on_the_user() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    assert dialogue.feed(Interrupt(), 1.0) == []
    assert result(dialogue.feed(Tick(), 10.0)).outcome == "no_speech"


def test_an_interruption_that_came_after_the_last_sample_interrupted_nothing() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 0.0)
    dialogue.feed(Interrupt(), 1.0)
    assert result(dialogue.feed(spoken(complete=True), 1.0)).outcome == "said"


def overheard() -> Dialogue:
    dialogue = Dialogue()
    commands = dialogue.feed(Begin(turn=ONE, engine="mouth", listen=False, overhear=True), 0.0)
    assert commands == [OpenMicrophone(STREAM), Speak(ONE)]
    return dialogue


def test_speaking_over_an_assistant_that_wants_no_answer_stops_it_too() -> None:
    dialogue = overheard()
    assert Hush(ONE, 2.0) in speak_over(dialogue, 2.0)
    dialogue.feed(spoken(heard="Hello", complete=False), 2.3)
    assert dialogue.deadline == 122.0
    dialogue.feed(ended(3.0), 3.7)
    dialogue.feed(utterance(), 3.7)
    final = result(dialogue.feed(transcribed("enough"), 3.8))
    assert (final.outcome, final.transcript, final.spoken.heard) == ("interrupted", "enough", "Hello")


def test_an_assistant_that_wants_no_answer_is_done_when_it_has_spoken() -> None:
    dialogue = overheard()
    dialogue.feed(started(1.9), 2.0)
    commands = dialogue.feed(spoken(), 2.0)
    assert commands[:2] == [DropUtterance(1), CloseMicrophone()]
    assert result(commands).outcome == "said"


def test_an_assistant_that_wants_no_answer_does_without_a_microphone_that_dies() -> None:
    dialogue = overheard()
    assert dialogue.feed(MicrophoneFailed(stream=STREAM, at=1.0, error=DeviceError("gone")), 1.0) == []
    assert result(dialogue.feed(spoken(), 2.0)).outcome == "said"


def test_stopping_keeps_what_the_user_had_said_so_far() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    assert dialogue.feed(Stop(), 2.0) == [EndUtterance(number=1, until=2.0), CloseMicrophone()]
    final = result(dialogue.feed(utterance(), 2.01))
    assert (final.outcome, final.utterance) == ("stopped", Path("said.wav"))


def test_stopping_waits_for_the_account_of_what_was_heard() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    assert dialogue.feed(Stop(), 1.0) == [Hush(ONE, None), CloseMicrophone()]
    final = result(dialogue.feed(spoken(heard="Hello", complete=False), 1.0))
    assert (final.outcome, final.spoken.heard) == ("stopped", "Hello")


def test_a_turn_nobody_waits_for_ends_at_once() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    commands = dialogue.feed(Abandon(), 1.0)
    assert commands[:2] == [Hush(ONE, None), CloseMicrophone()]
    assert result(commands).outcome == "stopped"


def test_an_answer_is_cut_at_the_longest_it_may_be() -> None:
    dialogue = Dialogue(TurnPolicy(longest=30.0))
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    assert dialogue.deadline == 31.0
    assert dialogue.feed(Tick(), 31.0) == [EndUtterance(number=1, until=31.0), CloseMicrophone()]


def test_a_recogniser_that_fails_leaves_the_recording() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    dialogue.feed(utterance(), 2.7)
    error = ProviderUnavailable("ears", "The recogniser is gone.")
    assert dialogue.feed(TranscriptionFailed(turn=ONE, error=error), 3.0) == [Fail(ONE, error)]
    assert str(error) == "The recogniser is gone. What was said is kept in said.wav."


def test_a_voice_that_fails_ends_the_turn_with_what_the_user_said_kept() -> None:
    dialogue = Dialogue()
    error = ProviderUnavailable("mouth", "The voice is gone.")
    dialogue.feed(begin(), 0.0)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(SpeakingFailed(turn=ONE, error=error), 1.2)
    assert dialogue.feed(spoken(heard="", complete=False), 1.2) == [
        EndUtterance(number=1, until=1.2),
        CloseMicrophone(),
    ]
    assert dialogue.feed(utterance(), 1.3) == [Fail(ONE, error)]
    assert error.recording == Path("said.wav")


def test_a_microphone_that_dies_while_the_user_speaks_ends_the_utterance_there() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    lost = MicrophoneFailed(stream=STREAM, at=2.0, error=DeviceError("The microphone is gone."))
    assert dialogue.feed(lost, 2.0) == [EndUtterance(number=1, until=2.0)]
    assert dialogue.feed(utterance(), 2.0) == [Transcribe(ONE, utterance())]


def test_a_microphone_that_cannot_be_opened_fails_the_turn() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    error = DeviceError("The microphone is gone.")
    assert dialogue.feed(MicrophoneFailed(stream=STREAM, at=0.0, error=error), 0.0) == [Fail(ONE, error)]


def test_a_second_turn_cannot_begin_inside_the_first_and_changes_nothing() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    with pytest.raises(RuntimeError, match="a turn is running"):
        dialogue.feed(begin(turn=TurnId(2)), 1.0)
    assert dialogue.state == "speaking"
    assert dialogue.feed(spoken(), 2.0) == []


def test_what_belongs_to_an_earlier_turn_is_ignored() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 0.0)
    dialogue.feed(spoken(), 1.0)
    dialogue.feed(begin(turn=TurnId(2)), 2.0)
    assert dialogue.feed(spoken(ONE), 2.1) == []
    assert dialogue.feed(transcribed(turn=ONE), 2.1) == []
    assert dialogue.feed(utterance(7), 2.1) == []
    assert dialogue.feed(started(2.0, StreamId(9)), 2.1) == []
    assert dialogue.state == "speaking"


def keep_until_transcribing(dialogue: Dialogue) -> None:
    dialogue.feed(begin(engine=None, keep=True), 0.0)
    dialogue.feed(started(1.0), 1.1)
    assert dialogue.feed(ended(2.0), 2.7) == [EndUtterance(number=1, until=2.3)]


def test_what_is_said_between_two_turns_belongs_to_the_second() -> None:
    dialogue = Dialogue()
    keep_until_transcribing(dialogue)
    assert speak_over(dialogue, 3.0) == [BeginUtterance(number=2, stream=STREAM, since=2.5)]
    assert dialogue.feed(ended(3.5), 4.2) == []
    dialogue.feed(utterance(1), 4.3)
    assert result(dialogue.feed(transcribed("one"), 4.4)).transcript == "one"
    second = TurnId(2)
    assert dialogue.feed(begin(keep=True, turn=second), 4.4) == [EndUtterance(number=2, until=3.8)]
    dialogue.feed(utterance(2), 4.5)
    final = result(dialogue.feed(transcribed("two", second), 4.6))
    assert (final.outcome, final.transcript, final.spoken.heard) == ("interrupted", "two", "")


def test_a_cough_between_two_turns_does_not_silence_the_second() -> None:
    dialogue = Dialogue()
    keep_until_transcribing(dialogue)
    dialogue.feed(started(3.0), 3.1)
    assert dialogue.feed(ended(3.1), 3.8) == [DropUtterance(2)]
    dialogue.feed(utterance(1), 4.3)
    dialogue.feed(transcribed("one"), 4.4)
    assert dialogue.feed(begin(keep=True, turn=TurnId(2)), 4.4) == [Speak(TurnId(2))]


def test_a_microphone_kept_for_a_turn_that_never_comes_is_closed() -> None:
    dialogue = Dialogue()
    keep_until_transcribing(dialogue)
    dialogue.feed(utterance(1), 4.3)
    assert CloseMicrophone() not in dialogue.feed(transcribed("one"), 4.4)
    assert dialogue.feed(Abandon(), 5.0) == [CloseMicrophone()]


@pytest.mark.parametrize("bound", [{"no_speech": 0}, {"longest": -1}, {"pre_roll": 4}, {"tail": -0.1}])
def test_bounds_that_leave_nothing_between_them_are_refused(bound: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bound))):
        TurnPolicy(**bound)  # type: ignore[arg-type]  # each is a number of seconds


TEXT = "One two three."


class AnyConversation(RuleBasedStateMachine):
    """Everything that may happen, in any order, with an outside that owes answers and gives them when it likes."""

    @initialize(interruptible=st.booleans())
    def open(self, interruptible: bool) -> None:
        self.dialogue = Dialogue(TurnPolicy(interruptible=interruptible))
        self.now = 0.0
        self.turn = 0
        self.running = self.keep = self.abandoned = False
        self.endings: dict[int, int] = {}
        self.speaks: list[int] = []
        self.hushed: set[int] = set()
        self.talking: int | None = None
        self.stream: StreamId | None = None
        self.in_speech = False
        self.open_takes: set[int] = set()
        self.closed_takes: set[int] = set()
        self.owed_utterances: list[int] = []
        self.owed_transcripts: list[TurnId] = []

    def feed(self, event: object) -> None:
        for command in self.dialogue.feed(event, self.now):  # type: ignore[arg-type]  # any input there is
            self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case OpenMicrophone(stream):
                assert self.stream is None
                self.stream = stream
            case CloseMicrophone():
                assert self.stream is not None
                self.stream, self.in_speech = None, False
            case Speak(turn):
                assert turn == self.turn
                assert turn not in self.speaks
                assert turn not in self.hushed
                assert self.talking is None
                self.speaks.append(turn)
                self.talking = turn
            case Hush(turn, _):
                assert turn == self.talking
                self.hushed.add(turn)
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
            case Transcribe(turn, _):
                self.owed_transcripts.append(turn)
            case Finish(final):
                assert final.spoken.text.startswith(final.spoken.heard)
                assert final.turn == self.turn
                assert (final.outcome == "heard") <= bool(final.transcript)
                self.end()
            case Fail(turn, _):
                assert turn == self.turn
                self.end()

    def end(self) -> None:
        assert self.running
        assert self.talking is None or self.abandoned
        self.running = False
        # whoever carries the turn out waits for all it started before the next one begins
        self.talking = None
        self.owed_transcripts.clear()
        self.endings[self.turn] = self.endings.get(self.turn, 0) + 1

    @rule(seconds=st.sampled_from([0.0, 0.032, 0.5, 3.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.dialogue.deadline is not None and self.now >= self.dialogue.deadline:
            self.feed(Tick())

    @precondition(lambda self: not self.running)
    @rule(engine=st.sampled_from(["mouth", None]), listen=st.booleans(), overhear=st.booleans(), keep=st.booleans())
    def a_turn_begins(self, engine: str | None, listen: bool, overhear: bool, keep: bool) -> None:
        self.turn += 1
        self.running, self.keep = True, keep
        listen = listen or engine is None
        self.feed(Begin(turn=TurnId(self.turn), engine=engine, listen=listen, overhear=overhear, keep=keep))

    @precondition(lambda self: self.stream is not None and not self.in_speech)
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

    @precondition(lambda self: self.in_speech)
    @rule()
    def the_user_falls_silent(self) -> None:
        assert self.stream is not None
        self.in_speech = False
        self.now += 0.7
        self.feed(ended(self.now - 0.7, self.stream))

    @precondition(lambda self: self.talking is not None)
    @rule(heard=st.integers(0, len(TEXT)))
    def the_player_is_done(self, heard: int) -> None:
        turn, self.talking = self.talking, None
        assert turn is not None
        complete = turn not in self.hushed
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
        self.feed(utterance(self.owed_utterances.pop(0)))

    @precondition(lambda self: self.owed_transcripts)
    @rule(text=st.sampled_from(["", "yes"]), fails=st.booleans())
    def the_recogniser_answers(self, text: str, fails: bool) -> None:
        turn = self.owed_transcripts.pop(0)
        error = ProviderUnavailable("ears", "gone")
        self.feed(TranscriptionFailed(turn=turn, error=error) if fails else transcribed(text, turn))

    @precondition(lambda self: self.stream is not None)
    @rule()
    def the_microphone_dies(self) -> None:
        assert self.stream is not None
        stream, self.stream, self.in_speech = self.stream, None, False
        self.feed(MicrophoneFailed(stream=stream, at=self.now, error=DeviceError("gone")))

    @rule(event=st.sampled_from([Interrupt(), Stop(), Abandon(), Tick()]))
    def somebody_presses_a_button(self, event: object) -> None:
        self.abandoned = isinstance(event, Abandon)
        self.feed(event)
        self.abandoned = False

    @rule(turn=st.integers(0, 3), stream=st.integers(100, 103))
    def something_stale_arrives(self, turn: int, stream: int) -> None:
        old = TurnId(-turn)
        for event in (spoken(old), transcribed("old", old), utterance(-1), started(self.now, StreamId(stream))):
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

    def teardown(self) -> None:
        """Whatever happened, an outside that pays what it owes brings the turn to its end."""
        if not hasattr(self, "dialogue"):
            return
        for _ in range(12):
            if not self.running:
                break
            if self.talking is not None:
                self.the_player_is_done(0)
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


AnyConversation.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
test_any_conversation = AnyConversation.TestCase
