"""Commands that are spoken or pressed, the rest that was asked for, and the user who is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.machines.barge_in import BargeInPolicy
from actors.machines.policy import TurnPolicy
from actors.machines.spoken_commands import SpokenCommands
from actors.messages import StreamId, TurnId
from actors.orders import (
    Abandon,
    Again,
    BeginUtterance,
    CloseMicrophone,
    DropUtterance,
    EndTurn,
    Finish,
    FinishSentence,
    Hush,
    Input,
    Interrupt,
    OpenMicrophone,
    PlayChime,
    Repeat,
    Settle,
    Speak,
    Stop,
    TellAway,
    TellBack,
    Understood,
)
from tests.machines.feeding import ONE, chimes, microphone_failed, opened
from tests.machines.scene import Scene

SPOKEN = SpokenCommands(end=("over",), stop=("goodbye",))


def asked(text: str, policy: TurnPolicy | None = None, *, engine: str | None = "mouth", keep: bool = False) -> Scene:
    """The assistant has spoken, if it is to, and the user has said ``text``."""
    scene = Scene(policy or TurnPolicy(spoken=SPOKEN), engine=engine, keep=keep)
    if engine is not None:
        scene.assistant_sounds()
        scene.assistant_ends()
    answer(scene, text)
    return scene


def answer(scene: Scene, text: str, number: int = 1) -> None:
    scene.user_says()
    scene.user_pauses()
    scene.draft_says(text, utterance=number)
    scene.user_ends()
    scene.recorded(number)


@pytest.mark.parametrize("keep", [False, True])
def test_who_did_not_understand_is_told_again_and_listened_to(keep: bool) -> None:
    scene = asked("What?", keep=keep)
    assert scene.only(Settle) == Settle(Path("said.wav"))
    assert scene.only(Repeat) == Repeat(ONE)
    assert bool(scene.all(OpenMicrophone)) == (not keep)
    assert not scene.all(Finish)
    assert scene.dialogue.state == "speaking"
    scene.assistant_sounds()
    scene.assistant_ends()
    assert chimes(scene.commands) == ["listening"]
    answer(scene, "Is that all?", 2)
    assert (scene.result.outcome, scene.result.transcript) == ("heard", "Is that all?")


def test_what_is_said_again_can_be_interrupted() -> None:
    scene = asked("What?")
    scene.assistant_sounds()
    scene.user_says()
    scene.user_pauses()
    scene.draft_says("Is that all?", utterance=2)
    assert scene.only(Hush)
    scene.assistant_ends("Hello")
    scene.user_ends()
    scene.recorded(2)
    assert (scene.result.outcome, scene.result.transcript) == ("interrupted", "Is that all?")


def test_who_goes_on_while_their_command_is_understood_is_heard_instead() -> None:
    scene = Scene(keep=True)
    scene.user_says()
    scene.user_pauses()
    scene.user_ends()
    scene.user_says()
    assert scene.only(BeginUtterance).number == 2
    scene.recorded(1)
    scene.draft_says("what")
    assert not scene.all(Repeat)
    assert scene.dialogue.state == "hearing"
    scene.user_pauses()
    scene.draft_says("Is that all?", utterance=2)
    scene.user_ends()
    scene.recorded(2)
    assert scene.result.transcript == "Is that all?"


@pytest.mark.parametrize("text", ["what", "wait"])
def test_a_noise_while_a_command_is_understood_leaves_no_recording_behind(text: str) -> None:
    scene = Scene(keep=True)
    scene.user_says()
    scene.user_pauses()
    scene.user_ends()
    scene.user_says(0.128)
    scene.recorded(1)
    scene.draft_says(text)
    dropped = scene.all(DropUtterance)
    scene.user_pauses()
    scene.user_ends()
    dropped += scene.all(DropUtterance)
    assert dropped == [DropUtterance(2)]


def test_a_command_waits_until_the_assistant_has_finished_its_sentence() -> None:
    scene = Scene(TurnPolicy(barge_in=BargeInPolicy(manners="finish_sentence")), engine="mouth")
    scene.assistant_sounds()
    scene.user_says()
    assert scene.only(FinishSentence)
    scene.user_pauses()
    scene.draft_says("say that again")
    scene.user_ends()
    scene.recorded()
    assert scene.only(Understood)
    assert not scene.all(Repeat)
    scene.assistant_ends("Hello")
    assert scene.only(Repeat)


def test_a_spoken_stop_does_not_wait_for_the_sentence() -> None:
    policy = TurnPolicy(barge_in=BargeInPolicy(manners="finish_sentence"), spoken=SPOKEN)
    scene = Scene(policy, engine="mouth")
    scene.assistant_sounds()
    answer(scene, "goodbye")
    assert scene.only(Hush)
    scene.assistant_ends("Hello")
    assert scene.result.outcome == "stopped"


def test_a_spoken_stop_ends_the_turn_and_what_was_open_for_the_next() -> None:
    scene = asked("goodbye", keep=True)
    assert scene.all(CloseMicrophone)
    assert (scene.result.outcome, scene.result.transcript) == ("stopped", "goodbye")


def test_a_spoken_end_is_no_part_of_what_was_said() -> None:
    scene = asked("the red one over")
    assert (scene.result.transcript, scene.result.speculation.used) == ("the red one", True)


def test_a_command_is_obeyed_once() -> None:
    policy = TurnPolicy(barge_in=BargeInPolicy(manners="finish_sentence"), spoken=SPOKEN)
    scene = Scene(policy, engine="mouth")
    scene.assistant_sounds()
    answer(scene, "over and over")
    scene.time_passes(0.1)
    scene.assistant_ends("Hello")
    assert scene.result.transcript == "over and"


@pytest.mark.parametrize("text", ["what", "wait", "repeat"])
def test_who_is_not_listened_to_afterwards_gives_no_commands(text: str) -> None:
    scene = Scene(engine="mouth", listen=False)
    scene.assistant_sounds()
    scene.user_says()
    scene.user_pauses()
    scene.draft_says(text)
    scene.assistant_ends("Hello")
    scene.user_ends()
    scene.recorded()
    assert scene.result.transcript == text


@pytest.mark.parametrize("keep", [False, True])
def test_who_wants_to_wait_is_not_listened_to_until_the_rest_is_over(keep: bool) -> None:
    scene = asked("wait", TurnPolicy(rest=60.0), keep=keep)
    assert bool(scene.all(CloseMicrophone)) == keep
    assert scene.dialogue.stream is None
    rested = scene.now + 60.0
    assert scene.dialogue.deadline == rested
    scene.time_passes(59.0)
    assert scene.commands == []
    scene.time_passes(1.0)
    assert [type(command) for command in scene.commands] == [OpenMicrophone, PlayChime]
    answer(scene, "Is that all?", 2)
    assert (scene.result.outcome, scene.result.transcript) == ("heard", "Is that all?")


def test_after_a_rest_the_user_is_waited_for_as_long_as_ever() -> None:
    scene = asked("wait", TurnPolicy(rest=60.0, no_speech=10.0, away=15.0))
    scene.time_passes(60.0)
    assert scene.dialogue.deadline == scene.now + 10.0
    scene.time_passes(10.0)
    assert scene.result.outcome == "no_speech"


def test_the_button_ends_a_rest() -> None:
    scene = asked("wait")
    scene.feed(EndTurn())
    assert scene.all(OpenMicrophone)
    assert scene.dialogue.state == "listening"


@pytest.mark.parametrize("button", [Stop(), Abandon()])
def test_a_turn_can_be_ended_during_the_rest(button: Input) -> None:
    scene = asked("wait", keep=True)
    scene.feed(button)
    assert not scene.all(CloseMicrophone)
    assert scene.result.outcome == "stopped"


@pytest.mark.parametrize("event", [Interrupt(), Again()])
def test_other_buttons_do_nothing_during_the_rest(event: Input) -> None:
    scene = asked("wait")
    deadline = scene.dialogue.deadline
    assert scene.feed(event) == []
    assert scene.dialogue.deadline == deadline


def test_a_microphone_that_went_before_the_rest_is_no_business_of_it() -> None:
    scene = asked("wait", TurnPolicy(rest=60.0))
    assert scene.feed(microphone_failed(scene.now)) == []
    scene.time_passes(60.0)
    stream = scene.only(OpenMicrophone).stream
    scene.feed(opened(scene.now, stream))
    scene.feed(microphone_failed(scene.now, stream))
    assert scene.dialogue.deadline is not None
    scene.time_passes(1.0)
    assert scene.all(OpenMicrophone)


def test_a_microphone_that_dies_while_it_is_said_again_is_opened_anew() -> None:
    scene = asked("what")
    scene.feed(opened(scene.now, scene.stream))
    scene.feed(microphone_failed(scene.now, scene.stream))
    scene.time_passes(1.0)
    assert scene.all(OpenMicrophone)
    scene.feed(opened(scene.now, scene.stream))
    scene.assistant_ends()
    assert chimes(scene.commands) == ["listening"]


def test_the_button_lets_the_assistant_say_it_again_while_the_user_is_waited_for() -> None:
    scene = Scene(engine="mouth", keep=True)
    assert scene.feed(Again()) == []
    scene.assistant_sounds()
    scene.assistant_ends()
    assert scene.feed(Again()) == [Repeat(ONE)]
    assert scene.feed(Again()) == []
    scene.assistant_ends()
    scene.user_says()
    assert scene.feed(Again()) == []


def test_a_button_that_was_pressed_as_its_turn_ended_is_none_of_the_next() -> None:
    scene = Scene(engine="mouth", listen=False)
    scene.assistant_ends()
    scene.begins(engine="mouth", turn=TurnId(2))
    for button in (Interrupt(ONE), EndTurn(ONE), Again(ONE), Stop(ONE)):
        assert scene.feed(button) == []
    assert scene.feed(Interrupt(TurnId(2))) == [Hush(TurnId(2), None)]


def test_a_user_who_says_nothing_is_away_once_and_back_once() -> None:
    scene = Scene(TurnPolicy(no_speech=100.0, away=15.0), keep=True)
    assert scene.dialogue.deadline == 15.0
    scene.time_passes(15.0)
    assert scene.only(TellAway) == TellAway(ONE, 0.0)
    scene.time_passes(50.0)
    assert scene.commands == []
    scene.user_says()
    assert scene.all(TellBack) == [TellBack(ONE)]
    answer(scene, "no that is wrong")
    two = TurnId(2)
    scene.begins(keep=True, turn=two)
    assert scene.dialogue.deadline is not None
    scene.time_passes(15.0)
    assert scene.only(TellAway).turn == two


def test_who_was_away_stays_so_over_turns_in_which_they_say_nothing() -> None:
    scene = Scene(TurnPolicy(no_speech=20.0, away=15.0))
    scene.time_passes(15.0)
    assert scene.all(TellAway)
    scene.time_passes(5.0)
    assert scene.result.outcome == "no_speech"
    scene.begins(turn=TurnId(2))
    scene.time_passes(19.0)
    assert scene.commands == []
    scene.user_says()
    assert scene.only(TellBack).turn == TurnId(2)


def test_who_was_away_and_speaks_between_two_turns_is_back() -> None:
    scene = Scene(TurnPolicy(no_speech=20.0, away=15.0), keep=True)
    scene.time_passes(15.0)
    scene.time_passes(5.0)
    scene.user_says()
    scene.user_pauses()
    scene.user_ends()
    scene.begins(engine="mouth", keep=True, turn=TurnId(2))
    assert scene.all(TellBack)


def test_nobody_is_away_while_nobody_can_hear_them() -> None:
    scene = Scene(TurnPolicy(no_speech=100.0, away=15.0, device_wait=60.0))
    scene.feed(opened(0.0))
    scene.now = 5.0
    scene.feed(microphone_failed(5.0))
    away = []
    for _ in range(20):
        scene.time_passes(1.0)
        away += scene.all(TellAway)
        if scene.all(OpenMicrophone):
            scene.feed(microphone_failed(scene.now, scene.stream))
    assert away == []
    scene.time_passes(8.0)
    scene.feed(opened(scene.now, StreamId(scene.stream)))
    scene.time_passes(15.0)
    assert scene.all(TellAway)


def test_a_user_to_whom_nobody_listened_for_an_hour_is_not_away() -> None:
    scene = Scene(TurnPolicy(no_speech=20.0, away=15.0), engine="mouth", listen=False)
    scene.assistant_ends()
    scene.now += 3600.0
    scene.begins(turn=TurnId(2))
    assert scene.dialogue.deadline == scene.now + 15.0


def test_an_assistant_that_talks_for_long_leaves_nobody_away() -> None:
    scene = Scene(TurnPolicy(no_speech=20.0, away=15.0), engine="mouth")
    scene.now = 30.0
    scene.assistant_ends()
    assert scene.dialogue.deadline == 45.0
    assert not scene.all(Speak)
