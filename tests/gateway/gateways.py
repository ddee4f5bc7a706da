"""A gateway on a port of its own, and devices and agents' sides at real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import define
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from actors import link_messages as link
from actors.link_messages import LinkMessage
from voicemode.connect.wire import decode, encode
from voicemode.gateway.app import make_app
from voicemode.gateway.broker import Broker
from voicemode.gateway.hub import Hub
from voicemode.gateway.limits import Limits
from voicemode.gateway.queue import MessageQueue
from voicemode.gateway.serving import serve
from voicemode.gateway.tokens import FirstOf, StaticTokens, TokenVerifier
from voicemode.groups import unwrapped

Kind = TypeVar("Kind", bound=LinkMessage)

ADA, BOB = "the-token-of-ada", "the-token-of-bob"

AT_ONCE = 10.0
"""Seconds in which a thing has happened that happens at once."""


@define
class Gateway:
    url: str
    hub: Hub
    stop: trio.Event

    @property
    def http(self) -> str:
        return self.url.replace("ws://", "http://").removesuffix("/ws")


def tokens() -> TokenVerifier:
    return FirstOf([StaticTokens.one(ADA, "ada"), StaticTokens.one(BOB, "bob")])


@asynccontextmanager
async def gateway(
    limits: Limits | None = None,
    *,
    verifier: TokenVerifier | None = None,
    queue: MessageQueue | None = None,
    broker: Broker | None = None,
    origins: tuple[str, ...] = (),
    port: int = 0,
) -> AsyncGenerator[Gateway]:
    hub = Hub(limits, queue=queue, broker=broker)
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    app = make_app(hub, verifier or tokens(), origins=origins)
    stop = trio.Event()
    url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}/ws"
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        serving = partial(serve, app, listeners, hub.limits, stop=stop, drain=hub.drain)
        async with trio.open_nursery() as server:
            await server.start(serving)
            yield Gateway(url, hub, stop)
            stop.set()
        nursery.cancel_scope.cancel("done")


async def emptied(there: Gateway) -> None:
    """Nothing is kept there any more.  The queue's file itself belongs to the gateway's thread while it runs."""
    with trio.fail_after(AT_ONCE):
        while there.hub.gauges["queue_messages"]:
            await trio.lowlevel.checkpoint()


class Peer:
    """One end of a connection; ``token`` is the session's, for ``resume``."""

    def __init__(self, socket: WebSocketConnection, stream: trio.SocketStream) -> None:
        self.socket, self.stream = socket, stream
        self.session = self.token = ""

    async def say(self, message: LinkMessage) -> None:
        await self.socket.send_message(encode(message))

    async def hear(self) -> LinkMessage:
        with trio.fail_after(AT_ONCE):
            return decode(await self.socket.get_message())

    async def wait_for(self, kind: type[Kind]) -> Kind:
        """The next of its kind; others are passed over."""
        while not isinstance(message := await self.hear(), kind):
            pass
        return message

    async def closed(self) -> tuple[int, str | None]:
        """The code and the reason, once it is."""
        with trio.fail_after(AT_ONCE):
            while True:
                try:
                    await self.socket.get_message()
                except ConnectionClosed as error:
                    return (0, None) if error.reason is None else (error.reason.code, error.reason.reason)


def device(name: str = "phone") -> link.Ready:
    able = link.Capabilities(tts=True, stt=True, mic=True, speaker=True)
    return link.Ready(device=link.Device(device_id=name, platform="ios", name=name), capabilities=able)


def users(*names: str, host: str = "box") -> link.CapabilitiesUpdate:
    return link.CapabilitiesUpdate(users=tuple(link.AgentUser(name=name, host=host) for name in names))


@asynccontextmanager
async def connected(
    url: str, token: str | None = ADA, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Peer]:
    """Connected, and nothing said or heard."""
    given = dict(headers or {})
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    host, _, resource = url.removeprefix("ws://").partition("/")
    name, _, port = host.partition(":")
    with unwrapped():
        # trio-websocket leaves its socket open when the other end is the first to close
        async with await trio.open_tcp_stream(name, int(port)) as stream, trio.open_nursery() as nursery:
            socket = await wrap_client_stream(
                nursery,
                stream,
                host,
                f"/{resource}",
                extra_headers=[(header.encode(), value.encode()) for header, value in given.items()],
            )
            try:
                yield Peer(socket, stream)
            finally:
                with trio.move_on_after(2, shield=True):
                    await socket.aclose()
                nursery.cancel_scope.cancel("done")


@asynccontextmanager
async def phone(url: str, token: str = ADA, name: str = "phone") -> AsyncGenerator[Peer]:
    async with connected(url, token) as peer:
        await introduce(peer)
        await peer.say(device(name))
        await peer.wait_for(link.Devices)
        yield peer


@asynccontextmanager
async def agent(url: str, *names: str, token: str = ADA, host: str = "box") -> AsyncGenerator[Peer]:
    async with connected(url, token) as peer:
        await introduce(peer)
        await peer.say(link.Ready(device=link.Device(device_id=f"dev-{host}", platform="mcp-server")))
        await peer.say(users(*(names or ("cora",)), host=host))
        await peer.wait_for(link.Devices)
        await peer.wait_for(link.Devices)
        yield peer


async def introduce(peer: Peer) -> None:
    said = await peer.hear()
    assert isinstance(said, link.Connected)
    peer.session, peer.token = said.session_id, said.session_token or ""


async def get(url: str) -> tuple[int, str]:
    """Status and body."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    with trio.fail_after(AT_ONCE):
        stream = await trio.open_tcp_stream(name, int(port))
        async with stream:
            await stream.send_all(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while data := await stream.receive_some():
                answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def text(**members: Any) -> str:
    return json.dumps(members)
