"""Two servers on one machine, whose agents share the voice."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.mcp.rude import Served, served

pytestmark = pytest.mark.realtime

STORY = "This takes a while to say, for there are many words in it, and after them come some more."


async def result_of(at: Served, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await at.answer(await at.call("converse", wait_for_response=False, **arguments)))["result"]
    return found


async def conch_status(home: Path) -> str:
    done = await trio.run_process(
        [sys.executable, "-m", "voicemode", "conch", "status"],
        env={**os.environ, "HOME": str(home)},
        capture_stdout=True,
    )
    return done.stdout.decode()


async def test_an_agent_that_has_no_handshake_says_its_name_with_the_call(tmp_path: Path) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "modern", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
        "progressToken": "p",
    }
    async with served(tmp_path) as one, served(tmp_path) as other:
        await other.shake_hands()
        arguments = {"message": STORY, "wait_for_response": False}
        await one.request("tools/call", name="converse", arguments=arguments, _meta=meta)
        await one.until("Speaking")
        refused = await result_of(other, message="Hm.")
        assert refused["content"][0]["text"].startswith("modern in ")


async def test_who_does_not_wait_is_told_at_once_who_speaks(tmp_path: Path) -> None:
    async with served(tmp_path) as one, served(tmp_path) as other:
        await one.shake_hands()
        await other.shake_hands()
        first = await one.call("converse", message=STORY, wait_for_response=False, session_id="first")
        await one.until("Speaking")
        refused = await result_of(other, message="Hm.")
        assert refused["isError"]
        said = refused["content"][0]["text"]
        assert said.startswith("rude in ")
        assert "(session first)" in said
        assert "wait_for_conch" in said
        assert "rude in " in await conch_status(tmp_path)
        assert (await one.answer(first))["result"]["structuredContent"]["outcome"] == "said"


async def test_who_waits_speaks_when_the_other_has_ended(tmp_path: Path) -> None:
    async with served(tmp_path) as one, served(tmp_path) as other:
        await one.shake_hands()
        await other.shake_hands()
        first = await one.call("converse", message=STORY, wait_for_response=False)
        await one.until("Speaking")
        waited = await result_of(other, message="Hm.", wait_for_conch="true")
        assert waited["structuredContent"]["outcome"] == "said"
        assert (await one.answer(first))["result"]["structuredContent"]["outcome"] == "said"


async def test_who_waits_and_is_stopped_says_nothing_and_waits_no_longer(tmp_path: Path) -> None:
    async with served(tmp_path) as one, served(tmp_path) as other:
        await one.shake_hands()
        await other.shake_hands()
        await one.call("converse", message=STORY * 10, wait_for_response=False)
        await one.until("Speaking")
        waiting = await other.call("converse", message="Hm.", wait_for_conch=True)
        while "has waited" not in await conch_status(tmp_path):  # noqa: ASYNC110 - files tell nobody when they change
            await trio.sleep(0.05)
        await other.call("control", action="stop")
        assert (await other.answer(waiting))["result"]["structuredContent"]["outcome"] == "stopped"
        assert "has waited" not in await conch_status(tmp_path)


async def test_who_is_killed_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with served(tmp_path) as one, served(tmp_path) as other:
        await one.shake_hands()
        await other.shake_hands()
        await one.call("converse", message=STORY * 10, wait_for_response=False)
        await one.until("Speaking")
        one.process.kill()
        await one.ends()
        assert (await result_of(other, message="Hm."))["structuredContent"]["outcome"] == "said"
