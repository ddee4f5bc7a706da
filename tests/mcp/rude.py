"""A process of the server, with its pipes in the hands of a test that need not be polite."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "rude", "version": "1"},
}

KEPT = ("guard", "state.json", "conch")
"""Files of the floor that stay."""

PATIENCE = 20.0
"""Seconds for an answer on a busy machine; nothing is measured here."""


@define
class Served:
    process: trio.Process
    home: Path
    _read: bytearray = field(factory=bytearray, init=False)
    _number: int = field(default=0, init=False)

    async def send(self, **message: Any) -> None:
        await self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(data)

    async def request(self, method: str, **params: Any) -> int:
        self._number += 1
        await self.send(id=self._number, method=method, params=params)
        return self._number

    async def call(self, name: str, **arguments: Any) -> int:
        return await self.request("tools/call", name=name, arguments=arguments, _meta={"progressToken": "p"})

    async def message(self) -> dict[str, Any]:
        """The next from the server.  Raises EOFError at its end."""
        assert self.process.stdout is not None
        with trio.fail_after(PATIENCE):
            while b"\n" not in self._read:
                chunk = await self.process.stdout.receive_some()
                if not chunk:
                    raise EOFError
                self._read += chunk
        line, _, rest = bytes(self._read).partition(b"\n")
        self._read = bytearray(rest)
        found: dict[str, Any] = json.loads(line)
        return found

    async def answer(self, number: int) -> dict[str, Any]:
        """To request ``number``, whatever else comes before."""
        while True:
            message = await self.message()
            if message.get("id") == number:
                return message

    async def until(self, state: str) -> None:
        """Progress says ``state``."""
        while True:
            message = await self.message()
            if message.get("method") == "notifications/progress" and message["params"].get("message") == state:
                return

    async def shake_hands(self) -> None:
        await self.answer(await self.request("initialize", **INITIALIZE))
        await self.send(method="notifications/initialized")

    async def ends(self) -> int:
        """Its exit code.  Raises TooSlowError when it does not end."""
        with trio.fail_after(PATIENCE):
            return await self.process.wait()

    async def still_works(self) -> None:
        answer = await self.answer(await self.call("control", action="status"))
        assert not answer["result"].get("isError"), answer

    async def hang_up(self) -> None:
        """As a client that is killed: both pipes are gone at once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        await self.process.stdin.aclose()
        await self.process.stdout.aclose()

    def left_behind(self) -> list[str]:
        """Files in its home, but for recordings that wait for their words, and processes that it has started."""
        found = [path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file()]
        files = [str(path) for path in found if "pending" not in path.parts and path.name not in KEPT]
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return files
        return [*files, "a process"]


@asynccontextmanager
async def served(home: Path, **environment: str) -> AsyncGenerator[Served]:
    """A server with virtual devices; what is left of it is killed afterwards."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "voicemode", "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "HOME": str(home),
            "VOICEMODE_MIC": "null:",
            "VOICEMODE_SPEAKER": "null:",
            "VOICEMODE_TTS": "espeak-ng",
            "VOICEMODE_STT": "pocketsphinx",
            **environment,
        },
        start_new_session=True,
    )
    try:
        yield Served(process, home)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            with trio.move_on_after(5, shield=True):
                await process.wait()
