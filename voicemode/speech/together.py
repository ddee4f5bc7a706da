"""Work of several tasks that comes at about the same time, done in one go.  In: items one by one.  Out: their results.

Whoever comes first lets all others of this round of the event loop come as well, and does the work of all of them.  So
one alone waits for nobody, and the busier the loop, the more are done at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")
R = TypeVar("R")


@define(eq=False)
class _Place(Generic[T, R]):
    """``task`` waits here, unless it is the one that does the work."""

    item: T
    task: trio.lowlevel.Task | None = None
    results: list[R] = field(factory=list[R])
    """One, when it is there."""


class Together(Generic[T, R]):
    """Does with ``work``, which is given at most ``most`` items and returns as many results, and does not wait.

    It may serve several Trio runs in one process; those of one run are done together.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], most: int) -> None:
        self._work, self._most = work, most
        self._gathering: trio.lowlevel.RunVar[list[_Place[T, R]] | None] = trio.lowlevel.RunVar("gathering", None)

    async def do(self, item: T) -> R:
        """A cancel before the work is done leaves it undone for ``item``, and the others are done all the same.

        Raises what ``work`` raises for ``item`` alone, when it has raised for several.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        place = _Place[T, R](item)
        gathering = self._gathering.get()
        if gathering is not None:
            gathering.append(place)
            if len(gathering) == self._most:
                self._gathering.set(None)
            await _wait(place, gathering)
        else:
            gathering = [place]
            if self._most > 1:
                self._gathering.set(gathering)
            await trio.lowlevel.cancel_shielded_checkpoint()
            if self._gathering.get() is gathering:
                self._gathering.set(None)
            self._do_all(gathering)
        return place.results[0] if place.results else self.alone(item)

    def alone(self, item: T) -> R:
        """At once, without anybody else; for work without an event loop too."""
        return self._work([item])[0]

    def _do_all(self, places: list[_Place[T, R]]) -> None:
        try:
            for place, result in zip(places, self._work([place.item for place in places]), strict=True):
                place.results.append(result)
        except Exception:
            # whose fault it is comes out where each does their own
            if len(places) == 1:
                raise
        finally:
            for place in places:
                if place.task is not None:
                    trio.lowlevel.reschedule(place.task)


async def _wait(place: _Place[T, R], places: list[_Place[T, R]]) -> None:
    def leave(_: Callable[[], None]) -> trio.lowlevel.Abort:
        places.remove(place)
        return trio.lowlevel.Abort.SUCCEEDED

    place.task = trio.lowlevel.current_task()
    await trio.lowlevel.wait_task_rescheduled(leave)
