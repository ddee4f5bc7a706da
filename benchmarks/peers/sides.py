"""The two servers: how each is started, and a client of the SDK to it.  Both are given the same environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp.client.stdio
import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import define, field, frozen
from environments import python_of
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from voicemode.groups import unwrapped

from .room import Room

PATIENCE = 30.0
"""Seconds that a server may take to end after its input has; the SDK's client would kill it after two."""


@frozen
class Side:
    name: str
    command: tuple[str, ...]


OURS = Side("voicemode", (sys.executable, "-m", "voicemode", "mcp"))


def peer() -> Side | None:
    """None when its environment has not been made."""
    python = python_of("voice-mode")
    return None if python is None else Side("voice-mode 9.0.1", (str(python.with_name("voicemode")),))


@define(eq=False)
class Session:
    """A server that runs, and its client; ``listed`` is how many seconds it took until its tools were known."""

    side: Side
    client: Client
    process: Any
    listed: float
    tools: int
    closing: float = field(default=0.0, init=False)

    @property
    def memory(self) -> int:
        """Bytes that it and its children have in use."""
        return sum(each.memory_info().rss for each in (self.process, *self.process.children(recursive=True)))

    async def converse(self, message: str, **arguments: Any) -> str:
        """The words of the answer."""
        given = {"message": message, "metrics_level": "minimal", **arguments}
        result = await self.client.call_tool("converse", given)
        return " ".join(each.text for each in result.content if each.type == "text")


def environment_of(room: Room, home: Path, *, tts: tuple[str, ...], stt: tuple[str, ...]) -> dict[str, str]:
    """Nothing of this machine's own configuration, and no way out of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOICEMODE_", "OPENAI_"))}
    nowhere = {
        "no_proxy": "127.0.0.1,localhost",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    return {
        **kept,
        **nowhere,
        **room.audio.settings,
        "HOME": str(home),
        "VOICEMODE_BASE_DIR": str(home / ".voicemode"),
        "VOICEMODE_TTS_BASE_URLS": ",".join(tts),
        "VOICEMODE_STT_BASE_URLS": ",".join(stt),
        "VOICEMODE_AUDIO_FEEDBACK": "false",
    }


@asynccontextmanager
async def session(
    side: Side, room: Room, home: Path, *, tts: tuple[str, ...], stt: tuple[str, ...], alone: bool, bare: bool
) -> AsyncGenerator[Session]:
    mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT = PATIENCE
    await trio.Path(home).mkdir(parents=True)
    environment = environment_of(room, home, tts=tts, stt=stt)
    if bare:
        environment |= {"VOICEMODE_ECHO": "off"}
    if alone or bare:
        environment |= {"VOICEMODE_TTS": ",".join(tts), "VOICEMODE_STT": ",".join(stt)}
    before = {each.pid for each in psutil.Process().children()}
    started = trio.current_time()
    server = StdioServerParameters(command=side.command[0], args=list(side.command[1:]), env=environment, cwd=home)
    with (home / "log").open("a") as log, unwrapped():
        async with Client(stdio_client(server, log)) as client:
            listed = await client.list_tools()
            took = trio.current_time() - started
            tools = [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed.tools]
            new = [each for each in psutil.Process().children() if each.pid not in before]
            process = next(each for each in new if side.command[-1] in each.cmdline())
            size = len(json.dumps(tools, separators=(",", ":")).encode())
            here = Session(side, client, process, took, size)
            yield here
            here.closing = trio.current_time()
