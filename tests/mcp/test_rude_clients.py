"""Clients that do what they should not, at the real process: it ends or goes on, and nothing of it is left behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import trio

from tests.mcp.rude import Served, served

pytestmark = pytest.mark.realtime

LONG = "This is a long sentence which is said for as long as it takes to be interrupted in the middle of it. " * 3

PHASES = ("Getting ready", "Speaking", "Listening")


async def begun(at: Served, phase: str) -> int:
    """A call that has come to ``phase``."""
    await at.shake_hands()
    number = await at.call("converse", message="Hm." if phase == "Listening" else LONG)
    await at.until(phase)
    return number


@pytest.mark.parametrize("phase", PHASES)
async def test_input_that_ends_ends_it(tmp_path: Path, phase: str) -> None:
    async with served(tmp_path) as at:
        await begun(at, phase)
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        assert await at.ends() == 0
        assert at.left_behind() == []


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it(tmp_path: Path, phase: str, number: signal.Signals) -> None:
    async with served(tmp_path) as at:
        await begun(at, phase)
        at.process.send_signal(number)
        assert await at.ends() == 128 + number
        assert at.left_behind() == []


@pytest.mark.parametrize("phase", PHASES)
async def test_a_cancelled_call_is_not_answered_and_the_next_one_works(tmp_path: Path, phase: str) -> None:
    async with served(tmp_path) as at:
        number = await begun(at, phase)
        await at.send(method="notifications/cancelled", params={"requestId": number, "reason": "enough"})
        again = await at.call("converse", message="Hm.", wait_for_response=False)
        while "id" not in (message := await at.message()):
            pass
        assert message["id"] == again
        assert message["result"]["structuredContent"]["outcome"] == "said"


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


async def test_a_huge_line_is_passed_over(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        for _ in range(16):
            await at.raw(b"x" * (1 << 20))
        await at.raw(b"\n")
        await at.still_works()


async def test_a_call_before_the_handshake_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        answer = await at.answer(await at.call("converse", message="Hm."))
        assert "error" in answer
        await at.shake_hands()
        await at.still_works()


async def test_two_calls_at_once_are_one_and_a_refusal(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        first = await begun(at, "Speaking")
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
    async with served(tmp_path) as at:
        await begun(at, "Listening")
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
    async with served(tmp_path) as at:
        await begun(at, "Listening")
        at.process.send_signal(signal.SIGSTOP)
        await trio.sleep(0.2)
        at.process.send_signal(signal.SIGCONT)
        await at.still_works()
