"""The other gateway processes: keeps them told of who is here, and finds out when one of them has gone.

In: the routing's commands, what the broker hands on.  Out: the routing's events, what the broker is to publish.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeAlias

import trio

from .broker import Broker
from .events import Announce, Heard, Relay, RemoteSession, Tell
from .peers import FromPeer, letter, presence, read

AGAIN = 20.0
"""Seconds after which everybody is told anew who is here."""

GONE = 60.0
"""Seconds after which a process of which nothing is heard has gone."""

MOST_PENDING = 5_000

Local: TypeAlias = Callable[[str], tuple[RemoteSession, ...]]


class Company:
    """``local`` knows who of an account is here; ``tell`` hears of the others."""

    def __init__(self, broker: Broker, local: Local, tell: Callable[[FromPeer], None]) -> None:
        self._broker, self._local, self._tell = broker, local, tell
        self.process = secrets.token_hex(8)
        self._send, self._receive = trio.open_memory_channel[Announce | Tell | Relay](MOST_PENDING)
        self._joined: set[str] = set()
        self._heard: dict[tuple[str, str], float] = {}
        self.dropped = 0

    def put(self, command: Announce | Tell | Relay) -> None:
        """Never blocks: what there is no room for is dropped, and made up for by who sends again."""
        try:
            self._send.send_nowait(command)
        except trio.WouldBlock:
            self.dropped += 1

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._broker.run, self._hear)
            nursery.start_soon(self._publish)
            nursery.start_soon(self._repeat)
            task_status.started()

    def _hear(self, account: str, data: bytes) -> None:
        event, asked = read(self.process, account, data)
        if isinstance(event, Heard):
            if event.process == self.process:
                # some brokers tell whoever published it, too
                return
            if event.sessions:
                self._heard[account, event.process] = trio.current_time()
            else:
                self._heard.pop((account, event.process), None)
        if event is not None:
            self._tell(event)
        if asked:
            self.put(Announce(account))

    async def _publish(self) -> None:
        async for command in self._receive:
            account = command.account
            if isinstance(command, Announce):
                await self._announce(account)
            else:
                await self._broker.publish(account, letter(self.process, command))

    async def _announce(self, account: str) -> None:
        sessions = self._local(account)
        new = bool(sessions) and account not in self._joined
        if new:
            self._joined.add(account)
            await self._broker.join(account)
        if sessions or account in self._joined:
            await self._broker.publish(account, presence(self.process, sessions, asks=new))
        if not sessions and account in self._joined:
            self._joined.discard(account)
            await self._broker.leave(account)
            for key in [key for key in self._heard if key[0] == account]:
                del self._heard[key]
                self._tell(Heard(process=key[1], account=account))

    async def _repeat(self) -> None:
        while True:
            await trio.sleep(AGAIN)
            for account in list(self._joined):
                self.put(Announce(account))
            silent = trio.current_time() - GONE
            for (account, process), at in list(self._heard.items()):
                if at < silent:
                    del self._heard[account, process]
                    self._tell(Heard(process=process, account=account))
