"""The dialogue decides every turn: sentences about single turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ProviderUnavailable
from actors.machines.dialogue import Dialogue
from actors.machines.policy import TurnPolicy
from actors.messages import SpeakingStarted, SpeechPaused, StreamId, TurnId
from actors.orders import (
    Abandon,
    Begin,
    BeginUtterance,
    CloseMicrophone,
    DropUtterance,
    EndTurn,
    EndUtterance,
    Fail,
    Hold,
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
from tests.machines.feeding import (
    ONE,
    STREAM,
    begin,
    chimes,
    ended,
    microphone_failed,
    opened,
    result,
    speak_over,
    spoken,
    started,
    transcribed,
    utterance,
    voiced,
)


def test_a_turn_speaks_then_listens_then_gives_the_transcript() -> None:
    dialogue = Dialogue()
    assert dialogue.feed(begin(), 10.0) == [OpenMicrophone(STREAM), Speak(ONE)]
    assert dialogue.state == "speaking"
    assert dialogue.feed(SpeakingStarted(turn=ONE, at=10.02), 10.02) == []
    assert dialogue.feed(spoken(), 12.0) == [PlayChime(ONE, "listening")]
    assert dialogue.state == "listening"
    assert dialogue.feed(started(13.0), 13.1) == [BeginUtterance(number=1, stream=STREAM, since=12.5)]
    assert dialogue.state == "hearing"
    assert dialogue.feed(ended(14.0), 14.7) == [
        EndUtterance(number=1, until=14.3),
        CloseMicrophone(),
        PlayChime(ONE, "captured"),
    ]
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
    assert commands == [BeginUtterance(number=1, stream=STREAM, since=1.5), Hold(ONE), Hush(ONE, 2.0)]
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
    assert dialogue.feed(microphone_failed(1.0), 1.0) == []
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
    assert dialogue.feed(Tick(), 31.0) == [EndUtterance(number=1, until=31.0), PlayChime(ONE, "captured")]


def test_a_recogniser_that_fails_leaves_the_recording() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    dialogue.feed(utterance(), 2.7)
    error = ProviderUnavailable("ears", "The recogniser is gone.")
    assert dialogue.feed(TranscriptionFailed(turn=ONE, error=error), 3.0) == [Fail(ONE, error)]
    assert str(error) == (
        "The recogniser is gone. What was said is kept in said.wav: voicemode transcribe --pending finishes it later."
    )


def test_a_voice_that_fails_ends_the_turn_with_what_the_user_said_kept() -> None:
    dialogue = Dialogue()
    error = ProviderUnavailable("mouth", "The voice is gone.")
    dialogue.feed(begin(), 0.0)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(SpeakingFailed(turn=ONE, error=error), 1.2)
    assert dialogue.feed(spoken(heard="", complete=False), 1.2) == [EndUtterance(number=1, until=1.2)]
    assert dialogue.feed(utterance(), 1.3) == [CloseMicrophone(), Fail(ONE, error)]
    assert error.recording == Path("said.wav")


def test_a_second_turn_cannot_begin_inside_the_first_and_changes_nothing() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    with pytest.raises(RuntimeError, match="a turn is running"):
        dialogue.feed(begin(turn=TurnId(2)), 1.0)
    assert dialogue.state == "speaking"
    assert dialogue.feed(spoken(), 2.0) == [PlayChime(ONE, "listening")]


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
    assert dialogue.feed(ended(2.0), 2.7) == [EndUtterance(number=1, until=2.3), PlayChime(ONE, "captured")]


def test_what_is_said_between_two_turns_belongs_to_the_second() -> None:
    dialogue = Dialogue()
    keep_until_transcribing(dialogue)
    assert speak_over(dialogue, 3.0) == [BeginUtterance(number=2, stream=STREAM, since=2.5)]
    assert dialogue.feed(ended(3.5), 4.2) == []
    dialogue.feed(utterance(1), 4.3)
    assert result(dialogue.feed(transcribed("one"), 4.4)).transcript == "one"
    second = TurnId(2)
    assert dialogue.feed(begin(keep=True, turn=second), 4.4) == [
        EndUtterance(number=2, until=3.8),
        PlayChime(second, "captured"),
    ]
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


@pytest.mark.parametrize(
    "bound", [{"no_speech": 0}, {"longest": -1}, {"pre_roll": 4}, {"tail": -0.1}, {"device_wait": -1}]
)
def test_bounds_that_leave_nothing_between_them_are_refused(bound: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bound))):
        TurnPolicy(**bound)  # type: ignore[arg-type]  # each is a number of seconds


def test_the_button_ends_what_the_user_is_saying_without_waiting_for_a_pause() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    assert dialogue.feed(EndTurn(), 2.0) == [EndUtterance(number=1, until=2.0), PlayChime(ONE, "captured")]
    assert dialogue.feed(EndTurn(), 2.1) == []
    # the last of what was said is still on its way from the microphone
    assert dialogue.feed(utterance(), 2.1) == [CloseMicrophone(), Transcribe(ONE, utterance())]
    final = result(dialogue.feed(transcribed(), 2.2))
    assert (final.outcome, final.timings.speech_end_to_transcript_ms) == ("heard", 200.0)


def test_the_button_ends_the_wait_for_somebody_who_has_not_spoken() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    commands = dialogue.feed(EndTurn(), 2.0)
    assert commands[:2] == [PlayChime(ONE, "done"), CloseMicrophone()]
    assert result(commands).outcome == "no_speech"


def test_the_button_that_ends_the_users_turn_does_nothing_in_the_assistants() -> None:
    dialogue = Dialogue()
    assert dialogue.feed(EndTurn(), 0.0) == []
    dialogue.feed(begin(), 0.0)
    assert dialogue.feed(EndTurn(), 1.0) == []
    dialogue.feed(started(1.9), 2.0)
    assert dialogue.feed(EndTurn(), 2.0) == []
    assert dialogue.state == "hearing"


def test_the_button_ends_an_interruption() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    speak_over(dialogue, 2.0)
    dialogue.feed(spoken(heard="Hello", complete=False), 2.3)
    assert dialogue.feed(EndTurn(), 3.0)[0] == EndUtterance(number=1, until=3.0)


def test_a_chime_invites_the_user_when_the_assistant_is_done_and_only_then() -> None:
    dialogue = Dialogue()
    assert chimes(dialogue.feed(begin(), 0.0)) == []
    assert chimes(dialogue.feed(opened(0.1), 0.1)) == []
    assert chimes(dialogue.feed(spoken(), 2.0)) == ["listening"]
    assert chimes(dialogue.feed(voiced(2.1), 2.1)) == []


def test_a_chime_invites_the_user_at_once_when_there_is_nothing_to_say() -> None:
    assert Dialogue().feed(begin(engine=None), 0.0) == [OpenMicrophone(STREAM), PlayChime(ONE, "listening")]


def test_who_is_speaking_already_is_not_invited() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(started(1.9), 2.0)
    assert chimes(dialogue.feed(spoken(), 2.0)) == []
    assert chimes(dialogue.feed(ended(3.0), 3.7)) == ["captured"]


def test_nobody_is_invited_by_an_assistant_that_does_not_listen() -> None:
    assert chimes(overheard().feed(spoken(), 2.0)) == []


def test_a_chime_says_that_nobody_listens_any_longer() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    assert chimes(dialogue.feed(Tick(), 10.0)) == ["done"]


@pytest.mark.parametrize("button", [Stop(), Abandon()])
def test_whoever_ends_the_turn_themselves_needs_no_chime(button: Stop | Abandon) -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    dialogue.feed(started(1.0), 1.1)
    assert chimes(dialogue.feed(button, 2.0)) == []


def test_a_silence_in_a_talk_in_which_listening_goes_on_is_silent() -> None:
    dialogue = Dialogue()
    assert chimes(dialogue.feed(begin(engine=None, keep=True), 0.0)) == ["listening"]
    assert chimes(dialogue.feed(Tick(), 10.0)) == []
    assert chimes(dialogue.feed(begin(engine=None, keep=True, turn=TurnId(2)), 10.0)) == []
    dialogue.feed(started(11.0), 11.1)
    assert chimes(dialogue.feed(ended(12.0), 12.7)) == ["captured"]
    dialogue.feed(utterance(), 12.7)
    dialogue.feed(transcribed("", TurnId(2)), 12.8)
    assert chimes(dialogue.feed(begin(engine=None, keep=True, turn=TurnId(3)), 12.8)) == ["listening"]
