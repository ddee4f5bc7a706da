"""Several gateways by way of a real Redis server, which dies and comes back."""

from __future__ import annotations

import gc
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import trio

from actors import link_messages as link
from actors.errors import VoiceError
from tests.gateway.gateways import AT_ONCE, Gateway, Peer, agent, gateway, phone
from voicemode.gateway.redis_broker import RedisBroker

WITHOUT = next(
    (
        reason
        for reason, there in {
            "no coredis: pip install 'voicemode[redis]'": find_spec("coredis"),
            "no redis-server": shutil.which("redis-server"),
        }.items()
        if not there
    ),
    "",
)

needs_redis = pytest.mark.skipif(bool(WITHOUT), reason=WITHOUT)


@pytest.fixture(autouse=True)
def _collected_here() -> Iterator[None]:
    """coredis leaves the streams of a connection that breaks to the garbage collector, which complains of them."""
    yield
    with warnings.catch_warnings(action="ignore"):
        gc.collect()


class Server:
    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self._folder)]
        self._process = await trio.to_thread.run_sync(partial(subprocess.Popen, command, stdout=subprocess.DEVNULL))
        with trio.fail_after(AT_ONCE):
            while True:
                try:
                    stream = await trio.open_tcp_stream("127.0.0.1", self.port)
                except OSError:
                    await trio.sleep(0.01)
                else:
                    await stream.aclose()
                    return

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@asynccontextmanager
async def two(folder: Path, brokers: list[RedisBroker]) -> AsyncGenerator[tuple[Server, Gateway, Gateway]]:
    server = Server(folder)
    await server.start()
    brokers += [RedisBroker(f"redis://127.0.0.1:{server.port}/0") for _ in range(2)]
    try:
        async with gateway(broker=brokers[0]) as one, gateway(broker=brokers[1]) as other:
            yield server, one, other
    finally:
        server.kill()


async def until(so: Callable[[], bool]) -> None:
    with trio.fail_after(3 * AT_ONCE):
        while not so():
            await trio.lowlevel.checkpoint()


def sees(there: Gateway, count: int) -> Callable[[], bool]:
    return lambda: len(there.hub._routing._accounts["ada"].sessions) == count


async def tell(ada: Peer, cora: Peer, message: link.UserMessage) -> None:
    await ada.say(message)
    while (delivery := await cora.wait_for(link.UserMessageDelivery)).text != message.text:
        pass
    await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
    assert await ada.wait_for(link.Ack) == link.Ack(id=message.id, status="delivered")


def saying(text: str) -> link.UserMessage:
    return link.UserMessage(id=text, text=text, target_user="cora")


@needs_redis
@pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_gateways_find_one_another_and_again_when_the_server_was_away(tmp_path: Path) -> None:
    brokers: list[RedisBroker] = []
    async with two(tmp_path, brokers) as (server, one, other), agent(one.url) as cora, phone(other.url) as ada:
        await until(sees(other, 2))
        await tell(ada, cora, saying("Hello."))
        before = [broker._listener for broker in brokers]
        server.kill()
        await until(lambda: all(broker._listener is None for broker in brokers))
        await ada.say(saying("Are you there?"))
        await server.start()
        await until(lambda: all(broker._listener not in (None, *before) for broker in brokers))
        # it was lost between them, and whoever has no answer says it again
        await tell(ada, cora, saying("Are you there?"))


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coredis", None)
    with pytest.raises(VoiceError, match=r"pip install 'voicemode\[redis\]'"):
        RedisBroker("redis://127.0.0.1/0")
