"""Somebody who holds the assistant's voice, ducks it, skips through it and stops it, at random moments.

In: a story and a speaker.  Out: the account of what was heard.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import trio
from attrs import define, field

from actors.messages import SpeakingStarted, SpeechChunk, Spoken
from actors.orders import SpeakingFailed
from actors.player import play_speech
from actors.ports import Playback
from actors.transport import Transport
from tests.traceable import Story

CHUNKS = 8
"""As many are made ahead of the speaker as in a turn."""


@define
class Interruptions:
    """``deeds`` are what was done, all of it, and ``account`` what the player says."""

    deeds: list[str] = field(factory=list[str])
    account: Spoken | None = None


async def interrupt_at_random(
    dice: random.Random, story: Story, playback: Playback, *, most: int = 10, skipping: bool = True
) -> Interruptions:
    """Let ``story`` be played, interrupt it up to ``most`` times, and stop it in the end, unless it is over before."""
    transport, done = Transport(), Interruptions()
    send, receive = trio.open_memory_channel[SpeechChunk](CHUNKS)
    reports, reported = trio.open_memory_channel[SpeakingStarted | Spoken | SpeakingFailed](10)
    seconds = len(story.samples) / story.rate

    async def make() -> None:
        with send:
            for chunk in story.chunks:
                if dice.random() < 0.1:
                    await trio.sleep(dice.uniform(0, 0.3))
                await send.send(chunk)

    def hold() -> None:
        transport.hold()
        if dice.random() < 0.2:
            transport.hold()

    def skip() -> None:
        transport.skip(dice.choice([-2, -1, -1, -1, 1]))

    keys: dict[str, Callable[[], None]] = {
        "hold": hold,
        "go on": transport.go_on,
        "duck": lambda: playback.duck(dice.uniform(0.2, 1)),
    }
    if skipping:
        keys["skip"] = skip

    async def press(scope: trio.CancelScope) -> None:
        for _ in range(dice.randint(0, most)):
            await trio.sleep(dice.choice([0.0, 1.0]) * dice.uniform(0, seconds / 4))
            deed = "go on" if transport.held and dice.random() < 0.8 else dice.choice(list(keys))
            done.deeds.append(deed)
            keys[deed]()
        if dice.random() < 0.8:
            await trio.sleep(dice.uniform(0, seconds / 2))
        else:
            transport.go_on()
            await trio.sleep(3 * seconds)
        done.deeds.append("stop")
        scope.cancel("it was stopped")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make)
        nursery.start_soon(press, nursery.cancel_scope)
        await play_speech(receive, reports, turn=story.turn, playback=playback, transport=transport)
        nursery.cancel_scope.cancel("it is over")
    with reported:
        [done.account] = [report async for report in reported if isinstance(report, Spoken)]
    return done
