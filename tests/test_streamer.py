"""Pieces become chunks, and who speaks is told when it is not who spoke before."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors.failover_tts import FailoverVoice
from actors.messages import SpeechChunk, TextPiece, TurnId, VoiceChanged
from actors.orders import SpeakingFailed
from actors.ports import TextToSpeech
from actors.streamer import stream_speech
from tests.failing_engines import Voice, board_of, died, unreachable, voices
from tests.fakes import FakeVoice

TURN = TurnId(1)
SENTENCES = ("One two three. ", "Four five six.")


async def stream(engine: TextToSpeech) -> tuple[list[SpeechChunk], list[SpeakingFailed | VoiceChanged]]:
    pieces_in, pieces = trio.open_memory_channel[TextPiece](len(SENTENCES))
    chunks, made = trio.open_memory_channel[SpeechChunk](1_000)
    reports, reported = trio.open_memory_channel[SpeakingFailed | VoiceChanged](10)
    with pieces_in:
        for index, text in enumerate(SENTENCES):
            start = len("".join(SENTENCES[:index]))
            pieces_in.send_nowait(TextPiece(turn=TURN, index=index, start=start, text=text))
    await stream_speech(pieces, chunks, reports, turn=TURN, engine=engine, voice=None, speed=None)
    with made, reported:
        return [chunk async for chunk in made], [report async for report in reported]


async def test_nothing_is_told_of_an_engine_that_speaks_as_usual(autojump_clock: MockClock) -> None:
    chunks, reports = await stream(FakeVoice())
    assert reports == []
    assert [chunk.piece.index for chunk in chunks if chunk.last] == [0, 1]


async def test_a_change_of_voice_is_told_once_when_it_happens(autojump_clock: MockClock) -> None:
    text = "".join(SENTENCES)
    one, two = Voice("one", text, stops=[(400, unreachable("one"))]), Voice("two", text)
    began = trio.current_time()
    chunks, [report] = await stream(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert isinstance(report, VoiceChanged)
    assert (report.turn, report.engine) == (TURN, "two")
    assert [failure.provider for failure in report.failures] == ["one"]
    assert report.at == pytest.approx(began + 0.2)
    assert [chunk.piece.index for chunk in chunks if chunk.last] == [0, 1]


async def test_when_all_fail_the_failure_is_told(autojump_clock: MockClock) -> None:
    one = Voice("one", "".join(SENTENCES), stops=[(400, unreachable("one"))])
    _, [report] = await stream(FailoverVoice(voices(one), board_of("tts", one)))
    assert isinstance(report, SpeakingFailed)


async def test_an_engine_that_is_asked_twice_for_a_piece_is_told_with_both_failures(autojump_clock: MockClock) -> None:
    text = "".join(SENTENCES)
    one = Voice("one", text, stops=[(300, died("one")), (300, unreachable("one"))])
    two = Voice("two", text)
    _, reports = await stream(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    told = [failure for report in reports if isinstance(report, VoiceChanged) for failure in report.failures]
    assert [(failure.provider, failure.code) for failure in told] == [("one", "died"), ("one", "unreachable")]
    assert all(failure.seconds >= 0.1 for failure in told)
