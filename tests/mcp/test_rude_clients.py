"""Clients that do what they should not, at the real process: it ends or goes on, and nothing of it is left behind."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio
from mcp_types import INVALID_REQUEST, PARSE_ERROR

from tests.mcp.rude import Served, served
from tests.speech.listing_server import offering
from tests.speech.speech_server import hang

pytestmark = pytest.mark.realtime

LONG = "This is a long sentence which is said for as long as it takes to be interrupted in the middle of it. " * 3

AUDIO = Path(__file__).parents[1] / "audio"

PHASES = ("loading", "speaking", "listening", "hearing", "transcribing", "waiting for the floor", "still listening")

PROGRESS = {
    "loading": "Getting ready",
    "speaking": "Speaking",
    "listening": "Listening",
    "hearing": "The user is speaking",
    "transcribing": "Transcribing",
}


@asynccontextmanager
async def in_phase(home: Path, phase: str) -> AsyncGenerator[tuple[Served, int]]:
    """A server, and a call that has come to ``phase``; the last has been answered, and nobody asks how it goes on."""
    async with AsyncExitStack() as stack:
        environment = {}
        if phase in {"hearing", "transcribing"}:
            name = "librivox-0870.wav" if phase == "hearing" else "lj001-0008.wav"
            environment["VOICEMODE_MIC"] = f"file:{AUDIO / name}"
        if phase == "transcribing":
            environment["VOICEMODE_STT"] = (await stack.enter_async_context(offering(work=hang))).url
        if phase == "still listening":
            environment["VOICEMODE_MCP_CALL_LIMIT"] = "1"
        if phase == "waiting for the floor":
            other = await stack.enter_async_context(served(home))
            await other.shake_hands()
            await other.call("converse", message=LONG * 10)
            await other.until("Speaking")
        at = await stack.enter_async_context(served(home, **environment))
        await at.shake_hands()
        message = LONG if phase in {"loading", "speaking"} else "" if phase == "still listening" else "Hm."
        number = await at.call("converse", message=message, wait_for_conch=phase == "waiting for the floor")
        if phase == "still listening":
            answer = await at.answer(number)
            assert answer["result"]["structuredContent"]["outcome"] == "still_listening"
        elif phase == "waiting for the floor":
            while not waits(home):  # noqa: ASYNC110 - files tell nobody when they change
                await trio.sleep(0.02)
        else:
            await at.until(PROGRESS[phase])
        yield at, number


def waits(home: Path) -> bool:
    """Whether anybody waits for the floor."""
    try:
        return bool(json.loads((home / ".voicemode" / "conch.d" / "state.json").read_text())["queue"])
    except (OSError, ValueError):
        return False


def nothing_is_left(at: Served, phase: str) -> bool:
    """But for what is another's, who goes on speaking."""
    return at.left_behind() == [] or phase == "waiting for the floor"


@pytest.mark.parametrize("phase", PHASES)
async def test_input_that_ends_ends_it(tmp_path: Path, phase: str) -> None:
    async with in_phase(tmp_path, phase) as (at, _):
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        assert await at.ends() == 0
        assert nothing_is_left(at, phase)


@pytest.mark.parametrize("phase", PHASES)
async def test_a_client_that_dies_ends_it(tmp_path: Path, phase: str) -> None:
    async with in_phase(tmp_path, phase) as (at, _):
        await at.hang_up()
        assert await at.ends() == 0
        assert nothing_is_left(at, phase)


@pytest.mark.parametrize("phase", PHASES)
async def test_a_signal_ends_it(tmp_path: Path, phase: str) -> None:
    async with in_phase(tmp_path, phase) as (at, _):
        at.process.send_signal(signal.SIGTERM)
        assert await at.ends() == 128 + signal.SIGTERM
        assert nothing_is_left(at, phase)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_so_do_the_other_signals(tmp_path: Path, number: signal.Signals) -> None:
    async with in_phase(tmp_path, "speaking") as (at, _):
        at.process.send_signal(number)
        assert await at.ends() == 128 + number
        assert at.left_behind() == []


@pytest.mark.parametrize("phase", PHASES[:-1])
async def test_a_cancelled_call_is_not_answered_and_the_next_one_works(tmp_path: Path, phase: str) -> None:
    async with in_phase(tmp_path, phase) as (at, number):
        await at.send(method="notifications/cancelled", params={"requestId": number, "reason": "enough"})
        again = await at.call("converse", message="Hm.", wait_for_response=False, skip_conch=True)
        while "id" not in (message := await at.message()):
            pass
        assert message["id"] == again
        assert message["result"]["structuredContent"]["outcome"] == "said"
        assert not waits(tmp_path)


async def test_what_nobody_asks_after_does_not_hinder_the_next_call(tmp_path: Path) -> None:
    async with in_phase(tmp_path, "still listening") as (at, _):
        answer = await at.answer(await at.call("converse", message="Hm.", wait_for_response=False))
        assert answer["result"]["structuredContent"]["outcome"] in {"said", "still_speaking"}


async def test_who_stops_reading_is_no_hindrance(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        for _ in range(400):
            await at.request("tools/list")
        at.process.send_signal(signal.SIGTERM)
        assert await at.ends() == 128 + signal.SIGTERM


async def test_who_stops_reading_and_ends_is_no_hindrance_either(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        for _ in range(400):
            await at.request("tools/list")
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        assert await at.ends() == 0


async def test_output_that_nobody_has_any_more_ends_it(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        assert at.process.stdout is not None
        await at.process.stdout.aclose()
        await at.request("tools/list")
        assert await at.ends() == 0


async def test_garbage_is_passed_over(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.raw(b"\xff\xfe\x00 no json\n[]\n{}\n\n")
        await at.shake_hands()
        await at.raw(b'{"jsonrpc": "2.0", "id": 99}\n')
        await at.still_works()


async def test_a_huge_line_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        for _ in range(16):
            await at.raw(b"x" * (1 << 20))
        await at.raw(b"\n")
        assert (await at.message())["error"]["code"] == INVALID_REQUEST
        await at.still_works()


async def test_half_an_emoji_is_no_hindrance(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        number = await at.call("converse", message="smile \ud83d", wait_for_response=False)
        assert (await at.answer(number))["result"]["structuredContent"]["outcome"] == "said"


async def test_what_cannot_be_read_is_answered_also_at_the_end(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        await at.raw(b'[{"jsonrpc": "2.0", "id": 7, "method": "ping"}]\n{"jsonrpc":"2.0","id":8,"method":"pi')
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        batch, half = await at.message(), await at.message()
        assert (batch["error"]["code"], batch["id"]) == (INVALID_REQUEST, None)
        assert (half["error"]["code"], half["id"]) == (PARSE_ERROR, 8)
        assert await at.ends() == 0


async def test_refusals_that_nobody_reads_are_no_hindrance(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        await at.raw(b"{\n" * 10_000)
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        assert await at.ends() == 0


async def test_a_call_before_the_handshake_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        answer = await at.answer(await at.call("converse", message="Hm."))
        assert "error" in answer
        await at.shake_hands()
        await at.still_works()


async def test_two_calls_at_once_are_one_and_a_refusal(tmp_path: Path) -> None:
    async with in_phase(tmp_path, "speaking") as (at, first):
        second = await at.answer(await at.call("converse", message="Hm."))
        assert "Busy" in second["result"]["content"][0]["text"]
        await at.call("control", action="stop")
        answer = await at.answer(first)
        assert answer["result"]["structuredContent"]["outcome"] == "stopped"


async def test_a_half_line_at_the_end_is_no_hindrance(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        await at.raw(b'{"jsonrpc": "2.0", "id": 7, "meth')
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        assert await at.ends() == 0


async def test_it_ends_before_it_has_begun(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        assert await at.ends() == 0


async def test_who_is_killed_leaves_what_was_said(tmp_path: Path) -> None:
    async with in_phase(tmp_path, "listening") as (at, _):
        at.process.kill()
        assert await at.ends() == -signal.SIGKILL
    async with served(tmp_path) as again:
        await again.shake_hands()
        answer = await again.answer(await again.call("converse", message="Hm.", wait_for_response=False))
        assert answer["result"]["structuredContent"]["outcome"] == "said"


async def test_what_is_printed_does_not_disturb_the_messages(tmp_path: Path) -> None:
    async with served(tmp_path, PYTHONSTARTUP="") as at:
        await at.shake_hands()
        assert (await at.answer(await at.request("ping")))["result"] == {}


async def test_stopping_and_going_on_is_no_hindrance(tmp_path: Path) -> None:
    async with in_phase(tmp_path, "listening") as (at, _):
        at.process.send_signal(signal.SIGSTOP)
        await trio.sleep(0.2)
        at.process.send_signal(signal.SIGCONT)
        await at.still_works()
