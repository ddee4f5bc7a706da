"""Has the durable queue do what the routing wants, many things at once.  In: commands.  Out: what came of them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import trio

from .events import Discard, Fetch, Fetched, Keep, Kept, NotKept, Remember
from .queue import MessageQueue, QueueError

logger = logging.getLogger(__name__)

MOST_PENDING = 2_000
"""Commands that wait for the disk."""

AT_ONCE = 50

Job: TypeAlias = Keep | Fetch | Discard | Remember
Report: TypeAlias = Kept | NotKept | Fetched


class Keeper:
    """``tell`` hears of every result.  A queue that fails keeps nothing, which whoever wrote is told."""

    def __init__(self, queue: MessageQueue, tell: Callable[[Report], None]) -> None:
        self._queue, self._tell = queue, tell
        self._jobs: deque[Job] = deque()
        self._again: set[Job] = set()
        self._news = trio.Event()
        # the file is used by one thread at a time
        self._thread = trio.CapacityLimiter(1)
        self.count = 0

    def put(self, job: Job) -> None:
        """What there is no room for is not kept; what else is lost is asked for again."""
        if isinstance(job, Fetch | Remember) and job in self._again:
            return
        if len(self._jobs) < MOST_PENDING:
            self._jobs.append(job)
            if isinstance(job, Fetch | Remember):
                self._again.add(job)
            self._news.set()
        elif isinstance(job, Keep):
            self._tell(NotKept(job.entry.account, job.entry.id, "the gateway's disk is too slow"))

    async def run(self) -> None:
        """Until cancelled; what the disk is at then is finished."""
        self.count = await trio.to_thread.run_sync(self._queue.count, limiter=self._thread)
        while True:
            while not self._jobs:
                self._news = trio.Event()
                await self._news.wait()
            jobs = [self._jobs.popleft() for _ in range(min(AT_ONCE, len(self._jobs)))]
            self._again.difference_update(jobs)
            try:
                reports, self.count = await trio.to_thread.run_sync(self._carry_out, jobs, limiter=self._thread)
            except QueueError as error:
                logger.warning("%s", error)
                reports = [
                    NotKept(job.entry.account, job.entry.id, "it could not be written down")
                    for job in jobs
                    if isinstance(job, Keep)
                ]
            for report in reports:
                self._tell(report)

    def _carry_out(self, jobs: list[Job]) -> tuple[list[Report], int]:
        return self._queue.carry_out(jobs), self._queue.count()
