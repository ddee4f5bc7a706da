"""The host of a session in an asyncio program, the same for every side that is one.  In: a stage and a side's session.
Out: the time that passes, a host that blocks its loop where the job says so, and the cost of listening.

Needs nothing but Python: it runs in the peers' environments.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from world import Stage, memory, now

Session = Callable[[Stage], Coroutine[Any, Any, list[str]]]

ENDING = 20.0
"""Seconds for sessions to end once they were cancelled."""


async def attend(stage: Stage, running: Callable[[], bool] = lambda: True) -> None:
    """Until all is over, or the side is no longer ``running``."""
    while not stage.over() and running():
        await asyncio.sleep(0.01)
        at = stage.block_at()
        if at is not None:
            await asyncio.sleep(max(0.0, at - now()))
            stage.note("blocked")
            # that a host does this to its loop is what is measured
            time.sleep(stage.job["block"][1])  # noqa: ASYNC251


def listener(session: Session) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The job ``listen``: ``sessions`` listen to a quiet room for ``seconds``; what comes of it are the processor's
    seconds for each second of one, bytes of memory, and by how much the end was late."""

    async def run(job: dict[str, Any]) -> dict[str, Any]:
        stages = [Stage(job) for _ in range(job["sessions"])]
        tasks = [asyncio.create_task(session(stage)) for stage in stages]
        # a stage is told in whatever thread its side has, so there is no event of this loop to wait for
        while not all(stage.events for stage in stages):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(job["settle"])
        begun, spent = now(), time.process_time()
        await asyncio.sleep(job["seconds"])
        spent, took = time.process_time() - spent, now() - begun
        found = {"cpu": spent / took / len(stages), "memory": memory(), "late": took - job["seconds"]}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=ENDING)
        return found

    return lambda job: asyncio.run(run(job))
