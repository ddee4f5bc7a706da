from __future__ import annotations

from collections import deque

import pytest
import trio
from hypothesis import given, strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.ring import Ring


async def test_a_full_ring_drops_the_oldest_and_counts_it() -> None:
    ring = Ring[int](2)
    for item in range(5):
        ring.put_nowait(item)
    statistics = ring.statistics()
    assert (statistics.capacity, statistics.waiting, statistics.put, statistics.dropped) == (2, 2, 5, 3)
    ring.close()
    assert [item async for item in ring] == [3, 4]


async def test_a_closed_ring_gives_out_what_waits_and_takes_no_more() -> None:
    ring = Ring[str](3)
    ring.put_nowait("in time")
    ring.close()
    ring.close()
    ring.put_nowait("late")
    assert ring.statistics().dropped == 1
    assert [item async for item in ring] == ["in time"]


async def test_closing_ends_the_wait_of_the_consumer() -> None:
    ring = Ring[str](3)
    ended = trio.Event()

    async def consume() -> None:
        assert [item async for item in ring] == []
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await wait_all_tasks_blocked()
        assert not ended.is_set()
        ring.close()
    assert ended.is_set()


async def test_a_cancelled_wait_loses_nothing() -> None:
    ring = Ring[str](3)
    got: list[str] = []

    async def wait() -> None:
        got.append(await anext(ring))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        ring.put_nowait("kept")
    assert [*got, await anext(ring)] == ["kept"]


async def test_a_wait_cancelled_before_it_begins_loses_nothing() -> None:
    ring = Ring[str](3)
    ring.put_nowait("kept")
    with trio.CancelScope() as scope:
        scope.cancel()
        await anext(ring)
    assert scope.cancelled_caught
    assert ring.statistics().waiting == 1


async def test_a_foreign_thread_may_put_into_it_full_or_closed() -> None:
    ring = Ring[int](1)
    token = trio.lowlevel.current_trio_token()

    def call_back() -> None:
        for item in range(3):
            token.run_sync_soon(ring.put_nowait, item)
        token.run_sync_soon(ring.close)
        token.run_sync_soon(ring.put_nowait, 3)

    await trio.to_thread.run_sync(call_back)
    assert [item async for item in ring] == [2]
    assert ring.statistics().dropped == 3


async def test_a_busy_ring_lets_other_tasks_run() -> None:
    ring = Ring[int](2)
    ring.put_nowait(1)
    with trio.testing.assert_checkpoints():
        await anext(ring)


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        Ring[int](0)


@given(capacity=st.integers(1, 5), steps=st.lists(st.sampled_from(["put", "put", "get", "close"]), max_size=40))
def test_a_ring_behaves_as_a_bounded_deque(capacity: int, steps: list[str]) -> None:
    async def follow() -> None:
        ring, model = Ring[int](capacity), deque[int](maxlen=capacity)
        closed, put, taken = False, 0, 0
        for step in steps:
            if step == "put":
                ring.put_nowait(put)
                if not closed:
                    model.append(put)
                put += 1
            elif step == "close":
                ring.close()
                closed = True
            elif model:
                assert await anext(ring) == model.popleft()
                taken += 1
            elif closed:
                with pytest.raises(StopAsyncIteration):
                    await anext(ring)
            statistics = ring.statistics()
            assert (statistics.waiting, statistics.put) == (len(model), put)
            assert statistics.dropped == put - taken - len(model)

    trio.run(follow)


async def test_so_much_is_taken_at_a_time_as_it_is_worth_being_woken_for(autojump_clock: MockClock) -> None:
    ring = Ring[bytes](10)
    taken: list[tuple[float, list[bytes]]] = []

    async def take() -> None:
        while not ring.over:
            taken.append((trio.current_time(), await ring.take(5, len)))

    begun = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        for item in (b"ab", b"cd", b"ef", b"g", b"hijkl", b"m"):
            await trio.sleep(1)
            ring.put_nowait(item)
        ring.close()
    assert [items for _, items in taken] == [[b"ab", b"cd", b"ef"], [b"g", b"hijkl"], [b"m"]]
    assert [round(at - begun) for at, _ in taken] == [0, 3, 5]


async def test_what_waits_is_given_when_it_is_flushed_little_as_it_is() -> None:
    ring = Ring[int](10)
    taken: list[list[int]] = []

    async def take() -> None:
        taken.append(await ring.take(5))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await wait_all_tasks_blocked()
        ring.put_nowait(1)
        await wait_all_tasks_blocked()
        assert taken == []
        ring.flush()
    assert taken == [[1]]
    assert ring.take_nowait() == []


async def test_a_full_ring_is_worth_being_woken_for() -> None:
    ring = Ring[int](2)
    for item in range(3):
        ring.put_nowait(item)
    assert await ring.take(100) == [1, 2]
    assert not ring.over
    ring.close()
    assert ring.over
