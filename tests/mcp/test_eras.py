"""The SDK's client in both eras of the protocol: with a handshake and without, in the room and over real pipes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.fakes import FakeEars
from tests.mcp.calling import desk, words
from tests.mcp.real_clients import ROOT, SERVER, SETTINGS
from tests.turn_taking import STORY
from voicemode.mcp.tools import NAMES

ERAS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28", "auto": "2026-07-28"}
"""How a client begins, and what is spoken then."""


@pytest.mark.parametrize("mode", ERAS)
async def test_tools_are_listed_and_a_call_is_answered_with_progress(autojump_clock: MockClock, mode: str) -> None:
    async with desk(mode=mode, stt=FakeEars("Blue, please.", wait=1.5)) as at:
        assert at.client.protocol_version == ERAS[mode]
        assert [tool.name for tool in (await at.client.list_tools()).tools] == list(NAMES)
        at.user_says(1.5, 1.0)
        result = await at.call("converse", message="one two")
        await wait_all_tasks_blocked()  # the client hands out a note and a result independently of one another
        said = list(dict.fromkeys(text for _, text in at.notes))
    assert words(result) == "Voice response: Blue, please."
    assert said == ["Getting ready", "Speaking", "Listening", "The user is speaking", "Transcribing"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_cancelled_call_is_over_at_once_and_its_words_come_with_the_next(
    autojump_clock: MockClock, mode: str
) -> None:
    async with desk(mode=mode, stt=FakeEars("I was about to say", wait=0.5)) as at:
        at.user_says(4.0, 3.0)
        with trio.move_on_after(5.2):
            await at.converse(STORY)
        await trio.sleep(0.05)
        assert not at.listening
        assert at.room.silent_from() <= at.began + 5.25
        answer = await at.converse("one", wait_for_response=False)
    assert (answer["outcome"], answer["earlier"]) == ("said", ["I was about to say"])


@pytest.mark.realtime
@pytest.mark.parametrize("mode", ERAS)
async def test_a_call_is_answered_and_another_cancelled_over_pipes(tmp_path: Path, mode: str) -> None:
    command, *arguments = SERVER
    environment = {**os.environ, **SETTINGS, "HOME": str(tmp_path)}
    server = StdioServerParameters(command=command, args=arguments, env=environment, cwd=ROOT)
    notes: list[str] = []
    speaking = trio.Event()

    async def note(_: float, __: float | None, message: str | None) -> None:
        notes.append(message or "")
        if message == "Speaking":
            speaking.set()

    async with Client(stdio_client(server), mode=mode) as client:
        assert client.protocol_version == ERAS[mode]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.call_tool, "converse", {"message": STORY}, None, note)
            await speaking.wait()
            nursery.cancel_scope.cancel()
        result = await client.call_tool("converse", {"message": "Hm.", "wait_for_response": False})
    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["outcome"] == "said"
    assert notes[0] == "Getting ready"
