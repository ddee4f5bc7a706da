"""Gateway processes that find one another by a Redis server.  In: what one publishes for an account.  Out: the same to
all that have joined it.

coredis is the client, because it runs on anyio and so on Trio; redis-py's and nats-py's run on asyncio alone.  Whoever
can write to that Redis can say anything in the name of a gateway: it belongs behind a password, and to nobody else.
"""

from __future__ import annotations

import logging
import secrets
from importlib import import_module
from typing import Any

import anyio
import trio

from actors.errors import VoiceError
from actors.machines.backoff import Backoff

from .broker import Deliver

logger = logging.getLogger(__name__)

PREFIX = "voicemode:gateway:"

LONGEST_PAUSE = 5.0
"""Seconds between two attempts to reach the server."""

PULSE, DEAF = 2.0, 6.0
"""Seconds between messages of a broker to itself, and after which it hears nothing any more when none has come."""

PATIENCE = 2.0
"""Seconds for it to take one message."""


class RedisBroker:
    """Satisfies Broker.  While the server is away nothing is published, and what was joined is joined again later."""

    def __init__(self, url: str) -> None:
        """``url`` as in ``redis://:password@host:6379/0``.  Raises VoiceError without the extra."""
        try:
            self._coredis: Any = import_module("coredis")
        except ModuleNotFoundError as error:
            raise VoiceError(
                f"Several gateways that share a Redis need the package {error.name}. Install it with: "
                "pip install 'voicemode[redis]'."
            ) from error
        # some of what goes wrong comes out of coredis as it was met
        self._lost: tuple[type[Exception], ...] = (
            self._coredis.exceptions.RedisError,
            anyio.BrokenResourceError,
            anyio.ClosedResourceError,
            anyio.EndOfStream,
            OSError,
            trio.TooSlowError,
        )
        self._url = url
        self._pulse = f"{PREFIX}pulse:{secrets.token_hex(8)}"
        self._joined: set[str] = set()
        self._client: Any = None
        self._listener: Any = None

    async def run(self, deliver: Deliver, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        backoff = Backoff(longest=LONGEST_PAUSE)
        while True:
            try:
                await self._listen(deliver, backoff)
            except* self._lost as lost:
                logger.warning("Redis is away, and other gateways with it: %s", lost.exceptions[0])
            self._client = self._listener = None
            await trio.sleep(backoff.next())

    async def _listen(self, deliver: Deliver, backoff: Backoff) -> None:
        client = self._coredis.Redis.from_url(self._url, decode_responses=False, connect_timeout=PATIENCE)
        async with client, client.pubsub(ignore_subscribe_messages=True) as listener, trio.open_nursery() as nursery:
            await listener.subscribe(self._pulse, *map(_channel, self._joined))
            self._client, self._listener = client, listener
            backoff.reset()
            nursery.start_soon(self._beat, client)
            while True:
                # coredis does not say when the connection that it listens on has gone
                with trio.fail_after(DEAF):
                    message = await listener.get_message()
                if message is not None and (channel := message["channel"].decode()) != self._pulse:
                    deliver(channel.removeprefix(_channel("")), message["data"])

    async def _beat(self, client: Any) -> None:
        while True:
            await client.publish(self._pulse, b"")
            await trio.sleep(PULSE)

    async def join(self, account: str) -> None:
        self._joined.add(account)
        if self._listener is not None:
            await self._ask(self._listener.subscribe, _channel(account))

    async def leave(self, account: str) -> None:
        self._joined.discard(account)
        if self._listener is not None:
            await self._ask(self._listener.unsubscribe, _channel(account))

    async def publish(self, account: str, message: bytes) -> None:
        if self._client is not None:
            await self._ask(self._client.publish, _channel(account), message)

    async def _ask(self, what: Any, *arguments: Any) -> None:
        """What fails is lost; ``run`` finds out for itself that the server is away."""
        try:
            with trio.fail_after(PATIENCE):
                await what(*arguments)
        except self._lost as error:
            logger.info("Redis did not take it: %s", error)


def _channel(account: str) -> str:
    return f"{PREFIX}account:{account}"
