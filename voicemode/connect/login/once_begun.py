"""What should be finished once it has begun.  In: an async function.  Out: its result.

The provider may have taken back the old refresh token before its answer is here: who goes away then loses the login.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from ...groups import unwrapped

Result = TypeVar("Result")

GRACE = 3.0
"""Seconds that it may still take when it has been cancelled."""


async def once_begun(do: Callable[[], Awaitable[Result]]) -> Result:
    async def notice_cancel(inside: trio.CancelScope) -> None:
        try:
            await trio.sleep_forever()
        finally:
            inside.deadline = min(inside.deadline, trio.current_time() + GRACE)

    with unwrapped():
        async with trio.open_nursery() as nursery:
            with trio.CancelScope(shield=True) as inside:
                nursery.start_soon(notice_cancel, inside)
                result = await do()
                nursery.cancel_scope.cancel("it is done")
                return result
    raise AssertionError("it was given up, and the cancel came out of the nursery")
