"""How several gateway processes hear of one another's sessions.  In: what one of them publishes for an account.  Out:
the same to all others that have joined the account.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import trio

Deliver: TypeAlias = Callable[[str, bytes], None]
"""Is told the account and what was published for it; it neither blocks nor raises."""


class Broker(Protocol):
    """At most once, in the order of each publisher; what is lost is made up for by whoever sends again."""

    async def run(self, deliver: Deliver, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand on what is published by others, until cancelled; returns never by itself."""
        ...

    async def join(self, account: str) -> None: ...

    async def leave(self, account: str) -> None: ...

    async def publish(self, account: str, message: bytes) -> None: ...


class Exchange:
    """The brokers of the gateways of one process: the one that is embedded."""

    def __init__(self) -> None:
        self._brokers: list[EmbeddedBroker] = []

    def broker(self) -> EmbeddedBroker:
        broker = EmbeddedBroker(self)
        self._brokers.append(broker)
        return broker

    def publish(self, sender: EmbeddedBroker, account: str, message: bytes) -> None:
        for broker in self._brokers:
            if broker is not sender:
                broker.hear(account, message)


class EmbeddedBroker:
    """Satisfies Broker without a network; a gateway that is alone has nobody to hear it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._joined: set[str] = set()
        self._deliver: Deliver | None = None

    async def run(self, deliver: Deliver, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self._deliver = deliver
        try:
            task_status.started()
            await trio.sleep_forever()
        finally:
            self._deliver = None

    async def join(self, account: str) -> None:
        self._joined.add(account)

    async def leave(self, account: str) -> None:
        self._joined.discard(account)

    async def publish(self, account: str, message: bytes) -> None:
        self._exchange.publish(self, account, message)

    def hear(self, account: str, message: bytes) -> None:
        if self._deliver is not None and account in self._joined:
            self._deliver(account, message)
