"""What a call does when it is cancelled as it waits: the call in, a sentence out if it goes on as if nothing was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from ..groups import unwrapped
from .keeping import promised


class _Woken(trio.abc.Instrument):
    """The tasks that are told to go on while it watches."""

    def __init__(self) -> None:
        self.tasks: set[trio.lowlevel.Task] = set()

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        self.tasks.add(task)


async def cancelled_after(seconds: float, call: Callable[[], Awaitable[object]], what: str) -> None:
    """Cancel ``call`` after so many seconds, if it is not over.  Raises BrokenPromise when it swallows that.

    It is seen when ``trio.Cancelled`` is raised where the task that calls waits, and the call returns all the same.  It
    cannot be seen in a call that is over before, that waits in a thread to its end or in a shield, or that waits for
    tasks of its own.
    """
    caller, woken, scope = trio.lowlevel.current_task(), _Woken(), trio.CancelScope()

    async def cancel() -> None:
        await trio.sleep(seconds)
        # who waits and can be cancelled is woken before cancel() returns, and everybody else later
        trio.lowlevel.add_instrument(woken)
        scope.cancel("a check wants to know what it does")
        trio.lowlevel.remove_instrument(woken)

    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel)
            with scope:
                await call()
            nursery.cancel_scope.cancel()
    promised(
        scope.cancelled_caught or caller not in woken.tasks,
        f"{what} was cancelled after {seconds:.3g} s and went on: it swallows trio.Cancelled. Catch Exception, not "
        "BaseException, clean up in finally, and raise Cancelled again where you have caught it.",
    )
