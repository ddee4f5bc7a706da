"""Whether anything is left behind by turns that end in every way there is: a hundred thousand of them, in virtual time.

Tasks, threads, open channels and files, objects and memory are counted all along; the fullest moment of every queue is
shown.
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

import trio
from census import Census, watching_queues
from command_line import command_line, positive
from flaky_engines import FlakyEngines
from growth import MEGABYTE, Watch, curves, more, settled
from report import Budget, Findings, carry_out, figure
from stand_ins import Cues, LoudnessModel, Room, human_voice
from trio.testing import MockClock

from actors.errors import VoiceError
from actors.events import Event, StateChanged
from actors.messages import Message, SpeakingStarted, TextPiece
from voicemode import Conversation, EndpointPolicy, Settings, TurnPolicy, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker

NOTHING = Budget(at_most=0, exact=True)
TURNS, SMOKE_TURNS = 100_000, 60
LOOKS = 300
"""How often everything is counted, evenly."""

USER, SENTENCE, UNPUNCTUAL = 0.3, 0.3, 0.3
"""Seconds of the user's voice, of a sentence of the assistant's, and by how much everybody is late at most."""

FRAME = 0.03
"""Seconds in a frame of the microphone, as PortAudio's most often has them."""

WAYS = (
    *("answer", "silence", "barge-in", "interrupt", "stop", "cancel"),
    *("voice fails over", "ears fail over", "voices fail", "ears fail", "agent fails"),
)


class AgentFailed(Exception):
    """The agent's own error, which comes out of the turn."""


class Turns:
    """Takes turns and lets each end in its own way."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.cues = Cues()
        self.room = Room(self.happened)
        self.room.frame = FRAME
        self.engines = FlakyEngines(SENTENCE)
        self.ways: Counter[str] = Counter()
        self.failovers = 0
        self.user = human_voice(seconds=USER)
        self.answers = self.agent_fails = False

    def happened(self, event: Event) -> None:
        self.cues.tell(event)
        if isinstance(event, StateChanged) and event.state == "listening" and self.answers:
            self.room.place(self.user, event.at + self.dice.uniform(0, UNPUNCTUAL))

    async def take(self, conversation: Conversation) -> None:
        self.cues.clear()
        way = self.dice.choice(WAYS)
        self.answers, self.agent_fails = way != "silence", way == "agent fails"
        self.engines.fail(
            voices=("voice fails over", "voices fail").index(way) + 1 if way.startswith("voice") else 0,
            ears=("ears fail over", "ears fail").index(way) + 1 if way.startswith("ears") else 0,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._turn, conversation)
            if way not in {"barge-in", "interrupt", "stop", "cancel"}:
                return
            await self.cues.wait(self.dice.choice([TextPiece, SpeakingStarted]))
            await trio.sleep(self.dice.uniform(0, UNPUNCTUAL))
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
        try:
            result = await conversation.converse(self.agent)
        except VoiceError:
            self.ways["engines failed"] += 1
        except AgentFailed:
            self.ways["agent failed"] += 1
        else:
            self.ways[result.outcome] += 1
            self.failovers += bool(result.failures)

    async def agent(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        try:
            for sentence in ("Once upon a time. ", "There was a turn. ", "It came to an end."):
                await trio.sleep(self.dice.uniform(0, 0.2))
                yield sentence
                if self.agent_fails:
                    raise AgentFailed
        finally:
            with trio.move_on_after(self.dice.choice([0.01, 0.5]), shield=True):
                await trio.sleep_forever()


async def soak(count: int, census: Census) -> Findings:
    turns, watch = Turns(random.Random(0)), Watch()
    tasks_before, threads_before = trio.lowlevel.current_statistics().tasks_living, threading.active_count()
    # what is kept to be said again differs from turn to turn, and is no leak
    settings = Settings(turn=TurnPolicy(no_speech=0.6), endpoint=EndpointPolicy(pause=0.1, hangover=0.3), history=0)
    channels = list[int]()
    begun, virtually_begun = time.perf_counter(), trio.current_time()
    every = max(1, count // LOOKS)
    async with open_conversation(
        settings,
        microphone=turns.room,
        speaker=VirtualSpeaker(),
        tts=turns.engines.tts,
        stt=turns.engines.stt,
        vad=LoudnessModel(),
        store=MemoryStore(),
    ) as conversation:
        for number in range(1, count + 1):
            await turns.take(conversation)
            census.count()
            if number % every == 0:
                gc.collect()
                channels.append(census.still_open)
                # what was said is kept as long as the conversation, and is no leak
                watch.look(number, kept=len(conversation.history))
    seconds, virtual = time.perf_counter() - begun, trio.current_time() - virtually_begun
    left = trio.lowlevel.current_statistics().tasks_living - tasks_before
    queues = "; ".join(
        f"{place} {queue.peak} of {queue.capacity:g}"
        for place, queue in census.queues.items()
        if queue.capacity < math.inf
    )
    first, last = settled(watch.moments)[0], watch.moments[-1]
    later = max(1, last.at - first.at)
    return Findings(
        figures=(
            figure("turns", "", [count]),
            figure("pace", "turns/s", [count / seconds]),
            figure("virtual time to real time", "times", [virtual / seconds]),
            figure("tasks left when the conversation is over", "", [left], NOTHING),
            figure("threads left", "", [threading.active_count() - threads_before], NOTHING),
            figure("tasks, growth", "", [more(watch.moments, "tasks")], NOTHING),
            figure("channels, growth", "", [channels[-1] - channels[len(channels) // 3]], NOTHING),
            figure("open files, growth", "", [more(watch.moments, "files")], NOTHING),
            figure("frames dropped by rings", "", [sum(queue.dropped for queue in census.queues.values())], NOTHING),
            figure(
                "objects that a turn leaves, history apart",
                "",
                [(last.objects - first.objects) / later],
                Budget(at_most=1),
            ),
            figure("memory that a turn leaves", "kB", [(last.rss - first.rss) * MEGABYTE / 1000 / later]),
        ),
        notes=(
            "The turns ended as: "
            + ", ".join(f"{way} {number}" for way, number in turns.ways.most_common())
            + f"; in {turns.failovers} of them another engine went on.",
            f"Fullest moments of the queues: {queues}.",
        ),
        curves=curves(watch.moments, "soak", "turns"),
    )


def measure(smoke: bool, count: int | None = None) -> Findings:
    with watching_queues() as census:
        count = count or (SMOKE_TURNS if smoke else TURNS)
        return trio.run(soak, count, census, clock=MockClock(autojump_threshold=0))


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("soak")
    parser.add_argument(
        "--turns", type=positive(int), metavar="N", help=f"how many ({TURNS:,}; with --smoke {SMOKE_TURNS})"
    )
    options = parser.parse_args(arguments)
    return carry_out("soak", lambda smoke: measure(smoke, options.turns), options)


if __name__ == "__main__":
    sys.exit(main())
