"""How long a pause is waited out by what is known of it."""

from __future__ import annotations

import math

import pytest

from actors.machines.policy import TurnPolicy
from actors.orders import (
    EndTurn,
    Expect,
)
from tests.machines.scene import Scene


def drafted(text: str = "Is that all?") -> Scene:
    """The user has paused, and the draft of what they said is there."""
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.draft_says(text)
    return scene


@pytest.mark.parametrize(
    ("text", "patience"), [("Is that all?", 0.3), ("I would like to and", 1.5), ("no that is wrong", 0.7), ("", 0.7)]
)
def test_the_words_say_how_long_a_pause_is_waited_out(text: str, patience: float) -> None:
    assert drafted(text).patience == patience


def test_with_a_judge_of_the_sound_its_judgement_is_waited_for_as_long_as_if_nothing_were_known() -> None:
    scene = Scene(sound=True)
    scene.user_says()
    scene.user_pauses()
    scene.draft_says("Is that all?")
    assert scene.patience == 0.7
    scene.sound_is_judged(0.95)
    assert scene.patience == 0.3


def test_a_sound_that_does_not_end_outweighs_words_that_may() -> None:
    scene = Scene(sound=True)
    scene.user_says()
    scene.user_pauses()
    scene.sound_is_judged(0.1)
    scene.draft_says("Is that all?")
    assert scene.patience == 1.5


def test_a_sound_that_cannot_be_judged_leaves_it_to_the_words() -> None:
    scene = Scene(sound=True)
    scene.user_says()
    scene.user_pauses()
    scene.sound_is_judged(None)
    scene.draft_says("Is that all?")
    assert scene.patience == 0.3


def test_a_judgement_of_an_earlier_pause_is_none_of_this_one() -> None:
    scene = Scene(sound=True)
    scene.user_says()
    scene.user_pauses()
    scene.user_goes_on()
    scene.user_pauses()
    assert scene.sound_is_judged(0.95, number=1) == []
    scene.draft_says("Is that all?", number=2)
    assert scene.patience == 0.7


def test_who_is_to_be_listened_to_for_a_while_is() -> None:
    scene = Scene(TurnPolicy(least=5.0))
    scene.user_says()
    scene.user_pauses()
    scene.draft_says("Is that all?")
    assert scene.all(Expect)[-1].until == 5.0


def test_a_silence_that_is_ignored_never_ends_an_utterance_and_the_button_does() -> None:
    scene = Scene(TurnPolicy(ignore_silence=True), keep=True)
    scene.user_says()
    scene.user_pauses()
    scene.draft_says("Is that all?")
    assert scene.all(Expect)[-1].until == math.inf
    scene.feed(EndTurn())
    assert scene.only(Expect).until == scene.now
    scene.recorded()
    assert scene.result.transcript == "Is that all?"


def test_a_spoken_command_is_obeyed_without_a_wait() -> None:
    assert drafted("What?").patience == 0.0


def test_the_habit_of_a_speaker_who_pauses_briefly_shortens_the_wait() -> None:
    scene = Scene(drafts=False)
    scene.user_says()
    for _ in range(6):
        scene.user_pauses()
        scene.now += 0.05
        scene.user_goes_on()
    scene.user_pauses()
    assert scene.patience == pytest.approx((0.7 + 0.25 + 0.1) / 2)
