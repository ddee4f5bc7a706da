"""What the user types instead of saying it: whose answer it is, and what becomes of voices meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from actors.account import SpokenText
from actors.machines.dialogue import Dialogue
from actors.messages import TurnId
from actors.orders import (
    Abandon,
    Begin,
    BeginUtterance,
    CloseMicrophone,
    Command,
    DropUtterance,
    Fail,
    Finish,
    GoOn,
    Hush,
    Input,
    Interrupt,
    OpenMicrophone,
    Speak,
    Stop,
    TellAway,
    TellBack,
    Tick,
    Typed,
)
from tests.machines.feeding import (
    ONE,
    STREAM,
    WINDOW,
    begin,
    ended,
    opened,
    result,
    speak_over,
    spoken,
    started,
    transcribed,
    utterance,
    voiced,
)

TWO = TurnId(2)


def typed(text: str = "by hand", turn: TurnId | None = ONE) -> Typed:
    return Typed(turn=turn, text=text)


def listening(*, keep: bool = False) -> Dialogue:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None, keep=keep), 0.0)
    dialogue.feed(opened(0.0), 0.0)
    return dialogue


def kinds(commands: Sequence[Command]) -> list[type[Command]]:
    return [type(command) for command in commands]


def test_it_is_the_answer_while_the_user_is_listened_to() -> None:
    commands = listening().feed(typed(), 1.0)
    assert kinds(commands) == [CloseMicrophone, Finish]
    answer = result(commands)
    assert (answer.outcome, answer.transcript) == ("heard", "by hand")
    assert (answer.utterance, answer.engines.stt, answer.timings.stt_ms) == (None, None, None)


def test_a_kept_microphone_stays_open() -> None:
    assert kinds(listening(keep=True).feed(typed(), 1.0)) == [Finish]


@pytest.mark.parametrize("keep", [True, False])
def test_a_voice_that_is_being_heard_is_dropped(keep: bool) -> None:
    dialogue = listening(keep=keep)
    dialogue.feed(started(1.0), 1.1)
    commands = dialogue.feed(typed(), 1.5)
    assert commands[0] == DropUtterance(1)
    assert result(commands).transcript == "by hand"
    # the rest of it belongs to nobody
    assert dialogue.feed(voiced(1.6), 1.6) == []
    assert dialogue.feed(ended(1.7), 2.4) == []


def test_it_interrupts_the_assistant_and_waits_for_its_account() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    assert dialogue.feed(typed(), 1.0) == [Hush(ONE, None)]
    assert dialogue.state == "speaking"
    answer = result(dialogue.feed(spoken(heard="Hello", complete=False), 1.1))
    assert (answer.outcome, answer.transcript) == ("interrupted", "by hand")
    assert answer.spoken == SpokenText(text="Hello there.", heard="Hello", complete=False)


def test_it_answers_an_assistant_that_was_at_its_end() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(typed(), 1.0)
    assert result(dialogue.feed(spoken(), 1.1)).outcome == "heard"


def test_it_interrupts_what_nobody_was_to_answer_too() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 0.0)
    assert dialogue.feed(typed(), 1.0) == [Hush(ONE, None)]
    answer = result(dialogue.feed(spoken(heard="", complete=False), 1.1))
    assert (answer.outcome, answer.transcript) == ("interrupted", "by hand")


def test_a_voice_that_made_the_assistant_duck_was_no_false_alarm() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(opened(0.0), 0.0)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(voiced(1.1), 1.1)
    commands = dialogue.feed(typed(), 1.15)
    assert DropUtterance(1) in commands
    assert GoOn not in kinds(commands)
    assert result(dialogue.feed(spoken(heard="", complete=False), 1.2)).false_interruptions == 0


def test_who_interrupted_by_voice_and_types_then_is_taken_by_their_typing() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(opened(0.0), 0.0)
    assert Hush in kinds(speak_over(dialogue, 1.0))
    assert DropUtterance(1) in dialogue.feed(typed(), 1.5)
    answer = result(dialogue.feed(spoken(heard="", complete=False), 1.6))
    assert (answer.outcome, answer.transcript, answer.utterance) == ("interrupted", "by hand", None)


def test_lines_that_come_before_the_account_are_one_answer() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(typed("one"), 1.0)
    assert dialogue.feed(typed("two"), 1.0) == []
    assert result(dialogue.feed(spoken(complete=False), 1.1)).transcript == "one\ntwo"


def test_after_an_answer_by_voice_it_belongs_to_the_next_turn_of_a_talk() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    dialogue.feed(utterance(), 2.8)
    assert dialogue.feed(typed(), 2.9) == []
    assert result(dialogue.feed(transcribed("by voice"), 3.0)).transcript == "by voice"
    answer = result(dialogue.feed(begin(turn=TWO, keep=True), 3.0))
    assert (answer.outcome, answer.transcript) == ("interrupted", "by hand")


def test_without_a_next_turn_it_goes_before_an_answer_that_is_not_understood_yet() -> None:
    dialogue = listening()
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    dialogue.feed(utterance(), 2.8)
    answer = result(dialogue.feed(typed(), 2.9))
    assert (answer.outcome, answer.transcript, answer.utterance) == ("heard", "by hand", None)
    assert dialogue.feed(transcribed("by voice"), 3.0) == []


def test_between_two_turns_it_belongs_to_the_next_which_says_nothing() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(typed("one"), 1.0)
    assert dialogue.feed(typed("two", None), 1.1) == []
    commands = dialogue.feed(begin(turn=TWO, keep=True), 1.2)
    assert not {Speak, OpenMicrophone} & set(kinds(commands))
    answer = result(commands)
    assert (answer.turn, answer.outcome, answer.transcript) == (TWO, "interrupted", "two")
    assert answer.spoken == SpokenText(complete=False)


def test_a_turn_that_would_only_have_listened_is_answered_by_it() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(typed(), 1.0)
    dialogue.feed(typed("more", None), 1.1)
    assert result(dialogue.feed(begin(engine=None, turn=TWO, keep=True), 1.2)).outcome == "heard"


def test_a_voice_between_two_turns_gives_way_to_it() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(typed(), 1.0)
    assert kinds(dialogue.feed(started(1.1), 1.2)) == [BeginUtterance]
    dialogue.feed(typed("more", None), 1.3)
    commands = dialogue.feed(begin(turn=TWO, keep=True), 1.4)
    assert commands[0] == DropUtterance(1)
    assert result(commands).transcript == "more"


def test_what_was_typed_for_a_turn_that_never_came_is_forgotten() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(typed(), 1.0)
    dialogue.feed(typed("more", None), 1.1)
    assert dialogue.feed(Abandon(), 1.2) == [CloseMicrophone()]
    assert Speak(TWO) in dialogue.feed(begin(turn=TWO), 2.0)


def test_typed_for_the_turn_before_it_is_the_next_turns_in_a_talk_alone() -> None:
    talk = Dialogue()
    talk.feed(begin(turn=TWO, keep=True), 0.0)
    assert talk.feed(typed(turn=ONE), 0.0) == [Hush(TWO, None)]
    single = Dialogue()
    single.feed(begin(turn=TWO), 0.0)
    assert single.feed(typed(turn=ONE), 0.0) == []
    assert single.state == "speaking"


def test_who_types_is_not_away() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None, keep=True), 0.0)
    for turn in range(2, 4):
        assert dialogue.deadline is not None
        if TellAway in kinds(commands := dialogue.feed(Tick(), dialogue.deadline)):
            break
        assert result(commands).outcome == "no_speech"
        dialogue.feed(begin(engine=None, keep=True, turn=TurnId(turn)), 10.0 * (turn - 1))
    assert TellBack in kinds(dialogue.feed(typed(turn=dialogue.turn), 16.0))


def test_a_turn_that_is_shown_speaks_without_an_engine() -> None:
    dialogue = Dialogue()
    commands = dialogue.feed(Begin(turn=ONE, engine=None, listen=False, shown=True), 0.0)
    assert commands == [Speak(ONE)]
    said = result(dialogue.feed(spoken(), 0.0))
    assert (said.outcome, said.engines.tts) == ("said", None)


HAPPENING = st.lists(
    st.one_of(
        st.sampled_from([Interrupt(), Stop(), Tick()]),
        st.sampled_from([started, voiced, ended]),
        st.just("utterance"),
        st.just("transcript"),
        st.just("account"),
        st.just("typed"),
    ),
    max_size=25,
)


@given(happening=HAPPENING, engine=st.sampled_from(["mouth", None]), keep=st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_else_happens_what_is_typed_is_in_a_result(
    happening: list[object], engine: str | None, keep: bool
) -> None:
    dialogue, now, turn, wrote, stopped = Dialogue(), 0.0, 1, list[str](), False
    endings: dict[int, str] = {}
    owed: list[int] = []
    talking = False

    def feed(event: Input) -> None:
        nonlocal talking
        for command in dialogue.feed(event, now):
            match command:
                case Speak():
                    talking = True
                case Finish(final):
                    assert not talking
                    assert int(final.turn) not in endings
                    endings[int(final.turn)] = final.transcript
                case Fail():
                    raise AssertionError("nothing has failed")
                case _:
                    owed.extend([command.number] if type(command).__name__ == "EndUtterance" else [])

    def account() -> None:
        nonlocal talking
        if talking:
            talking = False
            feed(spoken(TurnId(turn), complete=False))

    feed(begin(engine=engine, keep=keep))
    feed(opened(now))
    for what in happening:
        now += WINDOW
        if turn in endings:
            if not keep or stopped:
                break
            turn += 1
            feed(begin(engine=engine, keep=keep, turn=TurnId(turn)))
        elif what == "typed":
            wrote.append(f"line {len(wrote)}")
            feed(typed(wrote[-1], TurnId(turn)))
        elif what == "utterance" and owed:
            feed(utterance(owed.pop(0)))
        elif what == "transcript":
            feed(transcribed("by voice", TurnId(turn)))
        elif what == "account":
            account()
        elif isinstance(what, Interrupt | Stop | Tick):
            stopped = stopped or isinstance(what, Stop)
            feed(what)
        elif callable(what):
            feed(what(now, dialogue.stream or STREAM))
    for _ in range(3):
        if turn in endings and keep and not stopped:
            turn += 1
            feed(begin(engine=engine, keep=keep, turn=TurnId(turn)))
        account()
        if turn not in endings:
            feed(typed("the last", TurnId(turn)))
            while owed:
                feed(utterance(owed.pop(0)))
            feed(transcribed("by voice", TurnId(turn)))
            account()
    if not stopped:
        said = "\n".join(endings.values()).split("\n")
        assert [line for line in said if line.startswith("line")] == wrote
    feed(Abandon())
    assert dialogue.state == "idle"
