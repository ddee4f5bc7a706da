"""What the assistant does when it is spoken over, in each of its manners, and what it does not do."""

from __future__ import annotations

import pytest

from actors.errors import ProviderUnavailable
from actors.machines.barge_in import UNDECIDED, BargeInPolicy, Manners
from actors.machines.hearing import EAGER
from actors.machines.policy import TurnPolicy
from actors.messages import TurnId
from actors.orders import (
    BeginUtterance,
    DropUtterance,
    Duck,
    EndUtterance,
    Expect,
    FinishSentence,
    Follow,
    GoOn,
    Hold,
    Hush,
    Interrupt,
    SpeakingFailed,
    Stop,
    Tick,
    Transcribe,
    Understood,
)
from tests.machines.feeding import ONE, WINDOW, microphone_failed, opened
from tests.machines.scene import Scene

COUGH = 0.128


def spoken_over(manners: Manners = "interrupt", *, drafts: bool = True, live: bool = False, **policy: object) -> Scene:
    """The assistant is talking; nobody has said anything yet."""
    interruptible = bool(policy.pop("interruptible", True))
    barge_in = BargeInPolicy(manners=manners, **policy)  # type: ignore[arg-type]  # each is what its name says
    scene = Scene(TurnPolicy(interruptible=interruptible, barge_in=barge_in), engine="mouth", drafts=drafts, live=live)
    scene.feed(opened(0.0))
    scene.assistant_sounds()
    scene.now = 2.0
    return scene


def decided(scene: Scene) -> list[str]:
    """What was decided of the assistant's voice by the last thing that happened."""
    kinds = Duck | Hold | GoOn | Hush | FinishSentence
    return [type(command).__name__ for command in scene.commands if isinstance(command, kinds)]


def test_a_voice_ducks_the_assistant_at_once_and_hushes_it_when_it_lasts() -> None:
    scene = spoken_over()
    scene.user_says(COUGH)
    assert scene.only(Duck) == Duck(ONE, 0.25)
    scene.user_goes_on()
    assert decided(scene) == ["Hush"]


def test_a_cough_lets_the_assistant_go_on_and_is_counted() -> None:
    scene = spoken_over()
    scene.user_says(COUGH)
    scene.user_pauses()
    assert decided(scene) == ["GoOn"]
    scene.user_ends()
    assert decided(scene) == []
    assert scene.all(DropUtterance)
    scene.assistant_ends()
    scene.time_passes(10.0)
    assert (scene.result.outcome, scene.result.false_interruptions) == ("no_speech", 1)


def test_every_cough_is_judged_anew() -> None:
    scene = spoken_over()
    scene.user_says(COUGH)
    scene.user_pauses()
    scene.user_goes_on(COUGH)
    assert decided(scene) == ["Duck"]
    scene.user_pauses()
    assert decided(scene) == ["GoOn"]
    scene.user_goes_on()
    assert decided(scene) == ["Duck", "Hush"]


def test_a_cough_as_the_assistant_ends_is_no_false_interruption() -> None:
    scene = spoken_over()
    scene.user_says(COUGH)
    scene.assistant_ends()
    assert decided(scene) == []
    scene.user_pauses()
    scene.user_ends()
    scene.recorded()
    scene.transcript_comes("")
    assert (scene.result.outcome, scene.result.false_interruptions) == ("no_speech", 0)


def test_an_assistant_that_was_hushed_by_hand_does_not_go_on_after_a_cough() -> None:
    scene = spoken_over()
    scene.user_says(COUGH)
    scene.feed(Interrupt())
    assert decided(scene) == ["Hush"]
    scene.user_pauses()
    scene.user_ends()
    assert decided(scene) == []
    scene.assistant_ends("Hello")
    scene.time_passes(10.0)
    assert (scene.result.outcome, scene.result.false_interruptions) == ("interrupted", 0)


def test_a_live_recogniser_hears_an_interruption_as_soon_as_it_is_one() -> None:
    scene = spoken_over(live=True)
    scene.user_says(COUGH)
    assert not scene.all(Follow)
    scene.user_goes_on(0.32)
    assert scene.all(Follow)


def test_after_an_interruption_its_draft_is_the_transcript() -> None:
    scene = spoken_over()
    scene.user_says()
    scene.assistant_ends("Hello")
    scene.user_pauses()
    scene.draft_says("Is that all?")
    scene.user_ends()
    scene.recorded()
    assert scene.only(Understood)
    assert (scene.result.outcome, scene.result.transcript) == ("interrupted", "Is that all?")


@pytest.mark.parametrize("text", ["mhm", "I see, wow", "", "Uh-huh."])
def test_a_sign_of_listening_lets_a_held_assistant_go_on(text: str) -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.5)
    assert decided(scene) == ["Hold"]
    scene.user_pauses()
    assert decided(scene) == []
    scene.draft_says(text)
    assert decided(scene) == ["GoOn"]
    scene.user_ends()
    assert scene.all(DropUtterance)
    assert scene.dialogue.state == "speaking"


@pytest.mark.parametrize("text", ["no that is wrong", "no wait", "Actually", "mhm but listen"])
def test_words_hush_a_held_assistant(text: str) -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.5)
    scene.user_pauses()
    scene.draft_says(text)
    assert decided(scene) == ["Hush"]
    assert scene.dialogue.state == "hearing"


def test_a_held_assistant_is_hushed_by_much_voice_without_words() -> None:
    scene = spoken_over("pause_and_resume", live=True)
    scene.user_says(2.24)
    assert decided(scene) == ["Hold", "Hush"]
    assert scene.all(Follow)


@pytest.mark.parametrize(("seconds", "decision"), [(0.5, "Hush"), (COUGH, "GoOn")])
def test_where_the_words_cannot_be_had_the_length_decides(seconds: float, decision: str) -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(seconds)
    scene.user_pauses()
    scene.draft_fails()
    assert decided(scene) == [decision]


@pytest.mark.parametrize(("seconds", "decision"), [(0.5, "Hush"), (COUGH, "GoOn")])
def test_where_the_words_are_not_there_at_the_end_the_length_decides(seconds: float, decision: str) -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(seconds)
    scene.user_pauses()
    scene.user_ends(1.5)
    assert decided(scene) == [decision]
    if decision == "Hush":
        scene.assistant_ends("Hello")
        assert scene.recorded() == []
        scene.draft_says("mhm")
        assert scene.result.transcript == "mhm"


def test_where_there_are_no_drafts_a_held_assistant_is_hushed_by_voice() -> None:
    scene = spoken_over("pause_and_resume", drafts=False)
    scene.user_says(0.5)
    assert decided(scene) == ["Hold", "Hush"]


def test_who_goes_on_after_a_sign_of_listening_holds_the_assistant_again() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.5)
    scene.user_pauses()
    scene.draft_says("mhm")
    scene.user_goes_on(0.5)
    assert decided(scene) == ["Hold"]
    scene.user_pauses()
    scene.draft_says("mhm that is not it", number=2)
    assert decided(scene) == ["Hush"]


def test_who_goes_on_before_their_words_are_known_keeps_the_assistant_held() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.3)
    scene.user_pauses()
    scene.user_goes_on(0.3)
    assert decided(scene) == []
    assert scene.draft_says("no") == []
    scene.user_pauses()
    scene.draft_says("no no", number=2)
    assert decided(scene) == ["Hush"]


def test_a_microphone_that_dies_lets_a_held_assistant_go_on() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.5)
    scene.feed(microphone_failed(scene.now))
    assert decided(scene) == ["GoOn"]
    scene.assistant_ends()
    assert scene.dialogue.state == "listening"


def test_with_more_words_wanted_few_do_not_interrupt() -> None:
    scene = spoken_over(min_words=3)
    scene.user_says(0.5)
    assert decided(scene) == ["Duck"]
    scene.user_pauses()
    scene.draft_says("not so")
    assert decided(scene) == ["GoOn"]
    scene.user_goes_on()
    scene.user_pauses()
    scene.draft_says("not so fast please", number=2)
    assert decided(scene) == ["Hush"]


def test_a_polite_assistant_finishes_its_sentence_and_is_not_ducked() -> None:
    scene = spoken_over("finish_sentence")
    scene.user_says()
    assert decided(scene) == ["FinishSentence"]
    scene.user_pauses()
    scene.draft_says("Is that all?")
    scene.user_ends()
    scene.recorded()
    assert scene.only(Understood)
    scene.assistant_ends("Hello")
    assert (scene.result.outcome, scene.result.transcript, scene.result.spoken.heard) == (
        "interrupted",
        "Is that all?",
        "Hello",
    )


def test_an_assistant_in_its_last_sentence_was_not_interrupted() -> None:
    scene = spoken_over("finish_sentence")
    scene.user_says()
    scene.assistant_ends()
    scene.user_ends()
    scene.recorded()
    scene.transcript_comes()
    assert scene.result.outcome == "heard"


def test_an_assistant_that_has_not_made_a_sound_has_no_sentence_to_finish() -> None:
    scene = Scene(TurnPolicy(barge_in=BargeInPolicy(manners="finish_sentence")), engine="mouth")
    scene.user_says()
    assert decided(scene) == ["Hush"]


def test_a_stop_word_stops_an_assistant_that_finishes_its_sentence() -> None:
    scene = spoken_over("finish_sentence")
    scene.user_says(0.5)
    scene.user_pauses()
    scene.draft_says("please stop")
    assert decided(scene) == ["Hush"]


def test_a_stop_word_of_an_earlier_turn_is_none_of_this_one() -> None:
    policy = TurnPolicy(barge_in=BargeInPolicy(manners="finish_sentence", protected=1.0))
    scene = Scene(policy, engine="mouth", keep=True)
    scene.assistant_sounds()
    scene.user_says(0.3)
    scene.user_pauses()
    scene.draft_says("stop")
    assert decided(scene) == ["Hush"]
    scene.user_ends()
    scene.assistant_ends("Hello")
    scene.recorded()
    assert scene.result.transcript == "stop"
    scene.begins(engine="mouth", keep=True, turn=TurnId(2))
    scene.assistant_sounds()
    scene.now += 3.0
    scene.user_says()
    assert decided(scene) == ["FinishSentence"]


def test_an_assistant_that_ignores_the_user_is_not_disturbed() -> None:
    scene = spoken_over("ignore")
    scene.user_says(3.0)
    scene.user_pauses()
    scene.draft_says("no that is wrong")
    scene.user_ends()
    assert decided(scene) == []
    assert scene.all(DropUtterance)


@pytest.mark.parametrize("text", ["stop", "Please stop.", "oh shut up"])
@pytest.mark.parametrize(
    ("manners", "policy"),
    [
        ("ignore", {}),
        ("interrupt", {"interruptible": False}),
        ("interrupt", {"protected": 60.0}),
        ("pause_and_resume", {"protected": 60.0}),
        ("pause_and_resume", {}),
        ("finish_sentence", {"interruptible": False}),
    ],
)
def test_a_stop_word_always_hushes(manners: Manners, policy: dict[str, object], text: str) -> None:
    scene = spoken_over(manners, **policy)
    scene.user_says(0.4)
    scene.user_pauses()
    scene.draft_says(text)
    assert decided(scene) == ["Hush"]
    scene.assistant_ends("Hello")
    scene.user_ends()
    scene.recorded()
    assert (scene.result.outcome, scene.result.transcript) == ("interrupted", text)


@pytest.mark.parametrize("text", ["when does the bus stop", "I would like to stop here for a bit", "mhm"])
def test_a_sentence_with_a_stop_word_at_its_end_is_none(text: str) -> None:
    scene = spoken_over("ignore")
    scene.user_says(0.4)
    scene.user_pauses()
    scene.draft_says(text)
    assert decided(scene) == []


def test_the_first_words_of_a_protected_assistant_cannot_be_interrupted_and_later_ones_can() -> None:
    scene = spoken_over(protected=2.5)
    scene.user_says(0.4)
    assert decided(scene) == []
    scene.user_goes_on(0.96)
    assert decided(scene) == ["Hush"]


def test_an_assistant_without_a_first_sample_is_protected() -> None:
    scene = Scene(TurnPolicy(barge_in=BargeInPolicy(protected=1.0)), engine="mouth")
    scene.now = 5.0
    scene.user_says(0.96)
    assert decided(scene) == []


def test_who_is_ignored_and_still_speaks_when_the_assistant_ends_is_heard_from_the_beginning() -> None:
    scene = spoken_over("ignore")
    scene.user_says()
    scene.assistant_ends()
    assert scene.dialogue.state == "hearing"
    scene.user_pauses()
    scene.draft_says("Is that all?")
    scene.user_ends()
    assert scene.only(EndUtterance).number == 1
    scene.recorded()
    assert scene.result.outcome == "heard"


def test_a_held_assistant_ends_when_nobody_listens_any_more() -> None:
    scene = Scene(TurnPolicy(barge_in=BargeInPolicy(manners="pause_and_resume")), engine="mouth", listen=False)
    scene.assistant_sounds()
    scene.user_says(0.3)
    assert decided(scene) == ["Hold"]
    scene.user_pauses()
    scene.draft_says("hm")
    assert decided(scene) == ["GoOn"]
    scene.user_ends()
    scene.assistant_ends()
    assert scene.result.outcome == "said"


def test_a_held_assistant_waits_for_words_until_the_bound_and_for_nothing_else() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.5)
    assert scene.dialogue.deadline == pytest.approx(2.0 + 3 * WINDOW + UNDECIDED)
    assert scene.feed(Tick()) == []
    assert not scene.all(Transcribe)


@pytest.mark.parametrize("manners", ["interrupt", "pause_and_resume"])
def test_a_noise_that_never_ends_lets_the_assistant_go_on_once(manners: Manners) -> None:
    scene = spoken_over(manners)
    scene.user_says(COUGH)
    began = scene.now
    scene.noise_goes_on(UNDECIDED - 0.1)
    assert decided(scene) == []
    scene.noise_goes_on(0.1)
    assert decided(scene) == ["GoOn"]
    assert scene.now - began <= UNDECIDED + WINDOW
    scene.noise_goes_on(60.0)
    assert decided(scene) == []
    scene.user_pauses()
    scene.user_ends()
    scene.assistant_ends()
    scene.time_passes(10.0)
    assert (scene.result.outcome, scene.result.false_interruptions) == ("no_speech", 1)


@pytest.mark.parametrize(("text", "decision"), [("no that is wrong", ["Hush"]), ("mhm", []), ("", [])])
def test_words_in_what_was_taken_for_noise_interrupt_when_they_are_known(text: str, decision: list[str]) -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(COUGH)
    scene.noise_goes_on(UNDECIDED)
    scene.user_pauses()
    scene.draft_says(text)
    assert decided(scene) == decision


def test_a_voice_in_a_noise_that_was_passed_over_holds_the_assistant_again() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(COUGH)
    scene.noise_goes_on(UNDECIDED + 1.0)
    scene.noise_goes_on(COUGH, probability=0.9)
    assert decided(scene) == []
    scene.noise_goes_on(0.096, probability=0.9)
    assert decided(scene) == ["Hold"]
    scene.noise_goes_on(UNDECIDED)
    assert decided(scene) == ["GoOn"]
    scene.noise_goes_on(2.24, probability=0.9)
    assert decided(scene) == ["Hold", "Hush"]


def test_a_voice_that_breaks_all_the_time_and_never_pauses_is_one() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(COUGH)
    commands = []
    while not commands and scene.now < 10.0:
        commands += scene.noise_goes_on(0.128, probability=0.4)
        commands += scene.noise_goes_on(0.32, probability=0.9)
    assert decided(scene) == ["Hush"]
    assert scene.now <= 2.0 + 4 * WINDOW + UNDECIDED + 0.5


@pytest.mark.parametrize(("seconds", "decision"), [(0.5, "Hush"), (COUGH, "GoOn")])
def test_where_the_words_are_not_there_at_the_bound_the_length_decides(seconds: float, decision: str) -> None:
    policy = TurnPolicy(ignore_silence=True, barge_in=BargeInPolicy(manners="pause_and_resume"))
    scene = Scene(policy, engine="mouth")
    scene.assistant_sounds()
    scene.user_says(seconds)
    scene.user_pauses()
    scene.time_passes(UNDECIDED)
    assert decided(scene) == [decision]


def test_an_assistant_whose_voice_failed_is_held_no_longer() -> None:
    scene = spoken_over("pause_and_resume")
    scene.user_says(COUGH)
    scene.feed(SpeakingFailed(turn=ONE, error=ProviderUnavailable("mouth", "gone")))
    scene.noise_goes_on(UNDECIDED)
    assert decided(scene) == ["GoOn"]


def passed_over(text: str) -> Scene:
    """Somebody says ``text`` over an assistant that then goes on."""
    scene = spoken_over("pause_and_resume")
    scene.user_says(0.4)
    scene.user_pauses()
    scene.draft_says(text)
    assert decided(scene) == ["GoOn"]
    scene.user_ends(0.4)
    return scene


def test_a_yes_said_over_the_assistants_last_words_is_the_answer() -> None:
    scene = passed_over("yes")
    assert (scene.dialogue.state, scene.all(DropUtterance), scene.all(EndUtterance)) == ("speaking", [], [])
    scene.now += 0.5
    scene.assistant_ends()
    assert scene.only(EndUtterance) == EndUtterance(number=1, until=scene.voice_ended + 0.3)
    scene.recorded()
    assert (scene.result.outcome, scene.result.transcript) == ("heard", "yes")
    assert scene.result.false_interruptions == 1


def test_a_yes_said_long_before_the_assistants_end_is_not() -> None:
    scene = passed_over("yes")
    scene.now += EAGER
    scene.assistant_ends()
    assert scene.only(DropUtterance).number == 1
    scene.time_passes(10.0)
    assert scene.result.outcome == "no_speech"


def test_a_sign_of_listening_is_never_the_answer() -> None:
    scene = passed_over("I see")
    assert scene.only(DropUtterance).number == 1
    scene.assistant_ends()
    assert scene.dialogue.state == "listening"


def test_who_goes_on_after_a_yes_in_passing_says_all_of_it() -> None:
    scene = passed_over("yes")
    scene.now += 0.5
    began = scene.now
    scene.user_says()
    assert not scene.all(DropUtterance)
    scene.user_pauses()
    scene.draft_says("yes and now the other", number=2)
    assert scene.only(Hush) == Hush(ONE, began)
    scene.assistant_ends("Hello")
    scene.user_ends()
    scene.recorded()
    assert (scene.result.outcome, scene.result.transcript) == ("interrupted", "yes and now the other")
    assert scene.result.timings.barge_in_ms is not None
    assert scene.result.timings.barge_in_ms < 200.0


def test_who_goes_on_long_after_a_yes_in_passing_says_something_new() -> None:
    scene = passed_over("yes")
    scene.now += EAGER
    scene.user_says()
    assert scene.only(DropUtterance).number == 1
    assert scene.only(BeginUtterance).number == 2


def test_a_yes_in_passing_is_forgotten_with_a_button_that_silences_the_assistant() -> None:
    scene = passed_over("yes")
    scene.feed(Interrupt())
    scene.assistant_ends("Hello")
    assert scene.only(DropUtterance).number == 1
    assert scene.dialogue.state == "listening"


def test_a_yes_in_passing_ends_where_it_did_when_the_turn_is_stopped() -> None:
    scene = passed_over("yes")
    scene.now += 0.5
    scene.feed(Stop())
    assert scene.only(EndUtterance).until == scene.voice_ended + 0.3
    assert not scene.all(Expect)
