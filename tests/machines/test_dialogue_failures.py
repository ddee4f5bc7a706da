"""Engines that failed are in the result of the turn in which they did."""

from __future__ import annotations

from attrs import evolve

from actors.machines.dialogue import Dialogue
from actors.messages import ProviderFailure, Service, TurnId, VoiceChanged
from tests.machines.feeding import ONE, WINDOW, begin, ended, result, spoken, started, transcribed, utterance


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
