"""Hands finished turns to those who send them on, in a thread.  In: turns, as many as fit.  Out: nothing that anybody
waits for.

A disk or a collector that is slow costs the oldest turns, which are counted; one that fails is told of once.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import trio
from attrs import define, evolve, field

from actors.ring import Ring

from .batch import Batch, Ids
from .catalogue import UNTOLD
from .values import measured

log = logging.getLogger(__name__)

BACKLOG = 64
"""Turns that may wait for the disk or the collector."""

LAST_TURNS = 2.0
"""Seconds that they have for what is left when the conversation is over."""


class Exporter(Protocol):
    """All of it is called in a thread, one call at a time."""

    def export(self, batch: Batch, ids: Ids, /) -> None: ...

    def close(self) -> None: ...


class Namer(Exporter, Protocol):
    """One that names the spans itself."""

    def name(self, batch: Batch, /) -> Ids: ...


@define
class Exporters:
    """``namer`` goes first, so that the others call the spans as it does."""

    namer: Namer | None = None
    others: tuple[Exporter, ...] = ()
    _told: bool = field(default=False, init=False)

    def export(self, batch: Batch) -> None:
        ids = Ids.at_random(batch)
        if self.namer is not None:
            ids = self._guarded(partial(self.namer.name, batch)) or ids
        for each in self.others:
            self._guarded(partial(each.export, batch, ids))

    def close(self) -> None:
        for each in (*self.others, *([] if self.namer is None else [self.namer])):
            self._guarded(each.close)

    def _guarded(self, work: Callable[[], Ids | None]) -> Ids | None:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - a host's own exporters are in it, and none may end a conversation
            if not self._told:
                self._told = True
                log.warning("Not all of the telemetry can be handed on: %s The conversation goes on.", _said(error))
        return None


def _said(error: Exception) -> str:
    said = str(error).rstrip(".")
    return f"{said or type(error).__name__}."


@asynccontextmanager
async def writing(exporters: Exporters) -> AsyncGenerator[Ring[Batch]]:
    """What is put into the ring is exported; leaving waits for that, 2 s at most.

    The threads are not seen by a virtual clock, to which the 2 s are over at once.
    """
    batches = Ring[Batch](BACKLOG)
    async with trio.open_nursery() as nursery:
        until_written = trio.CancelScope(shield=True)

        async def write() -> None:
            with until_written:
                await _write(batches, exporters)

        nursery.start_soon(write)
        try:
            yield batches
        finally:
            batches.close()
            until_written.deadline = trio.current_time() + LAST_TURNS


async def _write(batches: Ring[Batch], exporters: Exporters) -> None:
    threads, dropped = trio.CapacityLimiter(1), 0
    async for batch in batches:
        lost = batches.statistics().dropped - dropped
        dropped += lost
        told = evolve(batch, measured=(*batch.measured, measured(UNTOLD, lost))) if lost else batch
        await in_thread(partial(exporters.export, told), threads)
    await in_thread(exporters.close, threads)


async def in_thread(work: Callable[[], None], threads: trio.CapacityLimiter) -> None:
    await trio.to_thread.run_sync(work, limiter=threads, abandon_on_cancel=True)
