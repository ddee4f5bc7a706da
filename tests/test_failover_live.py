"""An utterance that one of several engines hears while it is being said is never lost with that engine, and in time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from actors.errors import AllProvidersFailed, ProviderRefused, ProviderUnavailable, SettingsError
from actors.failover import FailoverPolicy
from actors.failover_stt import FailoverRecogniser
from actors.machines.board import Board, BoardPolicy
from actors.messages import Transcript
from actors.ports import LiveSpeechToText
from tests.failing_engines import Ears, LiveEars, board_of, died, ears, refused, unreachable

RATE = 16_000
PIECES = [bytes([each]) * 3_200 for each in range(10)]
SAID = b"".join(PIECES)
"""A second, in tenths."""


async def say(recogniser: FailoverRecogniser, partial: Callable[[str], None] | None = None) -> tuple[Transcript, float]:
    """The transcript, and the seconds from the end of the utterance to it."""
    async with recogniser.listen(RATE, phrases=("yes", "no"), partial=partial) as hearing:
        for piece in PIECES:
            hearing.write(piece)
            await trio.sleep(0.1)
        ended = trio.current_time()
        transcript = await hearing.finish()
        return transcript, trio.current_time() - ended


async def test_the_first_engine_hears_it_while_it_is_being_said(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one"), Ears("two")
    board = board_of("stt", one, two)
    recogniser = FailoverRecogniser(ears(one, two), board)
    assert isinstance(recogniser, LiveSpeechToText)
    async with recogniser.listen(RATE) as hearing:
        for piece in PIECES:
            hearing.write(piece)
            await trio.sleep(0.1)
            assert b"".join(one.written) == SAID[: len(b"".join(one.written))]
        assert b"".join(one.written) == SAID
        assert board.status("stt", "one").running == 1
        transcript = await hearing.finish()
    assert (transcript.text, transcript.engine, transcript.failures) == ("heard live by one", "one", ())
    assert one.heard == two.heard == []
    status = board.status("stt", "one")
    assert (status.health, status.calls, status.cancelled, status.running, one.running) == ("up", 1, 0, 0, 0)


async def test_how_long_an_engine_takes_counts_from_the_end_of_the_utterance(autojump_clock: MockClock) -> None:
    one = LiveEars("one", live_wait=0.25)
    board = board_of("stt", one)
    transcript, seconds = await say(FailoverRecogniser(ears(one), board))
    assert seconds == pytest.approx(0.25)
    assert transcript.text == "heard live by one"
    assert board.status("stt", "one").p50 == pytest.approx(0.25)


async def test_an_engine_that_only_hears_whole_utterances_gets_one_at_the_end(autojump_clock: MockClock) -> None:
    one, two = Ears("one"), LiveEars("two")
    transcript, _ = await say(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert transcript.text == "heard by one"
    assert (one.heard, two.written) == ([SAID], [])


async def test_text_is_told_while_it_is_heard(autojump_clock: MockClock) -> None:
    told: list[str] = []
    one = LiveEars("one")
    await say(FailoverRecogniser(ears(one), board_of("stt", one)), told.append)
    assert set(told) == {"heard"}


async def test_all_of_it_is_replayed_to_the_next_engine(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_errors=[unreachable("one")], live_wait=0.0), LiveEars("two")
    board = board_of("stt", one, two)
    recogniser = FailoverRecogniser(ears(one, two), board)
    transcript, seconds = await say(recogniser)
    assert (transcript.text, recogniser.name) == ("heard by two", "two")
    assert two.heard == [SAID]
    assert seconds == pytest.approx(0.1)
    assert [(failure.provider, failure.code) for failure in transcript.failures] == [("one", "unreachable")]
    assert (board.status("stt", "one").health, one.running) == ("down", 0)


async def test_an_engine_that_died_is_asked_once_more_with_all_of_it(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_errors=[died("one")]), Ears("two")
    transcript, _ = await say(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert (transcript.text, one.heard, two.heard) == ("heard by one", [SAID], [])
    assert [failure.code for failure in transcript.failures] == ["died"]


async def test_an_engine_that_says_nothing_has_as_long_as_for_a_whole_utterance(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_wait=100.0), Ears("two")
    board = board_of("stt", one, two)
    transcript, seconds = await say(FailoverRecogniser(ears(one, two), board))
    assert seconds == pytest.approx(1.5 + 0.1 * 1.0 + 0.1)
    assert [failure.code for failure in transcript.failures] == ["timeout"]
    assert (board.status("stt", "one").health, one.running, one.left) == ("down", 0, 1)
    assert two.heard == [SAID]


async def test_who_was_found_to_be_down_meanwhile_is_not_waited_for(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_wait=100.0), Ears("two")
    board = board_of("stt", one, two)
    recogniser = FailoverRecogniser(ears(one, two), board)
    async with recogniser.listen(RATE) as hearing:
        hearing.write(SAID)
        await trio.sleep(0.5)
        probe = board.probing("stt", "one", trio.current_time())
        board.failed(probe, trio.current_time(), unreachable("one"))
        began = trio.current_time()
        transcript = await hearing.finish()
        assert trio.current_time() - began == pytest.approx(0.1)
    assert transcript.engine == "two"
    assert [(failure.provider, failure.code) for failure in transcript.failures] == [("one", "down")]
    assert (one.running, board.status("stt", "one").running) == (0, 0)


async def test_one_that_is_tried_again_is_waited_for(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_errors=[unreachable("one")]), Ears("two")
    board = board_of("stt", one, two)
    recogniser = FailoverRecogniser(ears(one, two), board)
    await say(recogniser)
    await trio.sleep(2.0)
    transcript, _ = await say(recogniser)
    assert (transcript.text, transcript.failures) == ("heard live by one", ())
    assert board.status("stt", "one").health == "up"


async def test_leaving_in_the_middle_blames_nobody(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one"), Ears("two")
    board = board_of("stt", one, two)
    async with FailoverRecogniser(ears(one, two), board).listen(RATE) as hearing:
        hearing.write(SAID)
        await trio.sleep(0.1)
    status = board.status("stt", "one")
    assert (status.cancelled, status.failed, status.running) == (1, 0, 0)
    assert (one.running, one.left, two.heard) == (0, 1, [])


async def test_a_cancelled_end_leaves_nothing_running_and_blames_nobody(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_wait=1.0), Ears("two")
    board = board_of("stt", one, two)
    with trio.move_on_after(1.5):
        await say(FailoverRecogniser(ears(one, two), board))
    status = board.status("stt", "one")
    assert (status.cancelled, status.failed, status.running) == (1, 0, 0)
    assert (one.running, one.left, two.heard) == (0, 1, [])


async def test_a_second_engine_is_asked_when_the_first_is_slower_than_usual(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one"), Ears("two")
    board = Board(BoardPolicy(enough=3))
    for engine in (one, two):
        board.add("stt", engine.name, "local", trio.current_time())
    recogniser = FailoverRecogniser(ears(one, two), board, policy=FailoverPolicy(hedge=True))
    for _ in range(3):
        await say(recogniser)
    assert two.heard == []
    one.live_wait = 1.0
    transcript, seconds = await say(recogniser)
    assert (transcript.engine, transcript.failures, two.heard) == ("two", (), [SAID])
    assert seconds == pytest.approx(0.2, abs=0.02)
    assert (board.status("stt", "one").cancelled, board.status("stt", "one").failed) == (1, 0)
    assert one.running == two.running == 0


async def test_what_no_engine_would_take_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_errors=[refused("one")]), Ears("two")
    with pytest.raises(ProviderRefused, match="one refused"):
        await say(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert two.heard == []


async def test_when_all_fail_the_error_names_each(autojump_clock: MockClock) -> None:
    one, two = LiveEars("one", live_errors=[unreachable("one")]), Ears("two", errors=[unreachable("two")])
    with pytest.raises(AllProvidersFailed, match=r"No engine could understand this: one .*, two "):
        await say(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))


async def test_an_engine_that_fails_before_it_hears_anything_fails_at_the_end(autojump_clock: MockClock) -> None:
    class Unwilling(LiveEars):
        @asynccontextmanager
        async def listen(
            self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
        ) -> AsyncGenerator[LiveEars]:
            await trio.lowlevel.checkpoint()
            raise ProviderUnavailable("one", "one cannot be loaded.", code="not_installed")
            yield self

    one, two = Unwilling("one"), Ears("two")
    transcript, seconds = await say(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert (transcript.engine, seconds) == ("two", pytest.approx(0.1))
    assert [failure.code for failure in transcript.failures] == ["not_installed"]


async def test_what_is_no_failure_of_an_engine_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    class Broken(LiveEars):
        async def finish(self) -> Transcript:
            await trio.lowlevel.checkpoint()
            raise KeyError("a bug")

    class Strict(LiveEars):
        async def finish(self) -> Transcript:
            await trio.lowlevel.checkpoint()
            raise SettingsError("Audio has a rate.")

    one, two = Broken("one"), Strict("two")
    board = board_of("stt", one, two)
    with pytest.raises(KeyError):
        await say(FailoverRecogniser(ears(one), board))
    assert board.status("stt", "one").running == 0
    with pytest.raises(SettingsError):
        await say(FailoverRecogniser(ears(two), board))
    assert board.status("stt", "two").running == 0


async def test_what_the_user_of_it_raises_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    one = LiveEars("one")
    with pytest.raises(ZeroDivisionError):
        async with FailoverRecogniser(ears(one), board_of("stt", one)).listen(RATE):
            raise ZeroDivisionError
    assert one.running == 0
