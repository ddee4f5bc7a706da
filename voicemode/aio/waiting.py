"""How an asyncio task waits for the engine.  In: an outcome.  Out: the same, in the task, also when it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from actors.errors import SettingsError

from ..embed.call import CancelledByHost
from ..embed.engine import EngineEnded

T = TypeVar("T")


async def settled(outcome: Future[T], give_up: Callable[[], None]) -> T:
    """Return or raise ``outcome``.  Who is cancelled meanwhile has ``give_up`` called, and waits for the outcome first.

    What goes wrong on the way out goes before the cancellation, as it would in a ``finally``.
    """
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    def tell(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has been closed, and nobody waits
            loop.call_soon_threadsafe(wake)

    outcome.add_done_callback(tell)
    cancelled: asyncio.CancelledError | None = None
    failure: BaseException | None = None
    try:
        while not outcome.done():
            try:
                await asyncio.shield(done)
            except asyncio.CancelledError as error:
                if cancelled is None:
                    cancelled = error
                    give_up()
            except GeneratorExit:
                give_up()
                raise
        if cancelled is None:
            return outcome.result()
        failure = outcome.exception()
        if failure is None or isinstance(failure, CancelledByHost | EngineEnded | SettingsError):
            raise cancelled
        raise failure
    finally:
        # an error's traceback holds this frame, which must not hold the error
        del cancelled, failure, outcome
