"""How soon the assistant is silent once somebody decides to stop it, by hand or by voice, whatever its agent is up to.

The agent refuses to end for as long as its clean-up takes, 2 s at most; the speaker must not wait for it.  How soon a
voice is ducked, and how soon one that is held is silent, is measured at the speaker alone.
"""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import count, pairwise
from typing import TypeAlias

import trio
from attrs import define, field
from report import Budget, Figure, Findings, figure, run
from stand_ins import LISTENING_RATE, Cues, InstantEars, InstantVoice, ObservedSpeaker, Room, human_voice

from actors.events import BargedIn
from actors.machines.barge_in import BargeInPolicy
from actors.messages import Message, SpeakingStarted, SpeechChunk, Spoken, TextPiece, TurnId
from actors.orders import SpeakingFailed
from actors.player import play_speech
from actors.transport import Transport
from voicemode import Agent, Conversation, Settings, TurnPolicy, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker

CLEAN_UPS = (0.0, 0.3, 1.0, 2.0)
QUANTUM = 0.01
USER = 0.6
"""Seconds of the user's voice, enough to be an interruption."""

BY_VOICE = TurnPolicy(barge_in=BargeInPolicy(manners="interrupt", duck=1.0))
"""So that the decision is what silences the assistant, and nothing has lowered the level that its samples are known
by."""

ROUNDING = 1e-6

LEVEL, GAIN = 10_000, 0.3
TURN = TurnId(1)

Report: TypeAlias = SpeakingStarted | Spoken | SpeakingFailed


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
        Settings(turn=BY_VOICE),
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


@define
class Keys:
    """Milliseconds, one value a key: from the decision until the first sample is quieter, until one is as quiet as it
    shall be, and until a voice that is held is silent."""

    begun: list[float] = field(factory=list[float])
    ducked: list[float] = field(factory=list[float])
    held: list[float] = field(factory=list[float])


async def press_often(times: int) -> Keys:
    """Duck a voice of one level, and let it hold, at random moments of the quantum."""
    keys = Keys()
    for _ in range(times):
        heard = list[tuple[float, list[int]]]()

        def sink(at: float, pcm: bytes, _rate: int, heard: list[tuple[float, list[int]]] = heard) -> None:
            heard.append((at, array("h", pcm).tolist()))

        transport = Transport()
        chunks, reports = trio.open_memory_channel[SpeechChunk](9), trio.open_memory_channel[Report](9)
        piece = TextPiece(turn=TURN, index=0, start=0, text="On and on.")
        async with VirtualSpeaker(sink).open(LISTENING_RATE) as playback, trio.open_nursery() as nursery:
            pcm = array("h", [LEVEL] * (3 * LISTENING_RATE)).tobytes()
            chunks[0].send_nowait(SpeechChunk(turn=TURN, piece=piece, pcm=pcm, rate=LISTENING_RATE))
            play = partial(play_speech, chunks[1], reports[0], turn=TURN, playback=playback, transport=transport)
            nursery.start_soon(play)
            await trio.sleep(random.uniform(0.1, 0.2))
            ducked = trio.current_time()
            playback.duck(GAIN)
            await trio.sleep(random.uniform(0.1, 0.2))
            held = trio.current_time()
            transport.hold()
            await trio.sleep(0.05)
            nursery.cancel_scope.cancel("that was all")
        levels = [
            (at + index / LISTENING_RATE, level)
            for at, samples in heard
            for index, level in enumerate(samples, start=1)
        ]
        keys.begun.append(1000 * (next(end for end, level in levels if level < LEVEL) - ducked))
        keys.ducked.append(1000 * (next(end for end, level in levels if level == round(GAIN * LEVEL)) - ducked))
        keys.held.append(max(0.0, 1000 * (levels[-1][0] - held)))
    return keys


def measure(smoke: bool) -> Findings:
    figures = list[Figure]()
    obeyed, late, gaps = list[float](), list[float](), list[float]()
    for clean_up in CLEAN_UPS:
        hand, voice = trio.run(stop_often, *((2, 2) if smoke else (60, 30)), clean_up)
        for how, stops in (("interrupt()", hand), ("barge-in", voice)):
            what = f"{how}, clean-up {clean_up:g} s"
            figures += [
                figure(f"{what}: decision → silence", "ms", stops.silent, Budget(at_most=30, statistic="p99")),
                figure(f"{what}: decision → stop()", "ms", stops.obeyed),
            ]
            obeyed += stops.obeyed
            late += stops.late_samples
            gaps += stops.gaps
    keys = trio.run(press_often, 5 if smoke else 200)
    return Findings(
        figures=(
            *figures,
            figure("decision → quieter", "ms", keys.begun, Budget(at_most=15, statistic="p99")),
            figure("decision → ducked", "ms", keys.ducked, Budget(at_most=25, statistic="p99")),
            figure("hold → silence", "ms", keys.held, Budget(at_most=15, statistic="p99")),
            figure("decision → stop(), all of these", "ms", obeyed, Budget(at_most=1, statistic="p99")),
            figure("old turn after stop() + 10 ms", "samples", late, Budget(at_most=0, exact=True)),
            figure("gaps in what was said before", "ms", gaps),
        )
    )


def main(arguments: list[str] | None = None) -> int:
    return run("stop", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
