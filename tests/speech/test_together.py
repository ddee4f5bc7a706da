from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from voicemode.speech.together import Together

PATIENCE = 0.004


class Doubling:
    """Keeps what it was given in one go."""

    def __init__(self, most: int = 100, many: int = 1, lately: float = 0.0) -> None:
        self.given: list[list[int]] = []
        self.together = Together(self.work, most=most, many=many, lately=lately, patience=PATIENCE)

    def work(self, items: Sequence[int]) -> list[int]:
        self.given.append(list(items))
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


async def all_of(doubling: Doubling, items: Sequence[int]) -> dict[int, int]:
    results: dict[int, int] = {}

    async def one(item: int) -> None:
        results[item] = await doubling.together.do(item)

    async with trio.open_nursery() as nursery:
        for item in items:
            nursery.start_soon(one, item)
    return results


async def test_what_comes_at_once_is_done_at_once() -> None:
    doubling = Doubling()
    assert await all_of(doubling, range(5)) == {item: 2 * item for item in range(5)}
    assert [sorted(items) for items in doubling.given] == [[0, 1, 2, 3, 4]]


async def test_one_alone_waits_for_nobody() -> None:
    doubling = Doubling()
    assert [await doubling.together.do(item) for item in (1, 2)] == [2, 4]
    assert doubling.given == [[1], [2]]


async def test_no_more_than_so_many_are_done_in_one_go() -> None:
    doubling = Doubling(most=4)
    assert await all_of(doubling, range(10)) == {item: 2 * item for item in range(10)}
    assert sorted(map(len, doubling.given)) == [2, 4, 4]


async def test_at_most_one_means_each_by_itself() -> None:
    doubling = Doubling(most=1)
    await all_of(doubling, range(3))
    assert [len(items) for items in doubling.given] == [1, 1, 1]


@pytest.mark.parametrize("cancelled", range(3))
async def test_who_is_cancelled_disturbs_nobody(cancelled: int) -> None:
    """Also who came first, and would have done it for all."""
    doubling = Doubling()
    results: dict[int, int] = {}
    scopes = [trio.CancelScope() for _ in range(3)]

    async def one(item: int) -> None:
        with scopes[item]:
            results[item] = await doubling.together.do(item)

    async def cancel() -> None:
        scopes[cancelled].cancel()

    async with trio.open_nursery() as nursery:
        for item in range(3):
            nursery.start_soon(one, item)
        nursery.start_soon(cancel)
    for item in {0, 1, 2} - {cancelled}:
        assert results[item] == 2 * item


async def test_who_is_cancelled_while_they_wait_is_left_out() -> None:
    doubling = Doubling()
    scopes = [trio.CancelScope() for _ in range(3)]
    begun: list[int] = []

    async def one(item: int) -> None:
        with scopes[item]:
            begun.append(item)
            if len(begun) == len(scopes):
                scopes[begun[1]].cancel()
            await doubling.together.do(item)

    async with trio.open_nursery() as nursery:
        for item in range(len(scopes)):
            nursery.start_soon(one, item)
    assert doubling.given == [[begun[0], begun[2]]]


async def test_where_many_come_the_first_waits_for_others(autojump_clock: MockClock) -> None:
    doubling = Doubling(many=3, lately=0.03)
    results: list[int] = []

    async def one(item: int) -> None:
        results.append(await doubling.together.do(item))

    async with trio.open_nursery() as nursery:
        for item in range(9):
            nursery.start_soon(one, item)
            await trio.sleep(0.003)
    assert results == [2 * item for item in range(9)]
    assert doubling.given == [[0], [1], [2], [3, 4], [5, 6], [7, 8]]


async def test_few_never_wait(autojump_clock: MockClock) -> None:
    doubling = Doubling(many=3, lately=0.03)
    begun = trio.current_time()
    for item in range(9):
        await doubling.together.do(item)
        await trio.sleep(0.016)
    assert trio.current_time() - begun == pytest.approx(9 * 0.016)


async def test_who_waits_for_others_and_is_cancelled_does_their_work_all_the_same(autojump_clock: MockClock) -> None:
    doubling = Doubling(many=1, lately=1.0)
    await doubling.together.do(0)
    begun = trio.current_time()
    results: list[int] = []

    async def first(scope: trio.CancelScope) -> None:
        with scope:
            await doubling.together.do(1)

    async def second() -> None:
        results.append(await doubling.together.do(2))

    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        nursery.start_soon(first, scope)
        await trio.sleep(PATIENCE / 4)
        nursery.start_soon(second)
        await trio.sleep(PATIENCE / 4)
        scope.cancel()
    assert results == [4]
    assert trio.current_time() - begun == pytest.approx(PATIENCE)


async def test_a_cancel_that_comes_before_leaves_it_undone() -> None:
    doubling = Doubling()
    with trio.CancelScope() as scope:
        scope.cancel()
        await doubling.together.do(1)
    assert scope.cancelled_caught
    assert doubling.given == []


async def test_an_error_is_that_of_the_one_who_caused_it() -> None:
    doubling = Doubling()
    results: dict[int, int] = {}

    async def one(item: int) -> None:
        results[item] = await doubling.together.do(item)

    async def unlucky() -> None:
        with pytest.raises(ValueError, match="thirteen"):
            await doubling.together.do(13)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one, 1)
        nursery.start_soon(unlucky)
        nursery.start_soon(one, 2)
    assert results == {1: 2, 2: 4}


def test_two_runs_in_two_threads_do_not_meet() -> None:
    doubling = Doubling()
    seen: list[dict[int, int]] = []

    async def outer() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, inner)
            await wait_all_tasks_blocked()
            seen.append(await all_of(doubling, [1, 2]))

    def inner() -> None:
        seen.append(trio.run(all_of, doubling, [3, 4]))

    trio.run(outer)
    assert sorted(map(sorted, doubling.given)) == [[1, 2], [3, 4]]
    assert sorted(map(sorted, seen)) == [[1, 2], [3, 4]]
