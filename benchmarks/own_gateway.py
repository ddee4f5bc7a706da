"""``voicemode gateway`` in a process of its own, as a person runs it, and good clients of it at raw sockets."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import define, field, frozen

from actors import link_messages as link
from actors.link_messages import LinkMessage
from voicemode.connect.wire import PING, PONG, decode, encode

TEXT, CLOSE = 0x1, 0x8

PING_EVERY = 25.0
"""Seconds."""


def token_of(account: str) -> str:
    return f"a-token-for-the-account-{account}"


@frozen
class Running:
    url: str
    process: psutil.Process
    log: Path

    @property
    def megabytes(self) -> float:
        return float(self.process.memory_info().rss) / 1e6

    @property
    def descriptors(self) -> int:
        return int(self.process.num_fds())

    @property
    def cpu(self) -> float:
        """Seconds that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def complaints(self) -> str:
        """What it has said on standard error."""
        return self.log.read_text()

    async def metric(self, name: str) -> int:
        """A number that it tells whoever runs it."""
        async with await trio.open_tcp_stream(*self.where) as stream:
            await stream.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join([data async for data in stream]).decode()
        (value,) = [line.split()[1] for line in answer.splitlines() if line.startswith(f"voicemode_gateway_{name} ")]
        return int(value)

    @property
    def where(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0


@asynccontextmanager
async def own_gateway(folder: Path, accounts: Iterable[str], *options: str) -> AsyncGenerator[Running]:
    """Ends with the context, by SIGTERM, and has to end well."""
    tokens, log = folder / "tokens", folder / "log"
    tokens.touch(mode=0o600)
    tokens.write_text("".join(f"{token_of(account)} {account}\n" for account in accounts))
    command = [sys.executable, "-m", "voicemode", "gateway", "--port", "0", "--json", "--tokens", str(tokens), *options]
    root = Path(__file__).parent.parent
    with log.open("w") as complaints:
        process = await trio.lowlevel.open_process(
            command, stdout=subprocess.PIPE, stderr=complaints, cwd=root, env=dict(os.environ)
        )
    try:
        assert process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            data = await process.stdout.receive_some()
            assert data, log.read_text()
            line += data
        yield Running(json.loads(line)["url"], psutil.Process(process.pid), log)
        process.terminate()
        with trio.fail_after(60):
            # it may be at thousands of connections that have just been dropped
            assert await process.wait() == 143
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


def framed(
    data: bytes, opcode: int = TEXT, *, first: int = 0x80, masked: bool = True, length: int | None = None
) -> bytes:
    """A frame of WebSocket as a client sends it, or as none should; the mask is all zeros, which is one as well."""
    length = len(data) if length is None else length
    mask = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first | opcode, mask | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first | opcode, mask | 126, length)
    else:
        head = struct.pack("!BBQ", first | opcode, mask | 127, length)
    return head + (b"\0\0\0\0" if masked else b"") + data


def upgrade(host: str, token: str | None) -> bytes:
    said = "" if token is None else f"Authorization: Bearer {token}\r\n"
    return (
        f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{said}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


@define(eq=False)
class Client:
    """As little as a client can be, so that what is measured is the gateway."""

    stream: trio.SocketStream
    _buffer: bytearray = field(factory=bytearray)
    _turn: trio.Lock = field(factory=trio.Lock)

    async def say(self, message: LinkMessage) -> None:
        async with self._turn:
            await self.stream.send_all(framed(encode(message).encode()))

    async def hear(self) -> LinkMessage | None:
        """None at the end."""
        while (frame := await self._frame()) is not None:
            opcode, data = frame
            if opcode == CLOSE:
                return None
            if data != PONG.encode():
                return decode(bytes(data))
        return None

    async def wait_for(self, kind: type[LinkMessage]) -> LinkMessage:
        while not isinstance(message := await self.hear(), kind):
            if message is None:
                raise trio.BrokenResourceError("the gateway has closed the connection")
        return message

    async def keep_alive(self) -> None:
        while True:
            await trio.sleep(PING_EVERY)
            async with self._turn:
                await self.stream.send_all(framed(PING.encode()))

    async def _frame(self) -> tuple[int, bytes] | None:
        head = await self._take(2)
        if head is None:
            return None
        length = head[1] & 0x7F
        if length >= 126:
            size = 2 if length == 126 else 8
            more = await self._take(size)
            length = int.from_bytes(more or b"", "big")
        data = await self._take(length)
        return None if data is None else (head[0] & 0xF, data)

    async def _take(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            data = await self.stream.receive_some(65_536)
            if not data:
                return None
            self._buffer += data
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def upgraded(self) -> bool:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            data = await self.stream.receive_some(4096)
            if not data:
                return False
            self._buffer += data
        accepted = self._buffer.startswith(b"HTTP/1.1 101")
        del self._buffer[: end + 4]
        return accepted


async def connect(running: Running, account: str, ready: link.Ready, *users: str) -> Client:
    """Connected and introduced; with ``users``, an agent's side."""
    host, port = running.where
    client = Client(await trio.open_tcp_stream(host, port))
    await client.stream.send_all(upgrade(host, token_of(account)))
    if not await client.upgraded():
        raise trio.BrokenResourceError("the gateway takes no connection")
    await client.wait_for(link.Connected)
    await client.say(ready)
    if users:
        await client.say(
            link.CapabilitiesUpdate(users=tuple(link.AgentUser(name=name, host="bench") for name in users))
        )
    return client


def device(number: int = 0) -> link.Ready:
    able = link.Capabilities(tts=True, stt=True, mic=True, speaker=True)
    return link.Ready(device=link.Device(device_id=f"phone-{number}", platform="ios"), capabilities=able)


def agents_side(number: int = 0) -> link.Ready:
    return link.Ready(device=link.Device(device_id=f"side-{number}", platform="mcp-server"))


async def confirm_all(client: Client) -> None:
    """An agent's side that has everything it is sent."""
    while (message := await client.hear()) is not None:
        if isinstance(message, link.UserMessageDelivery):
            await client.say(link.DeliveryConfirmation(message_id=message.id))
