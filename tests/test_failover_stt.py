"""An utterance is understood as long as one engine understands it, and in time."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.errors import AllProvidersFailed, ProviderRefused, ProviderUnavailable
from actors.failover import Candidate, FailoverPolicy
from actors.failover_stt import FailoverRecogniser
from actors.health import unanswered
from actors.machines.board import Board, BoardPolicy
from actors.messages import Transcript
from tests.failing_engines import Ears, board_of, died, ears, refused, unreachable

SAID = bytes(2 * 16_000)
"""A second."""


async def ask(recogniser: FailoverRecogniser) -> tuple[Transcript, float]:
    began = trio.current_time()
    transcript = await recogniser.transcribe(SAID, 16_000, phrases=("yes", "no"))
    return transcript, trio.current_time() - began


async def test_the_first_engine_is_asked_and_nobody_else(autojump_clock: MockClock) -> None:
    one, two = Ears("one"), Ears("two")
    board = board_of("stt", one, two)
    transcript, _ = await ask(FailoverRecogniser(ears(one, two), board))
    assert (transcript.text, transcript.engine, transcript.failures) == ("heard by one", "one", ())
    assert two.heard == []
    assert board.status("stt", "one").health == "up"


async def test_the_whole_utterance_is_replayed_to_the_next_engine(autojump_clock: MockClock) -> None:
    one, two = Ears("one", errors=[unreachable("one")]), Ears("two")
    recogniser = FailoverRecogniser(ears(one, two), board_of("stt", one, two))
    transcript, _ = await ask(recogniser)
    assert two.heard == [SAID]
    assert (transcript.engine, recogniser.name) == ("two", "two")
    [failure] = transcript.failures
    assert (failure.service, failure.provider, failure.code, failure.seconds) == ("stt", "one", "unreachable", 0.1)


async def test_an_engine_that_says_nothing_is_given_up_in_time(autojump_clock: MockClock) -> None:
    one, two = Ears("one", wait=100.0), Ears("two")
    board = board_of("stt", one, two)
    transcript, seconds = await ask(FailoverRecogniser(ears(one, two), board))
    assert seconds == pytest.approx(1.5 + 0.1 * 1.0 + 0.1)
    assert [failure.code for failure in transcript.failures] == ["timeout"]
    assert board.status("stt", "one").health == "down"
    assert one.running == 0


async def test_an_engine_that_is_left_alone_is_told_as_well(autojump_clock: MockClock) -> None:
    one, two = Ears("one", errors=[unreachable("one")]), Ears("two")
    recogniser = FailoverRecogniser(ears(one, two), board_of("stt", one, two))
    await ask(recogniser)
    again, _ = await ask(recogniser)
    assert len(one.heard) == 1
    assert [(failure.provider, failure.code, failure.seconds) for failure in again.failures] == [("one", "down", 0.1)]
    assert again.failures[0].reason.startswith("one is left alone for now: ")


async def test_an_engine_known_to_be_slow_but_good_gets_its_time(autojump_clock: MockClock) -> None:
    one, two = Ears("one", wait=1.2), Ears("two")
    board = Board(BoardPolicy(enough=3))
    for engine in (one, two):
        board.add("stt", engine.name, "local", trio.current_time())
    recogniser = FailoverRecogniser(ears(one, two), board)
    for _ in range(3):
        await ask(recogniser)
    one.wait = 3.0
    transcript, _ = await ask(recogniser)
    assert transcript.engine == "one"


async def test_the_last_engine_gets_what_is_left_of_the_budget(autojump_clock: MockClock) -> None:
    one, two = Ears("one", wait=100.0), Ears("two", wait=8.0)
    recogniser = FailoverRecogniser(ears(one, two), board_of("stt", one, two))
    transcript, _ = await ask(recogniser)
    assert transcript.engine == "two"
    two.wait = 100.0
    began = trio.current_time()
    with pytest.raises(AllProvidersFailed):
        await recogniser.transcribe(SAID, 16_000)
    assert trio.current_time() - began == pytest.approx(15.0 + 1.0)
    assert one.running == two.running == 0


async def test_a_connection_that_died_is_tried_once_more(autojump_clock: MockClock) -> None:
    one, two = Ears("one", errors=[died("one")]), Ears("two")
    transcript, _ = await ask(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert transcript.engine == "one"
    assert [failure.code for failure in transcript.failures] == ["died"]
    assert len(one.heard) == 2


async def test_a_request_that_makes_no_sense_is_put_to_nobody_else(autojump_clock: MockClock) -> None:
    one, two = Ears("one", errors=[refused("one")]), Ears("two")
    with pytest.raises(ProviderRefused, match="one refused"):
        await ask(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert two.heard == []


async def test_when_all_fail_the_error_names_each_with_its_reason(autojump_clock: MockClock) -> None:
    one, two = Ears("one", errors=[unreachable("one")]), Ears("two", errors=[died("two"), died("two")])
    with pytest.raises(AllProvidersFailed) as failed:
        await ask(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert str(failed.value) == (
        "No engine could understand this: one (cannot be reached (no)), "
        "two (broke off in the middle of its answer), two (broke off in the middle of its answer)."
    )
    assert [error.code for error in failed.value.failures] == ["unreachable", "died", "died"]


async def test_an_engine_that_wants_to_be_left_alone_is_named_too(autojump_clock: MockClock) -> None:
    one = Ears("one", errors=[ProviderUnavailable("one", "one has too much to do.", code="busy", retry_after=60.0)])
    recogniser = FailoverRecogniser(ears(one), board_of("stt", one))
    with pytest.raises(AllProvidersFailed, match="too much to do"):
        await ask(recogniser)
    with pytest.raises(AllProvidersFailed, match="one asked to be left alone"):
        await ask(recogniser)
    assert len(one.heard) == 1


async def test_a_cancelled_caller_leaves_nothing_running_and_blames_nobody(autojump_clock: MockClock) -> None:
    one, two = Ears("one", wait=1.0), Ears("two")
    board = board_of("stt", one, two)
    with trio.move_on_after(0.5):
        await ask(FailoverRecogniser(ears(one, two), board))
    status = board.status("stt", "one")
    assert (status.cancelled, status.failed, status.running) == (1, 0, 0)
    assert one.running == 0
    assert two.heard == []


async def test_a_second_engine_is_asked_when_the_first_is_slower_than_usual(autojump_clock: MockClock) -> None:
    one, two = Ears("one"), Ears("two")
    board = Board(BoardPolicy(enough=3))
    for engine in (one, two):
        board.add("stt", engine.name, "local", trio.current_time())
    recogniser = FailoverRecogniser(ears(one, two), board, policy=FailoverPolicy(hedge=True))
    for _ in range(3):
        await ask(recogniser)
    assert two.heard == []
    one.wait = 1.0
    transcript, seconds = await ask(recogniser)
    assert (transcript.engine, transcript.failures) == ("two", ())
    assert seconds == pytest.approx(0.2, abs=0.02)
    assert (board.status("stt", "one").cancelled, board.status("stt", "one").failed) == (1, 0)
    assert one.running == two.running == 0


async def test_when_the_second_engine_fails_the_first_is_still_waited_for(autojump_clock: MockClock) -> None:
    one, two, three = Ears("one"), Ears("two", errors=[unreachable("two")]), Ears("three")
    board = Board(BoardPolicy(enough=3))
    for engine in (one, two, three):
        board.add("stt", engine.name, "local", trio.current_time())
    recogniser = FailoverRecogniser(ears(one, two, three), board, policy=FailoverPolicy(hedge=True))
    for _ in range(3):
        await ask(recogniser)
    one.wait = 1.0
    transcript, _ = await ask(recogniser)
    assert transcript.engine == "one"
    assert [failure.provider for failure in transcript.failures] == ["two"]
    assert three.heard == []


async def test_without_hedging_nobody_is_asked_beside_the_first(autojump_clock: MockClock) -> None:
    one, two = Ears("one"), Ears("two")
    board = Board(BoardPolicy(enough=1))
    for engine in (one, two):
        board.add("stt", engine.name, "local", trio.current_time())
    recogniser = FailoverRecogniser(ears(one, two), board)
    await ask(recogniser)
    one.wait = 1.0
    await ask(recogniser)
    assert two.heard == []


async def test_a_remote_engine_is_asked_only_if_it_is_chosen_or_allowed(autojump_clock: MockClock) -> None:
    one, far = Ears("one", errors=[unreachable("one")] * 3), Ears("far")
    local, remote = ears(one, far)
    remote = evolve(remote, place="remote")
    with pytest.raises(AllProvidersFailed):
        await ask(FailoverRecogniser([local, remote], board_of("stt", one, far)))
    chosen: Candidate[Ears] = evolve(remote, chosen=True)
    transcript, _ = await ask(FailoverRecogniser([local, chosen], board_of("stt", one, far)))
    assert (transcript.engine, len(transcript.failures)) == ("far", 1)
    allowing = FailoverPolicy(allow_remote=True)
    transcript, _ = await ask(FailoverRecogniser([local, remote], board_of("stt", one, far), policy=allowing))
    assert (transcript.engine, len(transcript.failures)) == ("far", 1)


async def test_what_is_no_failure_of_an_engine_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    class Broken(Ears):
        async def transcribe(self, pcm: bytes, rate: int, *, phrases: object = ()) -> Transcript:
            await trio.lowlevel.checkpoint()
            raise KeyError("a bug")

    one = Broken("one")
    board = board_of("stt", one)
    with pytest.RaisesGroup(KeyError):
        await ask(FailoverRecogniser(ears(one), board))
    assert board.status("stt", "one").running == 0


def unhurried(*engines: Ears) -> tuple[FailoverRecogniser, Board]:
    board = board_of("stt", *engines)
    return FailoverRecogniser(ears(*engines), board, policy=FailoverPolicy(first_byte=10.0)), board


async def probed(board: Board, name: str, silent: bool) -> None:
    call = board.probing("stt", name, trio.current_time())
    await trio.sleep(1.5 if silent else 0.1)
    if silent:
        board.failed(call, trio.current_time(), unanswered(name, 1.5))
    else:
        board.answered(call, trio.current_time())
        board.ended(call, trio.current_time())


async def test_one_that_has_never_said_anything_is_given_up_when_it_does_not_answer_its_probe_either(
    autojump_clock: MockClock,
) -> None:
    one, two = Ears("one", wait=100.0), Ears("two")
    recogniser, board = unhurried(one, two)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probed, board, "one", True)
        await trio.sleep(0.1)
        transcript, seconds = await ask(recogniser)
    assert seconds == pytest.approx(1.4 + 0.1)
    [failure] = transcript.failures
    assert (failure.provider, failure.code, failure.seconds) == ("one", "down", 1.4)
    assert failure.reason.startswith("one did not say within 1.5 s whether it is there.")
    assert (one.running, board.status("stt", "one").running) == (0, 0)


async def test_one_that_says_that_it_is_there_has_its_time(autojump_clock: MockClock) -> None:
    one, two = Ears("one", wait=8.0), Ears("two")
    recogniser, board = unhurried(one, two)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probed, board, "one", False)
        transcript, _ = await ask(recogniser)
    assert (transcript.engine, transcript.failures) == ("one", ())


async def test_one_that_has_spoken_before_may_have_no_ear_for_a_probe_while_it_works(autojump_clock: MockClock) -> None:
    one, two = Ears("one", wait=8.0), Ears("two")
    board = board_of("stt", one, two)
    first, second = ears(one, two)
    candidates = [evolve(first, has_spoken=lambda: True), second]
    recogniser = FailoverRecogniser(candidates, board, policy=FailoverPolicy(first_byte=10.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probed, board, "one", True)
        await trio.sleep(0.1)
        transcript, _ = await ask(recogniser)
    assert (transcript.engine, transcript.failures) == ("one", ())


async def test_the_last_one_is_waited_for_whatever_its_probe_came_to(autojump_clock: MockClock) -> None:
    one = Ears("one", wait=8.0)
    recogniser, board = unhurried(one)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probed, board, "one", True)
        await trio.sleep(0.1)
        transcript, _ = await ask(recogniser)
    assert transcript.engine == "one"


async def test_both_attempts_of_an_engine_that_is_asked_twice_are_told(autojump_clock: MockClock) -> None:
    one, two = Ears("one", errors=[died("one"), unreachable("one")]), Ears("two")
    transcript, _ = await ask(FailoverRecogniser(ears(one, two), board_of("stt", one, two)))
    assert [(failure.code, failure.seconds) for failure in transcript.failures] == [("died", 0.1), ("unreachable", 0.1)]
