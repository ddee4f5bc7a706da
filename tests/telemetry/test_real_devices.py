"""What real devices lose while nobody attends to them is told by where."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from tests.fakes import FakeEars, FakeVoice
from tests.telemetry.telling import metrics, told_to
from voicemode import open_conversation
from voicemode.audio.portaudio_microphone import BACKLOG, FRAMES_PER_SECOND
from voicemode.events import Spoken

STUCK = BACKLOG / FRAMES_PER_SECOND + 1.0
"""Seconds, more than a microphone keeps for who is late."""


async def words() -> AsyncIterator[str]:
    yield "One two three four five six seven eight nine ten. "
    await trio.sleep(0.5)
    time.sleep(STUCK)  # noqa: ASYNC251 - this is the mistake whose price is told
    yield "Eleven."


@pytest.mark.realtime
@pytest.mark.usefixtures("virtual_audio")
async def test_who_holds_the_loop_up_finds_what_that_cost_in_the_figures(tmp_path: Path) -> None:
    async with (
        open_conversation(told_to(tmp_path), tts=FakeVoice(), stt=FakeEars("yes")) as conversation,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(conversation.converse, words())
        async for event in conversation.events():
            if isinstance(event, Spoken):
                break
        nursery.cancel_scope.cancel()
    lost = {row["attributes"]["voicemode.where"]: row["value"] for row in metrics(tmp_path)["voicemode.dropped"]}
    assert lost["microphone"] >= FRAMES_PER_SECOND / 2
    assert lost["speaker"] >= 1
