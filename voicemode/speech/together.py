"""Work of several tasks that comes at about the same time, done in one go.  In: items one by one.  Out: their results.

Whoever comes first lets all others of this round of the event loop come as well, and does the work of all of them.  So
one alone waits for nobody, and the busier the loop, the more are done at once.  Where many come all the time, the first
waits a moment longer.
"""

from __future__ import annotations

from collections import deque
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


@define
class _Run(Generic[T, R]):
    """What is gathered in one Trio run, and when the last items came."""

    came: deque[float]
    places: list[_Place[T, R]] | None = None


class Together(Generic[T, R]):
    """Does with ``work``, which is given at most ``most`` items and returns as many results, and does not wait.

    When there were ``many`` within ``lately`` seconds, those that come within ``patience`` seconds are done in one go.
    It may serve several Trio runs in one process; those of one run are done together.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R]],
        *,
        most: int,
        many: int = 1,
        lately: float = 0.0,
        patience: float = 0.0,
    ) -> None:
        self._work, self._most = work, most
        self._many, self._lately, self._patience = many, lately, patience
        self._run = trio.lowlevel.RunVar[_Run[T, R]]("run")

    async def do(self, item: T) -> R:
        """A cancel before the work is done leaves it undone for ``item``, and the others are done all the same.

        Raises what ``work`` raises for ``item`` alone, when it has raised for several.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        run = self._this_run()
        place = _Place[T, R](item)
        now = trio.current_time()
        waits = len(run.came) == self._many and now - run.came[0] < self._lately
        run.came.append(now)
        if run.places is not None:
            places = run.places
            places.append(place)
            if len(places) == self._most:
                run.places = None
            await _wait(place, places)
        else:
            places = [place]
            if self._most > 1:
                run.places = places
            if waits:
                # the others count on it
                with trio.CancelScope(deadline=now + self._patience, shield=True):
                    await trio.sleep_forever()
            else:
                await trio.lowlevel.cancel_shielded_checkpoint()
            if run.places is places:
                run.places = None
            self._do_all(places)
        return place.results[0] if place.results else self.alone(item)

    def _this_run(self) -> _Run[T, R]:
        try:
            return self._run.get()
        except LookupError:
            run = _Run[T, R](deque(maxlen=self._many))
            self._run.set(run)
            return run

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
