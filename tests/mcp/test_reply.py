"""``reply``: an agent speaks at the user's other devices, through the process that holds the link."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from mcp.client import Client
from mcp_types import CallToolResult

from tests.mcp.calling import words
from voicemode import Settings
from voicemode.connect.local_protocol import LONGEST_LINE, Answer, Say, line_of, request_in, socket_in
from voicemode.mcp import tools
from voicemode.mcp.server import server_of
from voicemode.sockets.lines import LineServer
from voicemode.sockets.socket_file import Purpose

PURPOSE = Purpose(called="a socket", taken="Somebody listens", elsewhere="go elsewhere")


class FakeLink:
    """Answers every text with ``answer``, and keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[Say] = []

    async def answer(self, line: bytes) -> bytes:
        request = request_in(line)
        assert isinstance(request, Say)
        self.asked.append(request)
        return line_of(self._answer)

    @asynccontextmanager
    async def held(self, base: Path) -> AsyncGenerator[None]:
        server = LineServer(answer=self.answer, refuse=str.encode, lifetime=10, longest=LONGEST_LINE)
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, socket_in(base), PURPOSE)
            yield
            nursery.cancel_scope.cancel()


async def replied(base: Path, **arguments: Any) -> CallToolResult:
    server = server_of([tools.replying(Settings(base_dir=base))], [])
    async with Client(server) as client:
        result = await client.call_tool("reply", arguments)
        assert isinstance(result, CallToolResult)
        return result


@pytest.mark.parametrize(
    ("answer", "listens", "said"),
    [
        (Answer(ok=True, fate="said"), False, "The device has said it."),
        (Answer(ok=True, fate="queued"), False, "No device is there; the gateway keeps it for one."),
        (Answer(ok=True, fate="said", heard="Go on."), True, "The user answered: Go on."),
        (Answer(ok=True, fate="received"), True, "The device has it. Nobody answered."),
    ],
)
async def test_an_agent_is_told_what_became_of_its_words(
    tmp_path: Path, answer: Answer, listens: bool, said: str
) -> None:
    link = FakeLink(answer)
    async with link.held(tmp_path):
        result = await replied(tmp_path, text="Done.", voice="Emma", wait_for_response=listens)
    assert words(result) == said
    assert [(each.text, each.voice, each.listen) for each in link.asked] == [("Done.", "Emma", listens)]


async def test_what_no_device_says_is_an_error_that_the_model_can_act_on(tmp_path: Path) -> None:
    link = FakeLink(Answer(ok=False, error="None of your devices is connected."))
    async with link.held(tmp_path):
        result = await replied(tmp_path, text="Done.")
    assert (result.is_error, words(result)) == (True, "None of your devices is connected.")


async def test_without_a_link_it_is_said_what_to_start(tmp_path: Path) -> None:
    result = await replied(tmp_path, text="Done.")
    assert result.is_error
    assert "start voicemode connect up" in words(result)
