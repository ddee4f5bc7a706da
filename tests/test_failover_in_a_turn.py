"""A turn whose engines fail goes on with others, and says so."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors.errors import AllProvidersFailed, ProviderError, ProviderUnavailable
from actors.events import Event
from actors.failover import Candidate
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.machines.board import Board
from actors.messages import Transcribed, VoiceChanged
from tests.conversing import GREETING, Room, conversing, follow, only
from tests.fakes import FakeEars, FakeVoice, said
from voicemode.cli.display import Scene
from voicemode.cli.summary import summary
from voicemode.cli.talk_lines import line_of


def voice(name: str, dies_at: str | None = None) -> FakeVoice:
    engine = FakeVoice(dies_at=dies_at)
    engine.name = name
    return engine


def ears(name: str, error: ProviderError | None = None) -> FakeEars:
    engine = FakeEars(error=error)
    engine.name = name
    return engine


def failing(name: str) -> ProviderUnavailable:
    return ProviderUnavailable(name, f"{name} is not ready (503): loading. Try later.", code="busy")


def voice_of(*engines: FakeVoice) -> FailoverVoice:
    board = Board()
    for engine in engines:
        board.add("tts", engine.name, "local", trio.current_time())
    return FailoverVoice([Candidate(name=each.name, engine=each, place="local") for each in engines], board)


def ears_of(*engines: FakeEars) -> FailoverRecogniser:
    board = Board()
    for engine in engines:
        board.add("stt", engine.name, "local", trio.current_time())
    return FailoverRecogniser([Candidate(name=each.name, engine=each, place="local") for each in engines], board)


async def test_a_turn_goes_on_with_other_engines_and_its_result_says_so(autojump_clock: MockClock) -> None:
    room = Room()
    tts = voice_of(voice("kokoro", dies_at="five"), voice("espeak"))
    stt = ears_of(ears("whisper", failing("whisper")), ears("sphinx"))
    seen: list[Event] = []
    async with trio.open_nursery() as nursery, conversing(room, tts=tts, stt=stt) as conversation:
        nursery.start_soon(follow, conversation, seen)
        room.microphone.place(said(1.0), trio.current_time() + 3.0)
        result = await conversation.converse(GREETING)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("heard", "yes", GREETING)
    assert (result.engines.tts, result.engines.stt) == ("espeak", "sphinx")
    assert [(failure.service, failure.provider, failure.code) for failure in result.failures] == [
        ("tts", "kokoro", "unavailable"),
        ("stt", "whisper", "busy"),
    ]
    assert only(seen, VoiceChanged).engine == "espeak"
    assert only(seen, Transcribed).transcript.failures == result.failures[1:]
    lines = summary(result).splitlines()
    assert "kokoro failed: The fake voice died; espeak spoke on" in lines
    assert "whisper is not ready (503): loading; sphinx listened" in lines
    told = line_of(only(seen, VoiceChanged))
    assert told is not None
    assert (told["event"], told["engine"]) == ("voice", "espeak")
    scene = Scene(latencies=True)
    shown = [str(scene.take(event)) for event in seen]
    assert any("espeak spoke on" in line for line in shown)


async def test_the_next_turn_names_the_engine_that_spoke(autojump_clock: MockClock) -> None:
    room = Room()
    tts = voice_of(voice("kokoro", dies_at="two"), voice("espeak"))
    async with conversing(room, tts=tts) as conversation:
        first = await conversation.say("one two three")
        second = await conversation.say("four five six")
    assert (first.engines.tts, len(first.failures)) == ("espeak", 1)
    assert (second.engines.tts, second.spoken.heard) == ("kokoro", "four five six")


async def test_when_all_fail_the_error_names_all(autojump_clock: MockClock) -> None:
    room = Room()
    tts = voice_of(voice("kokoro", dies_at="two"), voice("espeak", dies_at="three"))
    async with conversing(room, tts=tts) as conversation:
        with pytest.raises(AllProvidersFailed, match=r"kokoro \(.*\), espeak \(.*\)"):
            await conversation.say("one two three")
