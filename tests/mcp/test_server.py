"""What a client reads before it calls anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents
from trio.testing import MockClock

from tests.mcp.calling import desk
from voicemode import Settings

MOST = 6_000
"""Bytes of the list of tools; a client pays for them in every conversation."""


async def test_the_list_of_tools_is_short(autojump_clock: MockClock) -> None:
    async with desk() as at:
        listed = (await at.client.list_tools()).tools
    whole = json.dumps([tool.model_dump(by_alias=True, exclude_none=True) for tool in listed], separators=(",", ":"))
    assert len(whole) <= MOST
    assert [tool.name for tool in listed] == ["converse", "control", "transcribe", "service", "voices"]
    for tool in listed:
        assert tool.description
        assert tool.annotations is not None
        assert tool.input_schema["type"] == "object"
        assert "title" not in json.dumps(tool.input_schema)


async def test_everything_that_can_be_read_is_there(autojump_clock: MockClock) -> None:
    async with desk() as at:
        await at.converse("one", wait_for_response=False)
        for resource in (await at.client.list_resources()).resources:
            assert resource.description
            if resource.uri != "voice://voices":
                [content] = (await at.client.read_resource(resource.uri)).contents
                assert content.mime_type == resource.mime_type
        [counted] = (await at.client.read_resource("voice://statistics/summary")).contents
        assert isinstance(counted, TextResourceContents)
        assert json.loads(counted.text)["outcomes"] == {"said": 1}
        for prompt in (await at.client.list_prompts()).prompts:
            assert prompt.description
            assert (await at.client.get_prompt(prompt.name)).messages


@pytest.mark.parametrize("saved", [False, True])
async def test_that_nothing_is_written_down_has_its_reason(
    autojump_clock: MockClock, tmp_path: Path, saved: bool
) -> None:
    async with desk(settings=Settings(base_dir=tmp_path, save_transcriptions=saved)) as at:
        [content] = (await at.client.read_resource("voicemode://exchanges/recent")).contents
    assert isinstance(content, TextResourceContents)
    assert (content.text == "[]") == saved
    assert ("VOICEMODE_SAVE_TRANSCRIPTIONS is off" in content.text) != saved


async def test_what_is_not_there_is_refused(autojump_clock: MockClock) -> None:
    async with desk() as at:
        for asked in (at.client.read_resource("voice://nothing"), at.client.get_prompt("nothing")):
            with pytest.raises(MCPError, match="There is no"):
                await asked
        with pytest.raises(MCPError, match="there is converse"):
            await at.client.call_tool("sing", {})
