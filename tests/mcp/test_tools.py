"""Answers of tools that are errors say which other tool helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcp.rude import served

pytestmark = pytest.mark.realtime


async def test_who_asks_for_a_voice_that_there_is_not_is_told_which_tool_lists_them(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        await at.shake_hands()
        result = (await at.answer(await at.call("converse", message="Hm.", voice="nobody")))["result"]
        said = result["content"][0]["text"]
    assert result["isError"]
    assert said.startswith("espeak-ng has no voice 'nobody'")
    assert said.endswith("The tool voices lists those there are.")
