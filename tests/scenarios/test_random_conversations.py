"""A thousand random conversations, each cancelled at a random step of the scheduler, and what is left of them: nothing.

A run counts its task steps; at a step chosen beforehand the turn's caller is cancelled, wherever everybody is then.
Every await of every actor is such a step.  Meanwhile devices die, and come back or do not.  Tasks cannot outlive a run
of Trio; open devices, streams of the engines, recordings and threads could, and are counted.
"""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import pytest
import trio
from trio.testing import MockClock

import voicemode
from actors.errors import ProviderUnavailable, VoiceError
from actors.growing import LATEST
from actors.machines.backoff import LONGEST
from actors.machines.barge_in import BargeInPolicy, Manners
from actors.messages import AudioFrame, Message
from actors.results import TurnResult
from tests.fakes import FakeEars, FakeVoice, said
from tests.fakes_devices import MortalMicrophone, MortalPlayback, MortalSpeaker, refused
from tests.fakes_speech import LoudnessModel
from tests.turn_taking import LiveEars
from voicemode import Settings, TurnPolicy

WORDS = ("yes", "mhm", "what", "wait", "stop", "I would like and", "no that is wrong")
TEXTS = ("one two three.", "one three. four five six seven. eight nine ten.")
CONVERSATIONS = 1_000
BATCHES = 10


class CancelAt(trio.abc.Instrument):
    """Cancels ``scope`` when the run has taken ``step`` task steps since it was armed."""

    def __init__(self, step: int) -> None:
        self.step, self.taken = step, 0
        self.scope: trio.CancelScope | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.scope is not None:
            self.taken += 1
            if self.taken == self.step:
                self.scope.cancel("a random step")


class Census:
    """What is open."""

    def __init__(self) -> None:
        self.microphones = self.speakers = self.spools = self.agents = 0

    def all(self) -> dict[str, int]:
        return vars(self)


class CountedMicrophone(MortalMicrophone):
    def __init__(self, census: Census) -> None:
        super().__init__()
        self.census = census

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:  # type: ignore[override]  # as the port
        async with super().open(rate) as frames:
            self.census.microphones += 1
            try:
                yield frames
            finally:
                self.census.microphones -= 1


class CountedSpeaker(MortalSpeaker):
    def __init__(self, census: Census) -> None:
        super().__init__()
        self.census = census

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[MortalPlayback]:
        async with super().open(rate) as playback:
            self.census.speakers += 1
            try:
                yield playback
            finally:
                self.census.speakers -= 1


class CountedSpool:
    path: Path | None = None

    def __init__(self, census: Census) -> None:
        self.census, self.open = census, True
        census.spools += 1

    def write(self, pcm: bytes) -> None:
        assert self.open

    async def finish(self, length: int) -> Path | None:
        self.discard()
        await trio.lowlevel.checkpoint()
        return None

    def discard(self) -> None:
        self.census.spools -= self.open
        self.open = False


class CountedStore:
    def __init__(self, census: Census) -> None:
        self.census = census

    def begin(self, rate: int) -> CountedSpool:
        return CountedSpool(self.census)

    async def settle(self, path: Path) -> Path | None:
        await trio.lowlevel.checkpoint()
        return None


async def converse_at_random(dice: random.Random, cancel: CancelAt, census: Census) -> list[TurnResult]:
    room, speaker = CountedMicrophone(census), CountedSpeaker(census)
    voice = FakeVoice(
        wait=dice.choice([0, 0.1]), word_times=dice.random() < 0.5, dies_at=dice.choice([None, None, "two"])
    )
    error = ProviderUnavailable("fake ears", "deaf") if dice.random() < 0.1 else None
    words = [dice.choice(WORDS) for _ in range(dice.randrange(4))] + [dice.choice(["yes", ""])]
    ears = dice.choice([FakeEars, LiveEars])(*words, wait=dice.choice([0, 0.3]))
    ears.error = error
    manners = dice.choice(get_args(Manners))
    policy = TurnPolicy(
        no_speech=1.0,
        longest=2.0,
        interruptible=dice.random() < 0.9,
        device_wait=dice.choice([0, 0.5, 10]),
        drafts=dice.choice([0, 1, 4, 4]),
        ignore_silence=dice.random() < 0.1,
        rest=0.5,
        away=0.6,
        barge_in=BargeInPolicy(
            manners=manners, min_words=dice.choice([0, 0, 2]), protected=dice.choice([0.0, 0.0, 0.3])
        ),
    )
    settings = Settings(turn=policy, chimes=dice.random() < 0.5, speculative_replies=dice.random() < 0.5)
    results: list[TurnResult] = []

    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        census.agents += 1
        try:
            for word in ("one ", "two. ", "three."):
                await trio.sleep(dice.choice([0, 0.2]))
                yield word
        finally:
            census.agents -= 1
            with trio.move_on_after(dice.choice([0.01, 0.5]), shield=True):
                await trio.sleep_forever()

    async def buttons() -> None:
        keys = [
            *(conversation.interrupt, conversation.stop, conversation.end_turn, switch, conversation.repeat),
            *(conversation.pause, conversation.pause, conversation.resume, conversation.press, conversation.release),
            *(conversation.skip_back, conversation.skip_back, conversation.skip_forward),
        ]
        for _ in range(dice.randrange(5)):
            await trio.sleep(dice.choice([0, dice.uniform(0, 1)]))
            dice.choice(keys)()
        await trio.sleep(dice.uniform(0, 1))
        conversation.resume()

    def switch() -> None:
        conversation.mute(not conversation.muted)

    async def accidents() -> None:
        for _ in range(dice.randrange(4)):
            await trio.sleep(dice.uniform(0, 1.5))
            device = dice.choice([room, speaker])
            device.refusal = refused("device") if dice.random() < 0.7 else None
            device.die()
            await trio.sleep(dice.choice([0, 0.3, 2, 20]))
            device.refusal = None

    async def turns() -> None:
        try:
            match dice.randrange(4):
                case 0:
                    results.append(await conversation.converse(dice.choice(TEXTS)))
                case 1:
                    results.append(await conversation.say(dice.choice(TEXTS), interruptible=dice.random() < 0.5))
                case 2:
                    results.append(await conversation.listen())
                case _:
                    with trio.move_on_after(dice.uniform(1, 6)):
                        await conversation.talk(agent, greeting=dice.choice([None, "one two."]))
        except VoiceError:
            pass

    async with voicemode.open_conversation(
        settings,
        microphone=room,
        speaker=speaker,
        tts=voice,
        stt=ears,
        vad=LoudnessModel(),
        store=CountedStore(census),
    ) as conversation:
        for _ in range(dice.randrange(6)):
            room.place(said(dice.choice([0.12, 0.3, 0.8])), trio.current_time() + dice.uniform(0, 3))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buttons)
            nursery.start_soon(accidents)
            with trio.CancelScope() as cancel.scope:
                await turns()
            cancel.scope = None
            nursery.cancel_scope.cancel()
        # whatever was cut short, the conversation is as good as new: nobody is listened to, and it can speak
        await trio.sleep(0.05)
        assert census.microphones == 0
        await trio.sleep(LATEST)
        assert census.spools == 0
        voice.dies_at = speaker.refusal = None
        await trio.sleep(2 * LONGEST)
        conversation.resume()
        assert not conversation.status().held
        again = await conversation.say("four five.")
        assert (again.outcome, again.spoken.heard) == ("said", "four five.")
    assert voice.open == 0
    assert getattr(ears, "open", 0) == 0
    return results


@pytest.mark.thorough
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_conversation_cancelled_at_any_await_leaves_nothing_behind(batch: int) -> None:
    threads = threading.active_count()
    for seed in range(batch, CONVERSATIONS, BATCHES):
        dice = random.Random(seed)
        cancel, census = CancelAt(dice.choice([dice.randrange(1, 60), dice.randrange(1, 1500)])), Census()
        results = trio.run(
            converse_at_random, dice, cancel, census, clock=MockClock(autojump_threshold=0), instruments=[cancel]
        )
        assert not any(census.all()[what] for what in ("microphones", "speakers", "spools", "agents")), (
            seed,
            census.all(),
        )
        for result in results:
            assert result.spoken.text.startswith(result.spoken.heard)
    assert threading.active_count() <= threads
