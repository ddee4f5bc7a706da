"""Whoever sends on is waited for by nobody."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from voicemode.telemetry import writer
from voicemode.telemetry.batch import Batch, Ids
from voicemode.telemetry.values import Measured
from voicemode.telemetry.writer import BACKLOG, Exporters, writing


class Kept:
    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.closed = 0

    def export(self, batch: Batch, _: Ids) -> None:
        self.batches.append(batch)

    def close(self) -> None:
        self.closed += 1


def batch(number: int) -> Batch:
    return Batch(offset=number)


async def test_what_does_not_fit_costs_the_oldest_turns_which_are_counted(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, kept = trio.Event(), Kept()

    async def slowly(work: object, _: trio.CapacityLimiter) -> None:
        await stuck.wait()
        assert callable(work)
        work()

    monkeypatch.setattr(writer, "in_thread", slowly)
    async with writing(Exporters(others=(kept,))) as batches:
        batches.put_nowait(batch(0))
        await wait_all_tasks_blocked()
        for number in range(1, BACKLOG + 4):
            batches.put_nowait(batch(number))
        stuck.set()
    assert [each.offset for each in kept.batches] == [0, *range(4, BACKLOG + 4)]
    told: list[Measured] = [each for one in kept.batches for each in one.measured]
    assert [(each.metric.name, each.value) for each in told] == [("voicemode.telemetry.dropped", 3)]
    assert kept.closed == 1


async def test_what_is_left_has_two_seconds(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: object, __: trio.CapacityLimiter) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(writer, "in_thread", never)
    began = trio.current_time()
    async with writing(Exporters(others=(Kept(),))) as batches:
        batches.put_nowait(batch(0))
    assert trio.current_time() - began == writer.LAST_TURNS


async def test_it_is_left_also_when_it_is_cancelled(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()

    async def here(work: object, _: trio.CapacityLimiter) -> None:
        await trio.lowlevel.checkpoint()
        assert callable(work)
        work()

    monkeypatch.setattr(writer, "in_thread", here)
    with trio.move_on_after(1.0):
        async with writing(Exporters(others=(kept,))) as batches:
            batches.put_nowait(batch(0))
            await trio.sleep_forever()
    assert (len(kept.batches), kept.closed) == (1, 1)


def test_one_that_fails_is_told_of_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Kept):
        def export(self, batch: Batch, _: Ids) -> None:
            raise OSError(28, "No space left on device")

    kept = Kept()
    exporters = Exporters(others=(Failing(), kept))
    with caplog.at_level(logging.WARNING):
        exporters.export(batch(0))
        exporters.export(batch(1))
    assert len(kept.batches) == 2
    assert len(caplog.records) == 1
