"""Engines that failed are in the result of the turn in which they did, and a turn that fails tells what was heard."""

from __future__ import annotations

from attrs import evolve

from actors.account import SpokenText
from actors.errors import DeviceError, ProviderUnavailable, VoiceError
from actors.machines.dialogue import Dialogue
from actors.messages import ProviderFailure, Service, TurnId, VoiceChanged
from actors.orders import Command, Fail, Interrupt, SpeakingFailed, TranscriptionFailed
from tests.machines.feeding import (
    ONE,
    WINDOW,
    begin,
    ended,
    microphone_failed,
    result,
    speak_over,
    spoken,
    started,
    transcribed,
    utterance,
)


def failure(service: Service, provider: str) -> ProviderFailure:
    return ProviderFailure(service=service, provider=provider, code="timeout", reason="Silence.", seconds=1.5)


def changed(engine: str, *failures: ProviderFailure, turn: TurnId = ONE) -> VoiceChanged:
    return VoiceChanged(turn=turn, at=0.0, engine=engine, failures=failures)


def test_a_change_of_voice_is_in_the_result() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 0.0)
    assert dialogue.feed(changed("two", failure("tts", "one")), 1.0) == []
    dialogue.feed(changed("three", failure("tts", "two")), 2.0)
    outcome = result(dialogue.feed(spoken(), 3.0))
    assert outcome.engines.tts == "three"
    assert [each.provider for each in outcome.failures] == ["one", "two"]


def test_a_change_of_voice_in_another_turn_is_not() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 0.0)
    dialogue.feed(changed("two", failure("tts", "one"), turn=TurnId(7)), 1.0)
    outcome = result(dialogue.feed(spoken(), 3.0))
    assert (outcome.engines.tts, outcome.failures) == ("mouth", ())


def test_failures_of_both_services_are_in_the_result_in_their_order() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(changed("two", failure("tts", "one")), 0.5)
    dialogue.feed(spoken(), 1.0)
    dialogue.feed(started(2.0), 2.0 + WINDOW)
    dialogue.feed(ended(3.0), 3.7)
    dialogue.feed(utterance(), 3.8)
    heard = transcribed()
    failures = (failure("stt", "ears"), failure("stt", "more ears"))
    heard = evolve(heard, transcript=evolve(heard.transcript, failures=failures))
    outcome = result(dialogue.feed(heard, 4.0))
    assert [(each.service, each.provider) for each in outcome.failures] == [
        ("tts", "one"),
        ("stt", "ears"),
        ("stt", "more ears"),
    ]


def failed(commands: list[Command]) -> VoiceError:
    [fail] = [command for command in commands if isinstance(command, Fail)]
    return fail.error


CUT = SpokenText(text="Hello there.", heard="Hello", complete=False)


def test_an_engine_that_fails_midway_tells_how_far_the_assistant_was_heard() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(SpeakingFailed(turn=ONE, error=ProviderUnavailable("mouth", "gone")), 1.0)
    error = failed(dialogue.feed(spoken(heard="Hello", complete=False), 1.1))
    assert (error.spoken, error.interrupted) == (CUT, False)


def test_a_microphone_that_was_never_there_tells_how_far_the_assistant_was_heard() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(microphone_failed(0.5), 0.5)
    error = failed(dialogue.feed(spoken(heard="Hello", complete=False), 0.6))
    assert isinstance(error, DeviceError)
    assert (error.spoken, error.interrupted) == (CUT, False)


def test_a_microphone_that_fails_after_a_stop_by_hand_tells_that_there_was_one() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    dialogue.feed(Interrupt(), 0.5)
    dialogue.feed(spoken(heard="Hello", complete=False), 0.6)
    error = failed(dialogue.feed(microphone_failed(0.7), 0.7))
    assert (error.spoken, error.interrupted) == (CUT, True)


def test_a_recogniser_that_fails_tells_what_was_heard_before_the_interruption_and_where_the_words_are() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    speak_over(dialogue, 1.0)
    dialogue.feed(spoken(heard="Hello", complete=False), 1.4)
    dialogue.feed(ended(1.4), 2.1)
    recorded = utterance()
    dialogue.feed(recorded, 2.2)
    error = failed(dialogue.feed(TranscriptionFailed(turn=ONE, error=ProviderUnavailable("ears", "gone")), 3.0))
    assert (error.spoken, error.interrupted, error.recording) == (CUT, True, recorded.path)


def test_an_error_while_nothing_was_to_be_said_has_what_a_result_would_have() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(engine=None), 0.0)
    error = failed(dialogue.feed(microphone_failed(0.5), 0.5))
    assert (error.spoken, error.interrupted) == (SpokenText(), False)
