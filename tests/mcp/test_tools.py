"""Answers of tools lead on: to the tool that helps, and to what was written down."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.mcp.rude import served
from voicemode.exchanges import recent

pytestmark = pytest.mark.realtime


async def test_who_asks_for_a_voice_that_there_is_not_is_told_which_tool_lists_them(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        result = (await at.answer(await at.call("converse", message="Hm.", voice="nobody")))["result"]
        said = result["content"][0]["text"]
    assert result["isError"]
    assert said.startswith("espeak-ng has no voice 'nobody'")
    assert said.endswith("The tool voices lists those there are.")


async def test_an_answer_names_the_conversation_as_its_exchanges_do(tmp_path: Path) -> None:
    async with served(tmp_path, VOICEMODE_SAVE_TRANSCRIPTIONS="true") as at:
        await at.shake_hands()
        result = (await at.answer(await at.call("converse", message="Hm.", wait_for_response=False)))["result"]
        assert at.process.stdin is not None
        await at.process.stdin.aclose()
        await at.ends()
    [exchange] = await trio.to_thread.run_sync(recent, tmp_path / ".voicemode", 10)
    assert result["structuredContent"]["conversation_id"] == exchange.conversation_id
