"""The tool ``control`` changes what is running and never what comes after it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.machines.policy import TurnPolicy
from tests.fakes import FakeEars
from tests.mcp.calling import Desk, desk, words
from tests.turn_taking import STORY
from voicemode import Settings


async def test_a_pause_while_nothing_runs_says_so_and_does_not_silence_the_next_call(autojump_clock: MockClock) -> None:
    async with desk() as at:
        paused = await at.call("control", action="pause")
        assert paused.structured_content == {
            "state": "idle",
            "note": "Nothing is being said, so nothing was paused.",
        }
        assert words(paused) == "idle. Nothing is being said, so nothing was paused."
        assert (await at.converse("one two", wait_for_response=False))["outcome"] == "said"


@pytest.mark.parametrize("action", ["resume", "interrupt", "end_turn", "repeat", "skip_back", "skip_forward"])
async def test_a_button_while_nothing_runs_says_that_it_changes_nothing(autojump_clock: MockClock, action: str) -> None:
    async with desk() as at:
        assert "Nothing is running" in words(await at.call("control", action=action))


async def test_a_pause_while_the_user_is_listened_to_does_not_silence_the_next_call(autojump_clock: MockClock) -> None:
    async with desk(settings=Settings(turn=TurnPolicy(no_speech=3.0))) as at, trio.open_nursery() as nursery:
        nursery.start_soon(at.converse, "")
        await trio.sleep(1.0)
        assert "nothing was paused" in words(await at.call("control", action="pause"))
        await trio.sleep(3.0)
        assert (await at.converse("one two", wait_for_response=False))["outcome"] == "said"


async def test_an_answer_that_is_still_speaking_says_that_it_is_paused_and_a_resume_lets_it_go_on(
    autojump_clock: MockClock,
) -> None:
    async with desk(stt=FakeEars("yes"), call_limit=5.0) as at:
        answers: list[Any] = []

        async def talk(desk: Desk = at) -> None:
            answers.append(await desk.call("converse", message=STORY, wait_for_response=False))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            await trio.sleep(1.0)
            await at.call("control", action="pause")
        still = answers[0].structured_content
        assert (still["outcome"], still["paused"]) == ("still_speaking", True)
        assert "paused until control resume lets it go on" in words(answers[0])
        assert "note" not in (await at.call("control", action="resume")).structured_content
        assert (await at.converse(resume=still["resume"]))["outcome"] == "said"


@pytest.mark.parametrize("action", ["stop", "resume"])
async def test_a_pause_that_somebody_else_pressed_is_cleared(autojump_clock: MockClock, action: str) -> None:
    async with desk() as at:
        at.conversation.pause()
        assert words(await at.call("control")) == "idle, paused"
        await at.call("control", action=action)
        assert (await at.converse("one two", wait_for_response=False))["outcome"] == "said"


async def test_a_pause_between_two_lines_of_a_list_ends_with_the_call_that_is_cancelled(
    autojump_clock: MockClock,
) -> None:
    async with desk() as at:
        async with trio.open_nursery() as nursery:

            async def talk(desk: Desk = at) -> None:
                await desk.converse(turns=[{"say": "one"}, {"say": "two"}], pause_after_ms=30_000)

            nursery.start_soon(talk)
            await trio.sleep(3.0)
            assert words(await at.call("control", action="pause")) == "idle, paused"
            nursery.cancel_scope.cancel()
        await trio.sleep(0.5)
        assert (await at.converse("three", wait_for_response=False))["outcome"] == "said"


async def test_a_resume_goes_alone(autojump_clock: MockClock) -> None:
    async with desk(call_limit=5.0, settings=Settings(turn=TurnPolicy(no_speech=9.0))) as at:
        handle = (await at.converse(""))["resume"]
        assert "resume goes alone" in await at.refused("converse", resume=handle, message="hello")
        assert "resume goes alone" in await at.refused("converse", resume=handle, turns=[{"say": "hello"}])
        assert not at.room.played
        assert (await at.converse(resume=handle, message=""))["outcome"] == "no_speech"
