"""What the engine asks of an asyncio loop, done in tasks of that loop.  In: errands.  Out: what the host's code gives.

Everything here that the engine calls returns at once, however busy the loop is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import copy_context
from functools import partial
from typing import TypeVar
from weakref import ref

from ..embed.errand import CLEAN_UP, Begin, Errand, HostGone

T = TypeVar("T")


class Host:
    """The loop that is running.  What is done there on an errand has the context variables of the engine's task that
    asks for it, which are those of whoever called and what was added since, as a span of the turn.

    With ``in_turn`` an errand begins when the one before is over, however long that cleans up.
    """

    def __init__(self, *, in_turn: bool = False) -> None:
        loop = asyncio.get_running_loop()
        # the engine must not keep a loop alive that everybody else has forgotten
        self._loop = ref(loop)
        self._in_turn = in_turn
        self._last: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def gone(self) -> bool:
        loop = self._loop()
        return loop is None or loop.is_closed()

    def patience(self) -> float:
        """Seconds that it is worth waiting for it."""
        return 0.0 if self.gone else CLEAN_UP

    def post(self, job: Callable[[], object]) -> None:
        """Have ``job`` done in the loop, with the context variables of whoever calls this.  Raises HostGone."""
        loop = self._loop()
        if loop is None:
            raise HostGone("The asyncio loop of this conversation is gone.")
        try:
            loop.call_soon_threadsafe(job, context=copy_context())
        except RuntimeError as error:
            raise HostGone("The asyncio loop of this conversation is closed.") from error

    def begin(self, make: Callable[[], AsyncGenerator[T, None]]) -> Begin[T]:
        """How the engine has what ``make`` makes run here, and ended."""

        def start(errand: Errand[T]) -> Callable[[], None]:
            tasks: list[asyncio.Task[None]] = []
            self.post(lambda: tasks.append(self._start(errand, make)))
            return partial(self.post, lambda: [task.cancel() for task in tasks])

        return start

    def _start(self, errand: Errand[T], make: Callable[[], AsyncGenerator[T, None]]) -> asyncio.Task[None]:
        before = self._last if self._in_turn else None
        # it is a copy of its own already, made where this was posted
        task = asyncio.get_running_loop().create_task(_run(errand, make, before))
        self._last = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # one that is cancelled before its first step has told nothing
        task.add_done_callback(lambda _: errand.finish())
        return task


async def _run(
    errand: Errand[T], make: Callable[[], AsyncGenerator[T, None]], before: asyncio.Task[None] | None
) -> None:
    try:
        if before is not None and not before.done():
            await asyncio.wait((before,))
        if errand.wanted():
            async with aclosing(make()) as items:
                async for item in items:
                    if not errand.give(item):
                        await _room(errand)
                    if not errand.wanted():
                        break
    except Exception as error:  # noqa: BLE001  it is for whoever talks with the agent
        errand.finish(error)
    except asyncio.CancelledError as error:
        # whoever abandons it knows; anybody else's cancellation is the agent's own
        errand.finish(error if errand.wanted() else None)
        raise
    except BaseException:
        # it ends the loop, and whoever waits there
        errand.finish()
        raise
    else:
        errand.finish()
    finally:
        del errand


async def _room(errand: Errand[T]) -> None:
    loop, room = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        try:
            loop.call_soon_threadsafe(room.set)
        except RuntimeError:
            return

    errand.when_room(tell)
    await room.wait()
