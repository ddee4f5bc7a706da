"""What the user says is transcribed before it is certain that they are done: when, how often, and what of it counts."""

from __future__ import annotations

import pytest

from actors.errors import ProviderUnavailable
from actors.machines.barge_in import BargeInPolicy
from actors.machines.policy import TurnPolicy
from actors.messages import DraftId, TurnId
from actors.orders import (
    BeginUtterance,
    Draft,
    DropDraft,
    EndTurn,
    EndUtterance,
    Expect,
    Fail,
    Follow,
    Stop,
    Transcribe,
    TranscriptionFailed,
    Understood,
)
from actors.results import Speculation
from tests.machines.feeding import ONE, microphone_failed
from tests.machines.scene import Scene


def drafted(text: str = "Is that all?") -> Scene:
    """The user has paused, and the draft of what they said is there."""
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.draft_says(text)
    return scene


def test_a_draft_is_asked_for_at_a_pause_of_all_the_sound_there_is() -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    assert scene.only(Draft) == Draft(ONE, DraftId(1, 1), scene.voice_ended)
    assert scene.patience == 1.5


def test_when_the_user_does_not_go_on_the_draft_is_the_transcript() -> None:
    scene = drafted()
    scene.user_ends(0.3)
    assert not scene.all(Transcribe)
    scene.recorded()
    assert scene.only(Understood).transcript.text == "Is that all?"
    assert not scene.all(Transcribe)
    assert (scene.result.outcome, scene.result.transcript, scene.result.engines.stt) == (
        "heard",
        "Is that all?",
        "ears",
    )
    assert scene.result.speculation == Speculation(drafts=1, wasted=0, used=True)


def test_a_draft_is_dropped_and_counted_when_the_user_goes_on() -> None:
    scene = drafted("I went there and")
    scene.user_goes_on()
    assert scene.only(DropDraft) == DropDraft(DraftId(1, 1))
    scene.user_pauses()
    assert scene.only(Draft).draft == DraftId(1, 2)
    scene.draft_says("I went there and came back.", number=2)
    scene.user_ends(0.3)
    scene.recorded()
    assert scene.result.transcript == "I went there and came back."
    assert scene.result.speculation == Speculation(drafts=2, wasted=1, used=True)


def test_a_draft_that_comes_after_the_user_went_on_changes_nothing() -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.user_goes_on()
    assert scene.draft_says("Is that all?") == []
    scene.user_pauses()
    assert scene.draft_says("Is that all?", number=1) == []
    scene.user_ends(1.5)
    assert scene.recorded() == []
    scene.draft_says("That is all of it.", number=2)
    assert scene.result.transcript == "That is all of it."


def test_no_more_drafts_are_made_than_the_policy_allows() -> None:
    scene = Scene(TurnPolicy(drafts=2))
    asked = 0
    scene.user_says()
    for _ in range(5):
        scene.user_pauses()
        asked += len(scene.all(Draft))
        scene.user_goes_on()
    assert asked == 2
    scene.user_pauses()
    assert scene.patience < 1.5
    scene.user_ends()
    scene.recorded()
    assert scene.all(Transcribe)
    scene.transcript_comes()
    assert scene.result.speculation == Speculation(drafts=2, wasted=2, used=False)


@pytest.mark.parametrize(("most", "drafts"), [(0, True), (4, False)])
def test_without_drafts_the_whole_is_transcribed_at_the_end(most: int, drafts: bool) -> None:
    scene = Scene(TurnPolicy(drafts=most), drafts=drafts)
    scene.user_says()
    scene.user_pauses()
    assert not scene.all(Draft)
    assert scene.patience == 0.7
    scene.user_ends()
    scene.recorded()
    assert scene.all(Transcribe)
    scene.transcript_comes()
    assert scene.result.speculation == Speculation()


def test_a_draft_that_fails_leaves_it_to_a_transcript_of_the_whole() -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.draft_fails()
    assert scene.patience == 0.7
    scene.user_ends()
    scene.recorded()
    assert scene.all(Transcribe)
    assert not scene.all(Fail)
    scene.transcript_comes("hi")
    assert (scene.result.transcript, scene.result.speculation.used) == ("hi", False)


@pytest.mark.parametrize("recorded_first", [True, False])
def test_a_draft_that_is_on_its_way_at_the_end_is_waited_for(recorded_first: bool) -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.user_ends(1.5)
    if recorded_first:
        assert scene.recorded() == []
        scene.draft_says("Is that all?")
    else:
        assert scene.draft_says("Is that all?") == []
        scene.recorded()
    assert not scene.all(Transcribe)
    assert scene.result.transcript == "Is that all?"


@pytest.mark.parametrize("recorded_first", [True, False])
def test_a_draft_that_fails_after_the_end_is_made_up_for_once(recorded_first: bool) -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.user_ends(1.5)
    first, second = (scene.recorded, scene.draft_fails) if recorded_first else (scene.draft_fails, scene.recorded)
    assert first() == []
    second()
    assert scene.only(Transcribe)
    assert scene.draft_fails() == []
    scene.transcript_comes()
    assert scene.result.outcome == "heard"


def test_the_button_in_a_pause_takes_the_draft() -> None:
    scene = drafted("I would like to and")
    scene.feed(EndTurn())
    assert scene.only(Expect).until == scene.now
    assert scene.only(EndUtterance)
    scene.recorded()
    assert scene.result.transcript == "I would like to and"


def test_the_button_in_a_pause_waits_for_the_draft_that_is_on_its_way() -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.feed(EndTurn())
    assert scene.recorded()
    assert not scene.all(Transcribe)
    scene.draft_says("yes")
    assert scene.result.transcript == "yes"


def test_the_button_in_the_middle_of_speech_takes_no_draft_of_what_came_before() -> None:
    scene = drafted("I would like to and")
    scene.user_goes_on()
    scene.feed(EndTurn())
    scene.recorded()
    assert scene.all(Transcribe)
    scene.transcript_comes("I would like to and fro")
    assert scene.result.transcript == "I would like to and fro"
    assert not scene.result.speculation.used


def test_a_live_recogniser_is_given_the_utterance_from_its_beginning() -> None:
    scene = Scene(live=True)
    scene.user_says()
    assert scene.only(Follow) == Follow(ONE, DraftId(1, 1))
    scene.user_pauses()
    assert scene.only(Draft).draft == DraftId(1, 1)
    scene.user_goes_on()
    assert [type(command) for command in scene.commands if isinstance(command, DropDraft | Follow)] == [
        DropDraft,
        Follow,
    ]
    assert scene.only(Follow).draft == DraftId(1, 2)


def test_what_a_live_recogniser_is_given_ends_where_the_utterance_is_cut() -> None:
    scene = Scene(live=True)
    scene.user_says()
    scene.feed(EndTurn())
    assert scene.only(Draft) == Draft(ONE, DraftId(1, 1), scene.now)
    scene.recorded()
    assert not scene.all(Transcribe)
    scene.draft_says("yes")
    assert scene.result.transcript == "yes"


def test_what_a_live_recogniser_is_given_ends_when_the_microphone_dies() -> None:
    scene = Scene(live=True)
    scene.user_says()
    scene.feed(microphone_failed(scene.now))
    assert scene.only(Draft).until == scene.now
    scene.recorded()
    scene.draft_says("yes")
    assert scene.result.transcript == "yes"


def test_a_live_recogniser_that_fails_early_is_asked_again_at_the_pause() -> None:
    scene = Scene(live=True)
    scene.user_says()
    assert scene.draft_fails() == []
    scene.user_pauses()
    assert scene.only(Draft).draft == DraftId(1, 2)
    scene.draft_says("yes", number=2)
    scene.user_ends()
    scene.recorded()
    assert scene.result.transcript == "yes"
    assert scene.result.speculation == Speculation(drafts=2, wasted=1, used=True)


def test_a_turn_that_is_stopped_waits_for_no_draft() -> None:
    scene = Scene(live=True)
    scene.user_says()
    scene.feed(Stop())
    scene.recorded()
    assert (scene.result.outcome, scene.result.transcript) == ("stopped", "")


def test_drafts_and_transcripts_of_another_turn_are_not_of_this_one() -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.turn = TurnId(7)
    assert scene.draft_says("no") == []
    assert scene.draft_fails() == []
    assert scene.sound_is_judged(0.9) == []
    scene.turn = ONE
    scene.draft_says("Is that all?")
    assert scene.patience == 0.3


def test_who_answers_before_the_assistant_has_ended_is_drafted_too() -> None:
    scene = Scene(engine="mouth", live=True)
    scene.user_says(0.128)
    scene.assistant_ends()
    assert scene.only(Follow).draft == DraftId(1, 1)
    scene.user_pauses()
    assert scene.only(Draft).draft == DraftId(1, 1)


def test_a_sound_in_whose_pause_the_assistant_ends_is_an_answer_and_drafted_at_once() -> None:
    scene = Scene(TurnPolicy(barge_in=BargeInPolicy(manners="interrupt")), engine="mouth")
    scene.user_says(0.128)
    scene.user_pauses()
    assert not scene.all(Draft)
    scene.assistant_ends()
    assert scene.dialogue.state == "hearing"
    assert scene.only(Draft) == Draft(ONE, DraftId(1, 1), scene.voice_ended)
    assert scene.patience == 1.5
    scene.draft_says("yes")
    assert scene.patience == 0.3
    scene.user_ends(0.3)
    scene.recorded()
    assert scene.result.transcript == "yes"


def test_who_goes_on_after_the_button_in_a_talk_says_something_for_the_next_turn() -> None:
    scene = Scene(keep=True)
    scene.user_says()
    scene.feed(EndTurn())
    scene.now += 0.5
    scene.voice_ended = scene.now
    scene.user_pauses()
    scene.user_goes_on()
    assert scene.only(BeginUtterance).number == 2
    scene.recorded()
    scene.transcript_comes("one")
    assert scene.result.transcript == "one"
    two = TurnId(2)
    scene.begins(engine="mouth", keep=True, turn=two)
    assert scene.dialogue.state == "hearing"
    scene.user_pauses()
    scene.draft_says("That is two.", utterance=2)
    scene.user_ends()
    scene.recorded(2)
    assert (scene.result.outcome, scene.result.transcript) == ("interrupted", "That is two.")


def test_a_transcript_that_cannot_be_had_in_the_end_fails_the_turn_with_its_own_reason() -> None:
    scene = Scene()
    scene.user_says()
    scene.user_pauses()
    scene.draft_fails()
    scene.user_ends()
    scene.recorded()
    error = ProviderUnavailable("ears", "Deaf.")
    scene.feed(TranscriptionFailed(turn=ONE, error=error))
    assert scene.only(Fail).error is error
