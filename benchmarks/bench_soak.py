"""Whether anything is left behind by turns that end in every way there is: thousands of them, in virtual time.

Tasks, threads, open channels and memory are counted before and after; the fullest moment of every queue is shown.
"""

from __future__ import annotations

import gc
import math
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from census import Census, watching_queues
from report import Budget, Findings, figure, run
from stand_ins import Cues, InstantEars, InstantVoice, LoudnessModel, Room, human_voice
from trio.testing import MockClock

from actors.events import Event, StateChanged
from actors.messages import Message, SpeakingStarted, TextPiece
from voicemode import Conversation, Settings, TurnPolicy, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker

NOTHING = Budget(at_most=0, exact=True)
WARM_UP = 0.2
"""The share of the turns after which memory and tasks are first counted."""


class Turns:
    """Takes turns and lets each end in its own way."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.cues = Cues()
        self.room = Room(self.happened)
        self.ways: Counter[str] = Counter()
        self.user = human_voice(seconds=0.6)
        self.answers = True

    def happened(self, event: Event) -> None:
        self.cues.tell(event)
        if isinstance(event, StateChanged) and event.state == "listening" and self.answers:
            self.room.place(self.user, event.at + self.dice.uniform(0, 0.5))

    async def take(self, conversation: Conversation) -> None:
        self.cues.clear()
        way = self.dice.choice(["answer", "silence", "barge-in", "interrupt", "stop", "cancel"])
        self.answers = way != "silence"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._turn, conversation)
            if way in {"answer", "silence"}:
                return
            await self.cues.wait(self.dice.choice([TextPiece, SpeakingStarted]))
            await trio.sleep(self.dice.uniform(0, 0.5))
            match way:
                case "barge-in":
                    self.room.place(self.user, trio.current_time())
                case "interrupt":
                    conversation.interrupt()
                case "stop":
                    conversation.stop()
                case _:
                    nursery.cancel_scope.cancel()
                    self.ways["cancelled"] += 1

    async def _turn(self, conversation: Conversation) -> None:
        result = await conversation.converse(self.agent)
        self.ways[result.outcome] += 1

    async def agent(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        try:
            for sentence in ("Once upon a time. ", "There was a turn. ", "It came to an end."):
                await trio.sleep(self.dice.uniform(0, 0.2))
                yield sentence
        finally:
            with trio.move_on_after(self.dice.choice([0.01, 0.5]), shield=True):
                await trio.sleep_forever()


async def soak(count: int, census: Census) -> Findings:
    turns = Turns(random.Random(0))
    process = psutil.Process()
    tasks_before, threads_before = trio.lowlevel.current_statistics().tasks_living, threading.active_count()
    # what is kept to be said again differs from turn to turn, and is no leak
    settings = Settings(turn=TurnPolicy(no_speech=1.0), history=0)
    tasks, channels, objects, memory = list[int](), list[int](), list[int](), list[int]()
    begun, virtually_begun = time.perf_counter(), trio.current_time()
    async with open_conversation(
        settings,
        microphone=turns.room,
        speaker=VirtualSpeaker(),
        tts=InstantVoice(0.5),
        stt=InstantEars(),
        vad=LoudnessModel(),
        store=MemoryStore(),
    ) as conversation:
        for number in range(count):
            await turns.take(conversation)
            census.count()
            if number in {round(WARM_UP * count), count - 1}:
                gc.collect()
                tasks.append(trio.lowlevel.current_statistics().tasks_living)
                channels.append(census.still_open)
                objects.append(len(gc.get_objects()) - len(conversation.history))
                memory.append(process.memory_info().rss)
    seconds, virtual = time.perf_counter() - begun, trio.current_time() - virtually_begun
    left = trio.lowlevel.current_statistics().tasks_living - tasks_before
    later = count * (1 - WARM_UP)
    queues = "; ".join(
        f"{place} {queue.peak} of {queue.capacity:g}"
        for place, queue in census.queues.items()
        if queue.capacity < math.inf
    )
    return Findings(
        figures=(
            figure("turns", "", [count]),
            figure("pace", "turns/s", [count / seconds]),
            figure("virtual time to real time", "times", [virtual / seconds]),
            figure("tasks left when the conversation is over", "", [left], NOTHING),
            figure("threads left", "", [threading.active_count() - threads_before], NOTHING),
            figure("tasks more at the last turn than after the first fifth", "", [tasks[1] - tasks[0]], NOTHING),
            figure("channels more open then", "", [channels[1] - channels[0]], NOTHING),
            figure("frames dropped by rings", "", [sum(queue.dropped for queue in census.queues.values())], NOTHING),
            figure(
                "objects that a turn leaves, history apart",
                "",
                [(objects[1] - objects[0]) / later],
                Budget(at_most=1),
            ),
            figure("memory that a turn leaves", "kB", [(memory[1] - memory[0]) / later / 1000]),
        ),
        notes=(
            "The turns ended as: " + ", ".join(f"{way} {number}" for way, number in turns.ways.most_common()) + ".",
            f"Fullest moments of the queues: {queues}.",
        ),
    )


def measure(smoke: bool) -> Findings:
    with watching_queues() as census:
        return trio.run(soak, 100 if smoke else 2_000, census, clock=MockClock(autojump_threshold=0))


def main(arguments: list[str] | None = None) -> int:
    return run("soak", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
