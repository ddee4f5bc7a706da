"""What is written down is what was heard."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.account import SpokenText
from actors.errors import ProviderUnavailable
from actors.events import Event, ProviderChanged, ProviderStatus, TurnEnded, TurnStarted
from actors.messages import ProviderFailure, TurnId
from actors.results import Engines, TurnResult
from tests.conversing import GREETING, Room, conversing, follow
from tests.exchanges.saying import NOON
from tests.fakes import FakeEars, FakeVoice, said
from voicemode.exchanges.event_log import EventLog
from voicemode.exchanges.exchange import Exchange
from voicemode.exchanges.scribe import Occasion, Scribe

OCCASION = Occasion(conversation="conv", project="/project", version="9", voice="de")


def on_the_wall(at: float) -> datetime:
    return NOON + timedelta(seconds=at)


def written(events: Iterable[Event]) -> list[Exchange]:
    scribe = Scribe(OCCASION, on_the_wall)
    return [exchange for event in events for exchange in scribe.take(event)]


async def test_of_an_assistant_that_was_interrupted_it_is_what_was_heard(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room, stt=FakeEars("stop")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        room.microphone.place(said(0.8), began + 0.8)
        result = await conversation.converse(GREETING)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assistant, user = written(seen)
    assert (assistant.type, user.type) == ("tts", "stt")
    assert assistant.text == result.spoken.heard
    assert assistant.text
    assert f"{assistant.text} {assistant.unheard}" == GREETING
    assert assistant.known("intended") == GREETING
    assert (assistant.known("complete"), assistant.known("outcome")) == (False, "interrupted")
    assert assistant.duration_ms == pytest.approx(1000, abs=100)
    assert (assistant.provider, assistant.known("voice")) == ("fake voice", "de")
    assert (user.text, user.provider) == ("stop", "fake ears")
    assert (user.timestamp - on_the_wall(began)) / timedelta(seconds=1) == pytest.approx(0.8, abs=0.05)
    assert user.duration_ms == pytest.approx(1600, abs=100)
    assert user.seconds("barge_in_time") == pytest.approx(0.1, abs=0.035)
    assert {exchange.conversation_id for exchange in (assistant, user)} == {"conv"}
    assert {exchange.project_path for exchange in (assistant, user)} == {"/project"}


async def test_turn_after_turn_it_is_in_the_order_it_was_said(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room, stt=FakeEars("yes", "no")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        for _ in range(2):
            room.microphone.place(said(0.5), trio.current_time() + 1.0)
            await conversation.converse("one two.")
        await conversation.say("three.")
        await conversation.converse("four.")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    found = written(seen)
    assert [each.text for each in found] == ["one two.", "yes", "one two.", "no", "three.", "four."]
    assert sorted(found, key=lambda each: each.timestamp) == found
    assert [each.known("complete") for each in found if each.type == "tts"] == [True] * 4
    assert [each.unheard for each in found] == [""] * 6


async def test_when_the_voice_dies_what_was_heard_of_it_is_kept(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room, tts=FakeVoice(dies_at="five")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        with pytest.raises(ProviderUnavailable):
            await conversation.say(GREETING)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    [exchange] = written(seen)
    assert exchange.text == "one two three four"
    assert exchange.known("outcome") == "failed"


async def test_when_the_caller_is_cancelled_what_was_heard_is_kept(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0.6):
            await conversation.say(GREETING)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    [exchange] = written(seen)
    assert exchange.text.startswith("one two")
    assert exchange.known("outcome") == "stopped"


def ended(**parts: Any) -> list[Event]:
    result = TurnResult(turn=TurnId(1), outcome="said", **parts)
    return [TurnStarted(turn=TurnId(1), at=1.0), TurnEnded(turn=TurnId(1), at=2.0, result=result)]


def test_who_stood_in_for_whom_is_said_without_the_engines_own_words() -> None:
    status = ProviderStatus(service="tts", provider="espeak-ng", place="embedded", health="up", since=0.0)
    failure = ProviderFailure(service="tts", provider="kokoro", code="timeout", reason="secret words", seconds=1.0)
    events = ended(
        spoken=SpokenText(text="Hi", heard="Hi"), engines=Engines(tts="espeak-ng", stt="x"), failures=(failure,)
    )
    [exchange] = written([ProviderChanged(at=0.0, status=status), *events])
    assert (exchange.known("is_fallback"), exchange.known("fallback_reason")) == (True, "kokoro: timeout")
    assert exchange.known("provider_type") == "embedded"


def test_what_is_known_of_an_engine_is_written() -> None:
    scribe = Scribe(OCCASION, on_the_wall, lambda service, name: {"model": f"{name}'s", "provider_url": service})
    events = ended(spoken=SpokenText(text="Hi", heard="Hi"), engines=Engines(tts="kokoro", stt="x"), transcript="Ho")
    assert [
        (exchange.known("model"), exchange.known("provider_url")) for event in events for exchange in scribe.take(event)
    ] == [("kokoro's", "tts"), ("x's", "stt")]


def test_what_was_typed_was_transcribed_by_nobody() -> None:
    [exchange] = written(ended(transcript="Tuesday"))
    assert (exchange.known("typed"), exchange.provider, exchange.duration_ms) == (True, None, None)


def test_what_nobody_said_is_not_written() -> None:
    assert written(ended(spoken=SpokenText(text="Hello", heard=" ", complete=False))) == []


async def test_the_log_has_a_line_for_each_phase_and_nothing_of_what_was_said(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room, stt=FakeEars("stop it")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        room.microphone.place(said(0.8), trio.current_time() + 0.8)
        await conversation.converse(GREETING)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    log = EventLog("session", on_the_wall)
    lines = [line for event in seen for line in log.take(event)]
    assert sorted({line.event_type for line in lines}) == [
        "BARGE_IN",
        "RECORDING_END",
        "RECORDING_START",
        "STT_COMPLETE",
        "STT_START",
        "TOOL_REQUEST_END",
        "TOOL_REQUEST_START",
        "TTS_PLAYBACK_END",
        "TTS_PLAYBACK_START",
        "TTS_START",
    ]
    assert len(lines) == 10
    assert {line.session_id for line in lines} == {"session"}
    assert "stop it" not in repr(lines)
    assert "three" not in repr(lines)
    outspoken = EventLog("session", on_the_wall, texts=True)
    assert "stop it" in repr([line for event in seen for line in outspoken.take(event)])


async def test_a_failure_is_in_the_log_with_whose_it_was(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room, tts=FakeVoice(dies_at="five")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        with pytest.raises(ProviderUnavailable):
            await conversation.say(GREETING)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    log = EventLog("session", on_the_wall)
    *_, failed, ending = (line for event in seen for line in log.take(event))
    assert (failed.event_type, failed.data["provider"]) == ("TTS_ERROR", "fake voice")
    assert (ending.event_type, ending.data["outcome"]) == ("TOOL_REQUEST_END", "failed")
