"""How soon the assistant is silent once somebody decides to stop it, by hand or by voice, whatever its agent is up to.

The agent refuses to end for as long as its clean-up takes, 2 s at most; the speaker must not wait for it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import AsyncIterator, Sequence
from itertools import count, pairwise

import trio
from attrs import define, field
from report import Budget, Figure, Findings, figure, run
from stand_ins import Cues, InstantEars, InstantVoice, ObservedSpeaker, Room, human_voice

from actors.events import BargedIn
from actors.messages import Message, SpeakingStarted, Spoken
from voicemode import Agent, Conversation, Settings, open_conversation
from voicemode.audio.store import MemoryStore

CLEAN_UPS = (0.0, 0.3, 2.0)
QUANTUM = 0.01
USER = 0.6
"""Seconds of the user's voice, enough to be an interruption."""

ROUNDING = 1e-6


@define
class Stops:
    """One value a stop: milliseconds from the decision, samples that left after the stop and a quantum more, and
    milliseconds that the speaker went without before it."""

    silent: list[float] = field(factory=list[float])
    obeyed: list[float] = field(factory=list[float])
    late_samples: list[float] = field(factory=list[float])
    gaps: list[float] = field(factory=list[float])


class Stage:
    """A conversation whose assistant always has more to say, and what became of each attempt to stop it."""

    def __init__(self) -> None:
        self.cues = Cues()
        self.voice, self.speaker, self.room = InstantVoice(8.0), ObservedSpeaker(), Room(self.cues.tell)
        self.user = human_voice(seconds=USER)
        self._levels = count(1_000)

    async def stop_by_hand(self, conversation: Conversation, clean_up: float) -> tuple[int, float, float]:
        """The level of the turn's samples, when the stop was decided and when the speaker was told."""
        level = self._begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conversation.converse, agent_with(clean_up))
            await trio.sleep_until((await self.cues.wait(SpeakingStarted)).at + random.uniform(0.1, 0.3))
            decided = trio.current_time()
            conversation.interrupt()
            await self.cues.wait(Spoken)
            conversation.stop()
        return level, decided, self.speaker.stops[0]

    async def stop_by_voice(self, conversation: Conversation, clean_up: float) -> tuple[int, float, float]:
        """As ``stop_by_hand``; decided is when the user has been found to interrupt."""
        level = self._begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conversation.converse, agent_with(clean_up))
            await self.cues.wait(SpeakingStarted)
            self.room.place(self.user, trio.current_time() + random.uniform(0.05, 0.3))
        return level, self.cues.told(BargedIn)[1].at, self.speaker.stops[0]

    def _begin(self) -> int:
        self.cues.clear()
        self.speaker.stops.clear()
        self.voice.level = next(self._levels)
        return self.voice.level

    def judge(self, attempts: Sequence[tuple[int, float, float]], into: Stops) -> None:
        for level, decided, stopped in attempts:
            old = [played for played in self.speaker.played if played.level == level]
            silent = max(played.end for played in old)
            late = max(0.0, silent - stopped - QUANTUM - ROUNDING)
            gap = sum(max(0.0, after.begin - before.end) for before, after in pairwise(old))
            # who runs dry just then is silent before anybody decides
            into.silent.append(max(0.0, 1000 * (silent - decided)))
            into.obeyed.append(1000 * (stopped - decided))
            into.late_samples.append(float(round(late * self.voice.rate)))
            into.gaps.append(1000 * gap if gap > ROUNDING else 0.0)


def agent_with(clean_up: float) -> Agent:
    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        try:
            yield "Once upon a time. And then"
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(clean_up)

    return agent


async def stop_often(by_hand: int, by_voice: int, clean_up: float) -> tuple[Stops, Stops]:
    stage, hand, voice = Stage(), Stops(), Stops()
    async with open_conversation(
        Settings(),
        microphone=stage.room,
        speaker=stage.speaker,
        tts=stage.voice,
        stt=InstantEars(),
        store=MemoryStore(),
    ) as conversation:
        stopped_by_hand = [await stage.stop_by_hand(conversation, clean_up) for _ in range(by_hand)]
        stopped_by_voice = [await stage.stop_by_voice(conversation, clean_up) for _ in range(by_voice)]
    # the speaker has told all that left it when it is closed
    stage.judge(stopped_by_hand, hand)
    stage.judge(stopped_by_voice, voice)
    return hand, voice


def measure(smoke: bool) -> Findings:
    figures = list[Figure]()
    obeyed, late, gaps = list[float](), list[float](), list[float]()
    for clean_up in CLEAN_UPS:
        hand, voice = trio.run(stop_often, *((3, 2) if smoke else (60, 30)), clean_up)
        for how, stops in (("interrupt()", hand), ("barge-in", voice)):
            what = f"{how}, clean-up {clean_up:g} s"
            figures += [
                figure(f"{what}: decision → silence", "ms", stops.silent, Budget(at_most=30, statistic="p99")),
                figure(f"{what}: decision → stop()", "ms", stops.obeyed),
            ]
            obeyed += stops.obeyed
            late += stops.late_samples
            gaps += stops.gaps
    return Findings(
        figures=(
            *figures,
            figure("decision → stop(), all of these", "ms", obeyed, Budget(at_most=1, statistic="p99")),
            figure("old turn after stop() + 10 ms", "samples", late, Budget(at_most=0, exact=True)),
            figure("gaps in what was said before", "ms", gaps),
        )
    )


def main(arguments: list[str] | None = None) -> int:
    return run("stop", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
