"""The player plays, and says exactly once what was heard."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors.errors import DeviceError
from actors.messages import SpeakingStarted, SpeechChunk, Spoken, TextPiece, TurnId, WordTime
from actors.orders import SpeakingFailed
from actors.player import play_speech
from tests.fakes import tone
from voicemode.audio.virtual_speaker import VirtualSpeaker

TURN = TurnId(1)
RATE = 16_000
PIECE = TextPiece(turn=TURN, index=0, start=0, text="one two")
WORDS = (WordTime(start=0, end=3, begin=0.0, finish=0.4), WordTime(start=4, end=7, begin=0.5, finish=0.9))


def chunk(pcm: bytes, *, words: tuple[WordTime, ...] = (), last: bool = False) -> SpeechChunk:
    return SpeechChunk(turn=TURN, piece=PIECE, pcm=pcm, rate=RATE, words=words, last=last)


async def play(
    *chunks: SpeechChunk, cancel_after: float = float("inf"), speaker: VirtualSpeaker | None = None
) -> list[object]:
    send, receive = trio.open_memory_channel[SpeechChunk](len(chunks))
    with send:
        for one in chunks:
            send.send_nowait(one)
    reports, reported = trio.open_memory_channel[SpeakingStarted | Spoken | SpeakingFailed](10)
    async with (speaker or VirtualSpeaker()).open(RATE) as playback:
        with trio.move_on_after(cancel_after):
            await play_speech(receive, reports, turn=TURN, playback=playback)
    with reported:
        return [report async for report in reported]


async def test_everything_played_is_everything_heard(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    first, account = await play(chunk(tone(1.0), words=WORDS), chunk(b"", last=True))
    assert first == SpeakingStarted(turn=TURN, at=began)
    assert account == Spoken(turn=TURN, text="one two", heard="one two", complete=True, samples=RATE, at=began + 1)


async def test_a_player_cancelled_between_two_words_heard_the_first(autojump_clock: MockClock) -> None:
    _, account = await play(chunk(tone(1.0), words=WORDS), chunk(b"", last=True), cancel_after=0.7)
    assert isinstance(account, Spoken)
    assert (account.heard, account.complete) == ("one", False)
    assert account.samples == pytest.approx(0.7 * RATE, abs=0.01 * RATE)


async def test_a_player_cancelled_before_it_began_heard_nothing(autojump_clock: MockClock) -> None:
    [account] = await play(chunk(tone(1.0), words=WORDS), cancel_after=0)
    assert isinstance(account, Spoken)
    assert (account.heard, account.complete, account.samples) == ("", False, 0)


async def test_speech_that_breaks_off_is_not_complete(autojump_clock: MockClock) -> None:
    _, account = await play(chunk(tone(0.45), words=WORDS[:1]))
    assert isinstance(account, Spoken)
    assert (account.heard, account.complete) == ("one", False)


async def test_a_speaker_that_fails_is_reported_before_the_account(autojump_clock: MockClock) -> None:
    def broken(at: float, pcm: bytes, rate: int) -> None:
        raise DeviceError("The speaker was pulled out.")

    *_, failure, account = await play(chunk(tone(1.0), words=WORDS), speaker=VirtualSpeaker(broken))
    assert isinstance(failure, SpeakingFailed)
    assert isinstance(account, Spoken)
