"""Calls that hang are held up by a lock, so that a test lets them go."""

from __future__ import annotations

import threading
from functools import partial

import pytest
import trio

from voicemode.audio.device_thread import DeviceThread, Stuck


class Work:
    """A call that waits to be let go, unless it is ``free``."""

    def __init__(self, *, free: bool = False) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        if free:
            self.released.set()

    def __call__(self) -> str:
        self.begun.set()
        assert self.released.wait(10)
        return "done"


@pytest.fixture(scope="module")
def thread() -> DeviceThread:
    # a daemon, called as those that the tests' threads are compared with
    return DeviceThread("PortAudio", patience=0.1)


def ignore(_: object) -> None:
    pass


async def nothing_waits(thread: DeviceThread) -> None:
    await trio.to_thread.run_sync(thread.submit(int).result)


async def test_calls_return_and_raise_what_their_work_does(thread: DeviceThread) -> None:
    assert await thread.call(lambda: 7, too_late=ignore) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0, too_late=ignore)
    assert not thread.is_stuck


async def test_calls_are_made_in_order_by_one_thread(thread: DeviceThread) -> None:
    made: list[tuple[int, str]] = []
    for number in range(20):
        thread.submit(lambda number=number: made.append((number, threading.current_thread().name)))
    await nothing_waits(thread)
    assert made == [(number, "PortAudio") for number in range(20)]


async def test_a_call_that_hangs_keeps_neither_its_caller_nor_those_behind_it(thread: DeviceThread) -> None:
    hanging, behind = Work(), Work(free=True)
    late: list[str] = []
    with pytest.raises(Stuck):
        await thread.call(hanging, too_late=late.append)
    assert thread.is_stuck
    with pytest.raises(Stuck):
        await thread.call(behind, too_late=late.append)
    assert not late
    hanging.released.set()
    await nothing_waits(thread)
    assert late == ["done"]
    assert not behind.begun.is_set()
    assert not thread.is_stuck


async def test_a_call_may_be_given_more_time_than_others_and_those_behind_it_wait_for_it(thread: DeviceThread) -> None:
    slow = Work()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(thread.call, slow, too_late=ignore, patience=10.0))
        await trio.to_thread.run_sync(slow.begun.wait)
        nursery.start_soon(partial(thread.call, int, too_late=ignore))
        await trio.sleep(0.15)  # longer than other calls may take
        assert not thread.is_stuck
        slow.released.set()


async def test_a_call_that_hangs_is_noticed_by_those_who_wait_already(thread: DeviceThread) -> None:
    hanging = Work()
    thread.submit(hanging)
    with pytest.raises(Stuck):
        await thread.call(int, too_late=ignore)
    hanging.released.set()
    await nothing_waits(thread)


async def test_a_cancel_waits_for_nothing_and_what_comes_too_late_is_undone(thread: DeviceThread) -> None:
    work = Work()
    late: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: thread.call(work, too_late=late.append))
        assert await trio.to_thread.run_sync(work.begun.wait, 10)
        nursery.cancel_scope.cancel("the caller goes")
    assert not late
    work.released.set()
    await nothing_waits(thread)
    assert late == ["done"]


async def test_what_fails_too_late_is_nobodys_concern(thread: DeviceThread) -> None:
    work = Work()
    late: list[object] = []

    def fail() -> None:
        work()
        raise ZeroDivisionError

    with pytest.raises(Stuck):
        await thread.call(fail, too_late=late.append)
    work.released.set()
    await nothing_waits(thread)
    assert late == []


def test_a_run_that_is_over_is_not_missed(thread: DeviceThread) -> None:
    work = Work()

    async def leave() -> None:
        with pytest.raises(Stuck):
            await thread.call(work, too_late=ignore)

    trio.run(leave)
    work.released.set()
    trio.run(nothing_waits, thread)
    assert trio.run(lambda: thread.call(lambda: 7, too_late=ignore)) == 7
