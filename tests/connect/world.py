"""A gateway, ``connect up`` beside it and a phone, as processes and over real sockets; any of them can be killed.

The phone is the link's own client, in this process: what it was promised is what the tests hold the others to.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import trio
from attrs import define, field

from actors.link import hold_link
from actors.link_messages import Ack, Capabilities, Device, LinkMessage, Listen, Speak, Transcription, UserMessage
from actors.machines.link import LinkPolicy, LinkStatus
from actors.outgoing import Outgoing
from voicemode.connect.transport import GatewayTransport

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-of-ada-and-of-nobody-else"  # noqa: S105 - good for a gateway of the tests
SOON = 30.0
"""Seconds for what takes one."""

QUICK = LinkPolicy(connecting=5, handshake=5, ping=1, dead=4, least=0.1, longest=1, settled=5)
"""A phone that notices losses in seconds."""


class FixedToken:
    async def __call__(self) -> str | None:
        return TOKEN

    def refuse(self, token: str) -> None:
        pass


@define(eq=False)
class World:
    """``home`` is the agents' machine's; ``more`` is added to the environment of its processes."""

    home: Path
    port: int
    nursery: trio.Nursery
    more: Mapping[str, str] = field(factory=dict[str, str])
    running: dict[str, trio.Process] = field(factory=dict[str, trio.Process])
    started: list[trio.Process] = field(factory=list[trio.Process])

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VOICEMODE_")}
        return {
            **kept,
            "HOME": str(self.home),
            "VOICEMODE_BASE_DIR": str(self.home / ".voicemode"),
            "VOICEMODE_CONNECT_ENABLED": "true",
            "VOICEMODE_CONNECT_WS_URL": self.url,
            "VOICEMODE_CONNECT_TOKEN": TOKEN,
            "VOICEMODE_CONNECT_HOST": "desk",
            "PYTHONPATH": str(ROOT),
            **self.more,
        }

    async def start(self, name: str, *arguments: str) -> trio.Process:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "voicemode", *arguments],
            stdout=PIPE,
            env=self.environment,
            cwd=self.home,
        )
        self.running[name] = process
        self.started.append(process)
        return process

    async def end(self, process: trio.Process) -> None:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()
        assert process.stdout is not None
        await process.stdout.aclose()

    async def gateway(self) -> None:
        tokens = self.home / "tokens"
        if not tokens.exists():
            tokens.write_text(f"{TOKEN} ada Ada\n")
            tokens.chmod(0o600)
        arguments = ("--port", str(self.port), "--tokens", str(tokens), "--queue", str(self.home / "queue.sqlite"))
        process = await self.start("gateway", "gateway", *arguments, "--json")
        async with aclosing(self.lines(process)) as lines:
            await anext(lines)

    async def up(self) -> None:
        """``connect up``, until it has a link; after that nobody reads what it prints."""
        process = await self.start("up", "connect", "up", "--json")
        with trio.fail_after(SOON):
            async with aclosing(self.lines(process)) as lines:
                async for line in lines:
                    if json.loads(line)["link"] == "up" and json.loads(line)["users"]:
                        break
        self.nursery.start_soon(self.drain, process)

    async def talk(self, agent: Path) -> None:
        """``connect talk`` with the function ``answer`` of the module ``agent``, once it can be talked with."""
        process = await self.start("talk", "connect", "talk", "--agent", f"{agent.stem}:answer")
        with trio.fail_after(SOON):
            async with aclosing(self.lines(process)) as lines:
                await anext(lines)
        self.nursery.start_soon(self.drain, process)

    async def drain(self, process: trio.Process) -> None:
        assert process.stdout is not None
        try:
            async for _ in process.stdout:
                pass
        except trio.ClosedResourceError:
            return

    async def lines(self, process: trio.Process) -> AsyncGenerator[bytes]:
        assert process.stdout is not None
        rest = b""
        while data := await process.stdout.receive_some():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line

    def signal(self, name: str, number: int) -> None:
        self.running[name].send_signal(number)

    async def kill(self, name: str) -> None:
        self.signal(name, signal.SIGKILL)
        await self.running[name].wait()

    async def voicemode(self, *arguments: str) -> str:
        """What another process of the same user prints.  Fails when it fails."""
        ran = await trio.run_process(
            [sys.executable, "-m", "voicemode", *arguments],
            capture_stdout=True,
            env=self.environment,
            cwd=self.home,
        )
        return ran.stdout.decode()

    def inbox(self, user: str) -> list[dict[str, str]]:
        path = self.home / ".voicemode" / "connect" / "users" / user / "inbox"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@define(eq=False)
class Phone:
    """``spoken`` are the texts it was given to say; it answers every one with ``reply``, if that was asked for."""

    outgoing: Outgoing = field(factory=Outgoing)
    spoken: list[str] = field(factory=list[str])
    asked_to_listen: int = 0
    reply: str = "Fine."
    states: list[LinkStatus] = field(factory=list[LinkStatus])
    linked: trio.Event = field(factory=trio.Event)
    news: trio.Condition = field(factory=trio.Condition)

    async def hold(self, url: str, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        incoming, received = trio.open_memory_channel[LinkMessage](64)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.answer, received)
            await nursery.start(self.link, url, incoming)
            task_status.started()

    async def link(
        self, url: str, incoming: trio.MemorySendChannel[LinkMessage], *, task_status: trio.TaskStatus[None]
    ) -> None:
        await hold_link(
            self.outgoing,
            incoming,
            transport=GatewayTransport(url, FixedToken()),
            device=Device(device_id="phone", platform="ios", name="Ada's phone"),
            capabilities=Capabilities(tts=True, stt=True, mic=True, speaker=True),
            policy=QUICK,
            publish=self.changed,
            task_status=task_status,
        )

    def changed(self, status: LinkStatus) -> None:
        self.states.append(status)
        if status.state == "up":
            self.linked.set()

    async def answer(self, received: trio.MemoryReceiveChannel[LinkMessage]) -> None:
        async for message in received:
            if isinstance(message, Speak):
                self.outgoing.put(Ack(id=message.id, status="received"))
                async with self.news:
                    self.spoken.append(message.text)
                    self.news.notify_all()
                self.outgoing.put(Ack(id=message.id, status="delivered"))
                if message.wait_for_response:
                    self.outgoing.put(Transcription(id=message.id, text=self.reply))
            elif isinstance(message, Listen):
                self.outgoing.put(Ack(id=message.id, status="received"))
                async with self.news:
                    self.asked_to_listen += 1
                    self.news.notify_all()

    async def says(self, key: str, text: str) -> None:
        """To the one agent there is."""
        ack = await self.outgoing.deliver(Transcription(id=key, text=text))
        assert ack.status == "delivered", ack

    async def has_spoken(self, text: str) -> None:
        async with self.news:
            while text not in self.spoken:
                await self.news.wait()

    async def is_to_listen(self) -> None:
        async with self.news:
            while not self.asked_to_listen:
                await self.news.wait()

    async def write(self, key: str, user: str, *, aloud: bool = False) -> Ack:
        """As often as it takes until something has been promised, or the agent is not there."""
        text = f"text {key}"
        said = Transcription(id=key, text=text, target_user=user)
        while True:
            ack = await self.outgoing.deliver(said if aloud else UserMessage(id=key, text=text, target_user=user))
            if ack.status != "offline":
                return ack
            await trio.sleep(0.2)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@asynccontextmanager
async def world(home: Path, more: Mapping[str, str] | None = None) -> AsyncGenerator[World]:
    """With a user cora whom nothing wakes; no process of it is left in the end."""
    async with trio.open_nursery() as nursery:
        here = World(home, free_port(), nursery, more or {})
        try:
            await here.voicemode("connect", "user", "add", "cora", "--name", "Cora 7")
            yield here
        finally:
            with trio.move_on_after(SOON, shield=True):
                for process in here.started:
                    await here.end(process)
            nursery.cancel_scope.cancel("the end of the world")
