"""With hedging a second voice is asked when the first is late; one of them speaks, and nobody hears of the other."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import pytest
import trio
from hypothesis import given, strategies as st
from trio.testing import MockClock

from actors.errors import AllProvidersFailed, ProviderRefused
from actors.failover import FailoverPolicy
from actors.failover_tts import FailoverVoice
from actors.machines.board import Board, BoardPolicy
from actors.messages import Synthesis
from tests.failing_engines import Voice, died, refused, unreachable, voices
from tests.test_failover_tts import ERRORS, LENGTH, TEXT, WORDS, account, say, sound

USUAL = 0.1
"""Seconds to the first sound of an engine that is not late."""


async def usual(*engines: Voice, hedge: bool = True) -> tuple[FailoverVoice, Board]:
    """The first engine is known to begin in time."""
    board = Board(BoardPolicy(enough=3))
    for engine in engines:
        board.add("tts", engine.name, "local", trio.current_time())
    voice = FailoverVoice(voices(*engines), board, policy=FailoverPolicy(hedge=hedge))
    for _ in range(3):
        await say(voice)
    assert [len(engine.asked) for engine in engines] == [3] + [0] * (len(engines) - 1)
    engines[0].asked.clear()
    return voice, board


def engines_of(parts: Sequence[Synthesis]) -> set[str | None]:
    return {part.engine for part in parts}


def counted(board: Board, name: str) -> tuple[int, int, int]:
    status = board.status("tts", name)
    return status.cancelled, status.failed, status.running


async def test_the_next_voice_speaks_when_the_first_is_later_than_usual(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT)
    voice, board = await usual(one, two)
    one.wait = 1.0
    parts, seconds = await say(voice)
    assert engines_of(parts) == {"two"}
    assert seconds == pytest.approx(USUAL + 0.1)
    assert (one.asked, two.asked) == ([TEXT], [TEXT])
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    assert [failure for part in parts for failure in part.failures] == []
    assert (counted(board, "one"), counted(board, "two")) == ((1, 0, 0), (0, 0, 0))
    assert one.running == two.running == 0


async def test_the_first_voice_speaks_when_it_is_still_first(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT)
    voice, board = await usual(one, two)
    one.wait, two.wait = 0.15, 1.0
    parts, seconds = await say(voice)
    assert engines_of(parts) == {"one"}
    assert seconds == pytest.approx(0.15)
    assert two.asked == [TEXT]
    assert counted(board, "two") == (1, 0, 0)
    assert account(sound(parts)) == (list(range(len(WORDS))), set())


async def test_nobody_else_is_asked_once_there_is_sound(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT)
    voice, _ = await usual(one, two)
    one.every = 0.06
    parts, _ = await say(voice)
    assert engines_of(parts) == {"one"}
    assert two.asked == []


async def test_without_hedging_nobody_is_asked_beside_the_first(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT)
    voice, _ = await usual(one, two, hedge=False)
    one.wait = 1.0
    parts, _ = await say(voice)
    assert engines_of(parts) == {"one"}
    assert two.asked == []


async def test_a_voice_of_which_little_is_known_is_waited_for(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, wait=1.0), Voice("two", TEXT)
    board = Board(BoardPolicy(enough=3))
    for engine in (one, two):
        board.add("tts", engine.name, "local", trio.current_time())
    parts, _ = await say(FailoverVoice(voices(one, two), board, policy=FailoverPolicy(hedge=True)))
    assert engines_of(parts) == {"one"}
    assert two.asked == []


async def test_with_nobody_else_there_the_late_one_is_waited_for(autojump_clock: MockClock) -> None:
    one = Voice("one", TEXT)
    voice, _ = await usual(one)
    one.wait = 8.0
    parts, seconds = await say(voice)
    assert engines_of(parts) == {"one"}
    assert seconds == pytest.approx(8.0)


async def test_two_that_sound_at_the_same_moment_are_never_mixed(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT)
    voice, board = await usual(one, two)
    one.wait, two.wait = USUAL + 0.3, 0.3
    parts, _ = await say(voice)
    assert len(engines_of(parts)) == 1
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    assert sorted([counted(board, "one"), counted(board, "two")]) == [(0, 0, 0), (1, 0, 0)]


async def test_when_the_second_voice_fails_the_first_is_still_waited_for(autojump_clock: MockClock) -> None:
    one, two, three = Voice("one", TEXT), Voice("two", TEXT, stops=[(0, unreachable("two"))]), Voice("three", TEXT)
    voice, _ = await usual(one, two, three)
    one.wait = 1.0
    parts, _ = await say(voice)
    assert engines_of(parts) == {"one"}
    assert [failure.provider for part in parts for failure in part.failures] == ["two"]
    assert three.asked == []


async def test_when_the_first_voice_fails_the_second_goes_on(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT, wait=1.0)
    voice, board = await usual(one, two)
    one.wait, one.stops = 0.5, [(0, died("one"))]
    parts, seconds = await say(voice)
    assert engines_of(parts) == {"two"}
    assert seconds == pytest.approx(USUAL + 1.0)
    assert one.asked == [TEXT]
    assert [failure.provider for part in parts for failure in part.failures] == ["one"]
    assert counted(board, "one") == (0, 1, 0)


async def test_when_both_fail_the_third_is_asked(autojump_clock: MockClock) -> None:
    one, two, three = Voice("one", TEXT), Voice("two", TEXT, wait=inf), Voice("three", TEXT)
    voice, board = await usual(one, two, three)
    one.wait = inf
    parts, seconds = await say(voice)
    assert engines_of(parts) == {"three"}
    assert seconds == pytest.approx(USUAL + 1.5 + 0.1)
    assert [(failure.provider, failure.code) for part in parts for failure in part.failures] == [
        ("one", "timeout"),
        ("two", "timeout"),
    ]
    assert (counted(board, "one"), counted(board, "two")) == ((0, 1, 0), (0, 1, 0))


async def test_what_two_waste_together_is_counted_once(autojump_clock: MockClock) -> None:
    one, two, three = Voice("one", TEXT), Voice("two", TEXT), Voice("three", TEXT)
    voice, _ = await usual(one, two, three)
    one.wait = two.wait = three.wait = inf
    began = trio.current_time()
    with pytest.raises(AllProvidersFailed) as failed:
        await say(voice)
    assert trio.current_time() - began == pytest.approx(15.0)
    assert [error.provider for error in failed.value.failures] == ["one", "two", "three"]


async def test_a_text_that_makes_no_sense_to_one_is_an_error_at_once(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT, stops=[(0, refused("two"))])
    voice, board = await usual(one, two)
    one.wait = 1.0
    began = trio.current_time()
    with pytest.raises(ProviderRefused, match="two refused"):
        await say(voice)
    assert trio.current_time() - began == pytest.approx(USUAL + 0.1)
    assert counted(board, "one") == (1, 0, 0)


async def test_who_was_late_goes_on_when_the_winner_breaks_off(autojump_clock: MockClock) -> None:
    """It has not failed, and so the winner is not waited for as if there were nobody else."""
    one, two = Voice("one", TEXT), Voice("two", TEXT, stops=[(500, None)])
    voice, _ = await usual(one, two)
    one.wait = 1.0
    parts, seconds = await say(voice)
    assert [part.engine for part in parts] == sorted((str(part.engine) for part in parts), reverse=True)
    assert one.asked == [TEXT, "and then others; so on: until it ends."]
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    assert seconds == pytest.approx(USUAL + 0.1 + 1.5 + 1.0)


@pytest.mark.parametrize("after", [0.05, USUAL + 0.05, 0.25])
async def test_a_listener_who_leaves_leaves_nothing_running_and_blames_nobody(
    autojump_clock: MockClock, after: float
) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT, every=0.1)
    voice, board = await usual(one, two)
    one.wait = 1.0
    with trio.move_on_after(after):
        await say(voice)
    assert one.running == two.running == 0
    for name, engine in (("one", one), ("two", two)):
        assert counted(board, name) == (len(engine.asked), 0, 0)


async def test_what_the_listener_raises_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT), Voice("two", TEXT, wait=1.0)
    voice, _ = await usual(one, two)
    one.wait = 1.0
    with pytest.raises(KeyError, match="mine"):
        async with voice.speak(TEXT):
            await trio.sleep(USUAL + 0.1)
            raise KeyError("mine")
    assert one.running == two.running == 0


@given(
    st.floats(0.0, 2.0),
    st.floats(0.0, 2.0),
    st.lists(st.tuples(st.integers(0, LENGTH), st.sampled_from(ERRORS)), min_size=2, max_size=2),
)
def test_no_word_is_lost_or_said_twice_whoever_is_late_and_fails(
    first: float, second: float, faults: list[tuple[int, object]]
) -> None:
    async def run() -> list[Synthesis]:
        one, two, three = (Voice(name, TEXT) for name in ("one", "two", "three"))
        voice, board = await usual(one, two, three)
        for engine, wait, (stop, make) in zip((one, two), (first, second), faults, strict=True):
            error = make(engine.name) if callable(make) else None
            engine.wait, engine.stops = wait, [(stop, error)] * 3
        parts, _ = await say(voice)
        assert all(engine.running == 0 for engine in (one, two, three))
        assert all(status.running == 0 for status in board.statuses())
        return parts

    parts = trio.run(run, clock=MockClock(autojump_threshold=0))
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    words = [word for part in parts for word in part.words]
    assert [TEXT[word.start : word.end] for word in words] == WORDS
