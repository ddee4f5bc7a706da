"""However the assistant was interrupted, the words it is said to have been heard with are those that were played."""

from __future__ import annotations

import random

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from actors.messages import Spoken, TurnId
from tests.interrupting import interrupt_at_random
from tests.traceable import Story
from voicemode.audio.virtual_speaker import VirtualSpeaker

RATE = 8_000
STORIES, BATCHES = 100, 2


def test_a_recording_shows_how_much_of_a_story_is_in_it_without_a_gap() -> None:
    story = Story(random.Random(1), TurnId(1), RATE, timed=True)
    samples, (begin, end) = story.samples, story.words[1]
    quieter = np.rint(samples * 0.3).astype(np.int16)
    assert story.unbroken(samples) == story.unbroken(quieter) == len(samples)
    assert story.unbroken(samples[:end]) == end
    assert story.unbroken(np.concatenate([samples[:begin], samples[end:]])) == begin
    assert story.unbroken(np.concatenate([samples[begin:], samples[:end]])) == len(samples)
    assert story.unbroken(samples[10:]) == 0
    assert (story.said(end - 1), story.said(end)) == (1, 2)


async def interrupted(dice: random.Random, *, timed: bool) -> tuple[Story, Spoken, bytes, int]:
    story, played = Story(dice, TurnId(1), RATE, timed=timed), bytearray()
    async with VirtualSpeaker(lambda _at, pcm, _rate: played.extend(pcm)).open(RATE) as playback:
        done = await interrupt_at_random(dice, story, playback)
    assert done.account is not None
    return story, done.account, bytes(played), len(done.deeds)


@pytest.mark.thorough
@pytest.mark.parametrize("timed", [True, False], ids=["with word times", "without"])
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_word_too_many_and_none_too_few(batch: int, timed: bool) -> None:
    for seed in range(batch, STORIES, BATCHES):
        dice = random.Random(seed)
        story, account, played, _ = trio.run(
            lambda dice=dice: interrupted(dice, timed=timed), clock=MockClock(autojump_threshold=0)
        )
        unbroken = story.unbroken(np.frombuffer(played, "<i2").astype(np.int16))
        said = len(account.heard.split())
        assert account.samples == len(played) // 2
        assert account.text.startswith(account.heard)
        assert account.complete == (unbroken == len(story.samples))
        # without word times one too many, and rarely two too few when short words meet
        many, few = (0, 0) if timed else (1, 2)
        assert story.surely_said(unbroken) - few <= said <= story.said(unbroken) + many, seed
