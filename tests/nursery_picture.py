"""Draws what runs in what during a conversation, from the tasks that Trio really starts.

In: a turn with an agent, under a virtual clock.  Out: lines for docs/architecture.md, where each task is below the one
whose nursery it runs in; ``python -m tests.nursery_picture`` prints them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TypeAlias

import trio
from trio.lowlevel import Task
from trio.testing import MockClock

from tests.conversing import Room, conversing
from tests.fakes import said
from voicemode import Message, Settings

Tree: TypeAlias = dict[str, "Tree"]

OURS = ("actors.", "voicemode.")


async def agent(transcript: str, history: Sequence[Message]) -> AsyncGenerator[str]:
    yield "One two three. "
    yield "Four five six seven eight."


class Spawned(trio.abc.Instrument):
    """Remembers every task by where it runs."""

    def __init__(self, root: Task) -> None:
        self.root, self.tree = root, Tree()

    def task_spawned(self, task: Task) -> None:
        path, above = [task.name], task
        while above is not self.root and above.parent_nursery is not None:
            above = above.parent_nursery.parent_task
            path.append(above.name)
        place = self.tree
        for name in reversed(path[:-1]):
            place = place.setdefault(name, {})


async def drawn() -> str:
    room = Room()
    spawned = Spawned(trio.lowlevel.current_task())
    trio.lowlevel.add_instrument(spawned)
    async with conversing(room, settings=Settings()) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        await conversation.listen()
        await conversation.converse(agent)
    trio.lowlevel.remove_instrument(spawned)
    return "\n".join(_lines(spawned.tree))


def _lines(tree: Tree, indent: str = "") -> Iterator[str]:
    for name in sorted(tree):
        if name.startswith(OURS):
            yield f"{indent}{name}"
            yield from _lines(tree[name], indent + "    ")


if __name__ == "__main__":
    print(trio.run(drawn, clock=MockClock(autojump_threshold=0)))  # noqa: T201
