"""What an agent is told once, and when it is told again."""

from __future__ import annotations

from actors.machines.reasons import LEFT_ALONE, in_short
from actors.messages import ProviderFailure, Service, TurnId
from actors.results import Engines, TurnResult
from voicemode.mcp.news import News


def failed(provider: str, reason: str = "Connection refused.", service: Service = "tts") -> ProviderFailure:
    return ProviderFailure(service=service, provider=provider, code="unavailable", reason=reason, seconds=0.1)


def turn(*failures: ProviderFailure, tts: str | None = "espeak-ng", stt: str | None = None) -> TurnResult:
    return TurnResult(turn=TurnId(1), outcome="said", failures=failures, engines=Engines(tts=tts, stt=stt))


def test_a_failure_is_told_once() -> None:
    news = News()
    assert news.of([turn(failed("kokoro")), turn(failed("kokoro"))]) == ["kokoro failed: Connection refused"]
    assert news.of([turn(failed("kokoro"))]) == []


def test_it_is_told_again_when_the_reason_is_another() -> None:
    news = News()
    news.of([turn(failed("kokoro"))])
    assert news.of([turn(failed("kokoro", "It was too slow."))]) == ["kokoro failed: It was too slow"]


def test_that_it_is_left_alone_for_that_is_not_told() -> None:
    news, why = News(), "cannot be reached " + "however often it is asked " * 5
    news.of([turn(failed("kokoro", f"kokoro {why}."))])
    assert news.of([turn(failed("kokoro", f"kokoro {LEFT_ALONE}{in_short('kokoro', why)}."))]) == []
    assert news.of([turn(failed("kokoro", f"kokoro {why}."))]) == []


def test_it_is_told_again_when_the_engine_had_come_back() -> None:
    news = News()
    news.of([turn(failed("kokoro"))])
    assert news.of([turn(tts="kokoro")]) == []
    assert news.of([turn(failed("kokoro"))]) == ["kokoro failed: Connection refused"]


def test_that_it_was_not_asked_is_not_that_it_has_come_back() -> None:
    news = News()
    news.of([turn(failed("kokoro"))])
    news.of([turn()])
    assert news.of([turn(failed("kokoro"))]) == []


def test_who_speaks_and_who_listens_at_one_address_are_two() -> None:
    news = News()
    news.of([turn(failed("here"))])
    assert news.of([turn(failed("here", service="stt"))]) == ["here failed: Connection refused"]
    assert news.of([turn(failed("here"), stt="here")]) == []


def test_a_note_comes_first_and_once() -> None:
    news = News(lambda: "There is a key.")
    assert news.of([turn(failed("kokoro"))]) == ["There is a key.", "kokoro failed: Connection refused"]
    assert news.of([turn()]) == []
