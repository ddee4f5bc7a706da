"""Everything that may happen to a dialogue, in any order: every turn ends exactly once, and nothing is left behind."""

from __future__ import annotations

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import AudioFileError, DeviceError, DeviceLost, ProviderUnavailable
from actors.machines.dialogue import Dialogue
from actors.machines.policy import TurnPolicy
from actors.messages import (
    Chime,
    MicrophoneFailed,
    SpeakerFailed,
    SpeakerOpened,
    Spoken,
    StreamId,
    TurnId,
)
from actors.orders import (
    Abandon,
    Begin,
    BeginUtterance,
    CloseMicrophone,
    Command,
    DropUtterance,
    EndTurn,
    EndUtterance,
    Fail,
    Finish,
    Hush,
    Interrupt,
    OpenMicrophone,
    PlayChime,
    Speak,
    SpeakingFailed,
    Stop,
    Tick,
    Transcribe,
    TranscriptionFailed,
)
from tests.machines.feeding import WINDOW, ended, opened, spoken, started, transcribed, utterance, voiced

TEXT = "One two three."


class AnyDialogue(RuleBasedStateMachine):
    """Everything that may happen, in any order, with an outside that owes answers and gives them when it likes."""

    @initialize(interruptible=st.booleans(), wait=st.sampled_from([0.0, 3.0, 10.0]), mends=st.booleans())
    def open(self, interruptible: bool, wait: float, mends: bool) -> None:
        self.dialogue = Dialogue(TurnPolicy(interruptible=interruptible, device_wait=wait))
        self.mends = mends
        self.now = 0.0
        self.turn = 0
        self.running = self.keep = self.abandoned = False
        self.endings: dict[int, int] = {}
        self.speaks: list[int] = []
        self.hushed: set[int] = set()
        self.talking: int | None = None
        self.stream: StreamId | None = None
        self.microphone_works = self.in_speech = False
        self.speaker_works = True
        self.chimes: list[Chime] = []
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
                self.stream, self.microphone_works = stream, False
            case CloseMicrophone():
                assert self.stream is not None
                self.stream, self.in_speech = None, False
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
                gone = [loss.device for loss in final.losses if loss.seconds is None]
                assert len(gone) == len(set(gone))
                assert ("speaker" in gone) == (not self.speaker_works)
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
        self.running, self.keep, self.chimes = True, keep, []
        listen = listen or engine is None
        self.feed(Begin(turn=TurnId(self.turn), engine=engine, listen=listen, overhear=overhear, keep=keep))

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
    @rule(error=st.sampled_from([DeviceError("gone"), DeviceLost("gone"), AudioFileError("gone")]))
    def the_microphone_dies(self, error: DeviceError | AudioFileError) -> None:
        assert self.stream is not None
        stream, self.stream, self.in_speech = self.stream, None, False
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

    @rule(event=st.sampled_from([Interrupt(), EndTurn(), Stop(), Abandon(), Tick()]))
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

    def teardown(self) -> None:
        """Whatever happened, an outside that pays what it owes brings the turn to its end."""
        if not hasattr(self, "dialogue"):
            return
        for _ in range(100):
            if not self.running:
                break
            if self.talking is not None:
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
