"""A text is said to its end as long as one engine can say it: no word is lost or said twice, and nobody waits long."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from math import inf

import pytest
import trio
from attrs import evolve
from hypothesis import given, strategies as st
from trio.testing import MockClock

from actors.errors import AllProvidersFailed, ProviderError, ProviderRefused
from actors.failover import FailoverPolicy
from actors.failover_tts import FailoverVoice
from actors.machines.playhead import Playhead
from actors.messages import SpeechChunk, Synthesis, TextPiece, TurnId, WordTime, seconds_of
from tests.failing_engines import (
    PAUSE,
    RATE,
    WORD,
    Voice,
    board_of,
    died,
    heard,
    refused,
    said,
    unreachable,
    voices,
)

TEXT = "The first, and then others; so on: until it ends."
WORDS = TEXT.split()
WHOLE = round(WORD * RATE)
EACH = round((WORD + PAUSE) * RATE)
LENGTH = EACH * len(WORDS)

ERRORS = [died, unreachable, None]
"""None stalls."""


async def say(voice: FailoverVoice, text: str = TEXT, *, pause: float = 0.0) -> tuple[list[Synthesis], float]:
    """``pause`` seconds pass before each stretch is taken."""
    began = trio.current_time()
    parts: list[Synthesis] = []
    async with voice.speak(text, voice="anna") as audio:
        async for part in audio:
            parts.append(part)
            await trio.sleep(pause)
    return parts, trio.current_time() - began


def sound(parts: Sequence[Synthesis]) -> bytes:
    return b"".join(part.pcm for part in parts)


def account(pcm: bytes, count: int = len(WORDS)) -> tuple[list[int], set[int]]:
    """The whole words in their order, and which of ``count`` are missing, cut, or said more than once."""
    order: list[int] = []
    harmed: set[int] = set()
    for word, samples in heard(pcm):
        order += [word] * (samples // WHOLE)
        if samples % WHOLE:
            harmed.add(word)
    counted = Counter(order)
    return order, harmed | {word for word in range(count) if counted[word] != 1}


async def true_words(pcm: bytes, rate: int, text: str, /) -> Sequence[WordTime] | None:
    await trio.lowlevel.checkpoint()
    _, words = said(text, TEXT, rate)
    return [word for word in words if word.finish <= seconds_of(pcm, rate)]


def test_the_account_of_a_whole_text_is_clean() -> None:
    assert account(said(TEXT, TEXT)[0].tobytes()) == (list(range(len(WORDS))), set())


faults = st.lists(
    st.tuples(st.integers(0, LENGTH), st.sampled_from(ERRORS)).map(
        lambda fault: (float(fault[0]), fault[1]),
    ),
    min_size=1,
    max_size=3,
)


def run_with_faults(faults: Sequence[tuple[float, object]], stretch: int, *, timed: bool) -> list[Synthesis]:
    """An engine for each fault, and one that ends the text."""

    async def run() -> list[Synthesis]:
        engines = [Voice(f"voice {number}", TEXT, timed=timed, stretch=stretch) for number in range(len(faults) + 1)]
        for engine, (stop, make) in zip(engines, faults, strict=False):
            error: ProviderError | None = make(engine.name) if callable(make) else None
            engine.stops = [(stop, error), (0.0, error)]
        board = board_of("tts", *engines)
        voice = FailoverVoice(voices(*engines), board, find_words=true_words)
        parts, _ = await say(voice)
        assert all(engine.running == 0 for engine in engines)
        assert all(status.running == 0 for status in board.statuses())
        return parts

    return trio.run(run, clock=MockClock(autojump_threshold=0))


@given(faults, st.sampled_from([20, 60, 250, LENGTH]))
def test_with_word_times_no_word_is_lost_or_said_twice(faults: list[tuple[float, object]], stretch: int) -> None:
    parts = run_with_faults(faults, stretch, timed=True)
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    words = [word for part in parts for word in part.words]
    assert [TEXT[word.start : word.end] for word in words] == WORDS
    samples = array("h", sound(parts))
    for number, word in enumerate(words):
        assert set(samples[round(word.begin * RATE) : round(word.finish * RATE)]) == {10 + number}


@given(st.integers(0, LENGTH), st.sampled_from(ERRORS), st.sampled_from([20, 60, 250, LENGTH]))
def test_without_word_times_at_most_one_word_is(stop: int, make: object, stretch: int) -> None:
    parts = run_with_faults([(float(stop), make)], stretch, timed=False)
    order, harmed = account(sound(parts))
    assert sorted(order) == order
    assert len(harmed) <= 1


@given(faults, st.sampled_from([20, 60, 250]), st.booleans())
def test_what_was_heard_of_a_text_in_parts_was_heard(
    faults: list[tuple[float, object]], stretch: int, timed: bool
) -> None:
    parts = run_with_faults(faults, stretch, timed=timed)
    piece = TextPiece(turn=TurnId(1), index=0, start=0, text=TEXT)
    playhead = Playhead(TurnId(1))
    for part in parts:
        playhead.queue(SpeechChunk(turn=TurnId(1), piece=piece, pcm=part.pcm, rate=part.rate, words=part.words))
    playhead.queue(SpeechChunk(turn=TurnId(1), piece=piece, pcm=b"", rate=RATE, last=True))
    whole = sound(parts)
    before = ""
    for samples in range(0, len(whole) // 2, 50):
        heard_by_now = playhead.heard(samples)
        assert TEXT.startswith(heard_by_now)
        assert len(heard_by_now) >= len(before)
        before = heard_by_now
        if timed:
            order, _ = account(whole[: 2 * samples])
            assert len(heard_by_now.split()) == len(order)
    assert playhead.heard(len(whole) // 2) == TEXT


async def test_the_result_says_who_failed_and_who_went_on(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(500, None)]), Voice("two", TEXT)
    voice = FailoverVoice(voices(one, two), board_of("tts", one, two))
    parts, seconds = await say(voice)
    engines = [part.engine for part in parts]
    assert engines == ["one"] * engines.count("one") + ["two"] * engines.count("two")
    [(index, failure)] = [(index, failure) for index, part in enumerate(parts) for failure in part.failures]
    assert (index, failure.provider, failure.code) == (engines.index("two"), "one", "timeout")
    assert failure.reason == "one said nothing more for 1.5 s."
    assert (failure.seconds, voice.name) == (1.5, "two")
    assert seconds == pytest.approx(0.1 + 1.5 + 0.1)
    assert two.asked == ["and then others; so on: until it ends."]


async def test_an_engine_that_accepts_and_says_nothing_is_found_out_in_time(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, wait=inf), Voice("two", TEXT)
    board = board_of("tts", one, two)
    _, seconds = await say(FailoverVoice(voices(one, two), board))
    assert seconds == pytest.approx(1.5 + 0.1)
    assert board.status("tts", "one").health == "down"
    _, seconds = await say(FailoverVoice(voices(one, two), board))
    assert seconds == pytest.approx(0.1)
    assert len(one.asked) == 1


async def test_an_engine_that_hangs_on_the_way_in_is_found_out_as_well(autojump_clock: MockClock) -> None:
    class Hanging(Voice):
        @asynccontextmanager
        async def speak(
            self, text: str, *, voice: str | None = None, speed: float | None = None
        ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
            await trio.sleep(inf)
            yield trio.open_memory_channel[Synthesis](0)[1]

    one, two = Hanging("one", TEXT), Voice("two", TEXT)
    board = board_of("tts", one, two)
    parts, seconds = await say(FailoverVoice(voices(one, two), board))
    assert seconds == pytest.approx(1.6)
    assert parts[0].failures[0].code == "timeout"


async def test_who_listens_slowly_is_not_the_engines_fault(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, every=1.0, stretch=250), Voice("two", TEXT)
    board = board_of("tts", one, two)
    parts, _ = await say(FailoverVoice(voices(one, two), board), pause=10.0)
    assert {part.engine for part in parts} == {"one"}
    assert two.asked == []


async def test_an_engine_may_be_slow_while_there_is_still_something_to_take(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, every=2.5, stretch=250), Voice("two", TEXT)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)), pause=5.0)
    assert {part.engine for part in parts} == {"one"}


async def test_only_the_time_that_somebody_waits_is_counted(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, every=4.0, stretch=500), Voice("two", TEXT)
    voice = FailoverVoice(voices(one, two), board_of("tts", one, two))
    parts, _ = await say(voice, pause=3.0)
    assert {part.engine for part in parts} == {"one"}


async def test_an_engine_that_only_trickles_is_found_out(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, every=1.0, stretch=10), Voice("two", TEXT)
    parts, seconds = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert seconds < 3.0
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    [failure] = [failure for part in parts for failure in part.failures]
    assert (failure.code, failure.reason) == ("timeout", "one speaks slower than it can be listened to.")


async def test_an_engine_a_little_slower_than_speech_is_kept(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, every=0.3, stretch=250), Voice("two", TEXT)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert {part.engine for part in parts} == {"one"}


@pytest.mark.parametrize("timed", [True, False])
async def test_an_engine_that_never_ends_is_stopped_and_nothing_is_said_again(
    autojump_clock: MockClock, timed: bool
) -> None:
    class Endless(Voice):
        @asynccontextmanager
        async def speak(
            self, text: str, *, voice: str | None = None, speed: float | None = None
        ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
            pcm, words = said(text, TEXT)
            send, receive = trio.open_memory_channel[Synthesis](1_000)
            send.send_nowait(Synthesis(pcm=pcm.tobytes(), rate=RATE, words=tuple(words) if self.timed else ()))
            for _ in range(900):
                send.send_nowait(Synthesis(pcm=bytes(2 * RATE), rate=RATE))
            yield receive

    one, two = Endless("one", TEXT, timed=timed), Voice("two", TEXT)
    board = board_of("tts", one, two)
    parts, _ = await say(FailoverVoice(voices(one, two), board, find_words=true_words))
    assert account(sound(parts)) == (list(range(len(WORDS))), set())
    assert seconds_of(sound(parts), RATE) < 60.0
    assert [failure.code for part in parts for failure in part.failures] == ["endless"]
    assert two.asked == []


async def test_a_connection_that_died_is_tried_once_more_from_where_it_was(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(500, died("one"))]), Voice("two", TEXT)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert one.asked == [TEXT, "and then others; so on: until it ends."]
    assert two.asked == []
    assert [failure.code for part in parts for failure in part.failures] == ["died"]
    assert account(sound(parts))[1] == set()


@pytest.mark.parametrize("timed", [True, False])
async def test_an_engine_that_fails_while_its_sound_waits_for_a_listener_takes_none_of_it_along(
    autojump_clock: MockClock, *, timed: bool
) -> None:
    # it says all of this at once, and fails when a part of it has been listened to
    one = Voice("one", TEXT, timed=timed, abrupt=True, stops=[(500, unreachable("one"))], stretch=500, every=0.5)
    two = Voice("two", TEXT, timed=timed)
    voice = FailoverVoice(voices(one, two), board_of("tts", one, two))
    parts, _ = await say(voice, pause=0.3)
    assert {part.engine for part in parts} == {"one", "two"}
    assert len(account(sound(parts))[1]) <= (0 if timed else 1)


async def test_failures_are_told_with_the_first_sound_of_whoever_goes_on(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(500, died("one")), (0, died("one"))]), Voice("two", TEXT)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert [(part.engine, len(part.failures)) for part in parts if part.failures] == [("two", 2)]
    assert all(part.pcm for part in parts if part.failures)
    assert account(sound(parts))[1] == set()


async def test_what_breaks_off_after_the_last_word_is_not_said_again(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(LENGTH - 10, unreachable("one"))]), Voice("two", TEXT)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert two.asked == []
    assert [failure.provider for part in parts for failure in part.failures] == ["one"]


async def test_a_text_that_makes_no_sense_is_put_to_nobody_else(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(0, refused("one"))]), Voice("two", TEXT)
    with pytest.raises(ProviderRefused, match="one refused"):
        await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert two.asked == []


async def test_when_all_fail_the_error_names_each_after_what_there_was(autojump_clock: MockClock) -> None:
    one, two = (
        Voice("one", TEXT, stops=[(500, unreachable("one"))]),
        Voice("two", TEXT, stops=[(300, unreachable("two"))]),
    )
    parts: list[Synthesis] = []
    with pytest.raises(AllProvidersFailed) as failed:
        async with FailoverVoice(voices(one, two), board_of("tts", one, two)).speak(TEXT) as audio:
            async for part in audio:
                parts.append(part)
    assert str(failed.value) == "No engine could say this: one (cannot be reached (no)), two (cannot be reached (no))."
    assert account(sound(parts))[0] == [0, 1, 2]


async def test_the_budget_ends_the_search(autojump_clock: MockClock) -> None:
    engines = [Voice(f"voice {number}", TEXT, wait=inf) for number in range(20)]
    began = trio.current_time()
    with pytest.raises(AllProvidersFailed):
        await say(FailoverVoice(voices(*engines), board_of("tts", *engines), policy=FailoverPolicy(budget=4.0)))
    assert trio.current_time() - began == pytest.approx(4.0)
    assert sum(len(each.asked) for each in engines) == 3


async def test_the_last_engine_gets_what_is_left_of_the_budget(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, wait=inf), Voice("two", TEXT, wait=8.0)
    parts, seconds = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    assert parts[-1].engine == "two"
    assert seconds == pytest.approx(9.5)


@pytest.mark.parametrize("after", [0.05, 0.5, 2.0])
async def test_a_listener_who_leaves_leaves_nothing_running_and_blames_nobody(
    autojump_clock: MockClock, after: float
) -> None:
    one, two = Voice("one", TEXT, every=0.1), Voice("two", TEXT)
    board = board_of("tts", one, two)
    with trio.move_on_after(after):
        await say(FailoverVoice(voices(one, two), board))
    status = board.status("tts", "one")
    assert (status.cancelled, status.failed, status.running) == (1, 0, 0)
    assert (one.running, two.asked) == (0, [])


async def test_a_listener_who_closes_the_channel_stops_the_engine(autojump_clock: MockClock) -> None:
    one = Voice("one", TEXT, every=0.1)
    board = board_of("tts", one)
    async with FailoverVoice(voices(one), board).speak(TEXT) as audio:
        await audio.receive()
        audio.close()
        await trio.sleep(1.0)
        assert one.running == 0
    assert (board.status("tts", "one").cancelled, board.status("tts", "one").failed) == (1, 0)


async def test_what_the_listener_raises_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    one = Voice("one", TEXT)
    with pytest.raises(KeyError):
        async with FailoverVoice(voices(one), board_of("tts", one)).speak(TEXT) as audio:
            await audio.receive()
            raise KeyError("mine")


async def test_the_next_text_goes_to_whom_the_board_thinks_well_of(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(500, None)]), Voice("two", TEXT)
    voice = FailoverVoice(voices(one, two), board_of("tts", one, two))
    await say(voice)
    parts, _ = await say(voice)
    assert {part.engine for part in parts} == {"two"}
    assert [failure.code for part in parts for failure in part.failures] == ["down"]
    await trio.sleep(60.0)
    parts, _ = await say(voice)
    assert {part.engine for part in parts} == {"one"}


async def test_a_voice_is_asked_for_only_where_it_is_known(autojump_clock: MockClock) -> None:
    one, two, three = (Voice(name, TEXT, stops=[(0, unreachable(name))]) for name in ("one", "two", "three"))
    three.stops = []
    any_name, others, hers = voices(one, two, three)
    candidates = [any_name, evolve(others, voices=("bob",)), evolve(hers, voices=("anna",))]
    await say(FailoverVoice(candidates, board_of("tts", one, two, three)))
    assert (one.voices, two.voices, three.voices) == (["anna"], [None], ["anna"])


async def test_engines_of_other_rates_are_converted(autojump_clock: MockClock) -> None:
    class Twice:
        def convert(self, pcm: bytes, *, last: bool = False) -> bytes:
            return array("h", [sample for sample in array("h", pcm) for _ in range(2)]).tobytes()

    one, two = Voice("one", TEXT, rate=2 * RATE, stops=[(1_000, unreachable("one"))]), Voice("two", TEXT)
    made: list[tuple[int, int]] = []

    def convert(source: int, target: int) -> Twice:
        made.append((source, target))
        return Twice()

    voice = FailoverVoice(voices(one, two), board_of("tts", one, two), convert=convert)
    assert voice.rate == 2 * RATE
    parts, _ = await say(voice)
    assert made == [(RATE, 2 * RATE)]
    assert {part.rate for part in parts} == {2 * RATE}
    assert [samples for _, samples in heard(sound(parts))] == [2 * WHOLE] * len(WORDS)
    samples = array("h", sound(parts))
    words = [word for part in parts for word in part.words]
    for number, word in enumerate(words):
        begin, end = round(word.begin * voice.rate), round(word.finish * voice.rate)
        assert set(samples[begin:end]) == {10 + number}


async def test_words_are_found_for_what_had_none_once_others_have_times(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, timed=False, stops=[(1_100, unreachable("one"))]), Voice("two", TEXT)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two), find_words=true_words))
    words = [word for part in parts for word in part.words]
    assert [TEXT[word.start : word.end] for word in words] == WORDS


async def test_words_are_guessed_once_those_before_have_times(autojump_clock: MockClock) -> None:
    one, two = Voice("one", TEXT, stops=[(1_100, unreachable("one"))]), Voice("two", TEXT, timed=False)
    parts, _ = await say(FailoverVoice(voices(one, two), board_of("tts", one, two)))
    words = [word for part in parts for word in part.words]
    assert [TEXT[word.start : word.end] for word in words][:7] == WORDS[:7]
    assert words == sorted(words, key=lambda word: word.end)


async def test_without_a_finder_words_are_guessed_from_the_pace_of_the_voice(autojump_clock: MockClock) -> None:
    text = "four four four four four four four four"
    for stop in range(0, 8 * EACH, 33):
        one, two = Voice("one", text, timed=False), Voice("two", text, timed=False)
        voice = FailoverVoice(voices(one, two), board_of("tts", one, two))
        await say(voice, text)
        one.stops = [(stop, unreachable("one"))]
        parts, _ = await say(voice, text)
        assert len(account(sound(parts), 8)[1]) <= 1


async def test_a_finder_that_takes_too_long_is_not_waited_for(autojump_clock: MockClock) -> None:
    async def never(pcm: bytes, rate: int, text: str, /) -> None:
        await trio.sleep_forever()

    one, two = Voice("one", TEXT, timed=False, stops=[(1_100, unreachable("one"))]), Voice("two", TEXT)
    parts, seconds = await say(FailoverVoice(voices(one, two), board_of("tts", one, two), find_words=never))
    assert seconds == pytest.approx(3.2)
    assert parts[-1].engine == "two"
