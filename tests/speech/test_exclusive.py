"""One thread at a time, and whoever waits can be cancelled."""

from __future__ import annotations

import threading

import trio

from voicemode.speech.exclusive import Exclusive


async def test_a_thread_that_waits_can_be_cancelled_and_the_next_gets_in() -> None:
    engine, entered = Exclusive(), threading.Event()

    def enter() -> None:
        with engine.hold():
            entered.set()

    with engine.hold(), trio.move_on_after(0.05) as scope:
        await trio.to_thread.run_sync(enter)
    assert scope.cancelled_caught
    assert not entered.is_set()
    await trio.to_thread.run_sync(enter)
    assert entered.is_set()


async def test_only_one_is_in_at_a_time() -> None:
    engine, inside, most = Exclusive(), [0], [0]

    def work() -> None:
        for _ in range(100):
            with engine.hold():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(trio.to_thread.run_sync, work)
    assert most == [1]
