"""Carries out what the routing decides: frames to the lines of the sessions, the queue, the other processes, the time.

In: connections, and what they say.  Out: frames for them.  Nothing here blocks but ``run``.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from typing import TypeAlias

import trio

from actors.link_messages import Ack, LinkError, LinkMessage

from ..connect.wire import encode
from .broker import Broker
from .closing import GOING_AWAY, TOO_SLOW
from .company import Company
from .events import (
    Adopt,
    Announce,
    Blocked,
    Close,
    Closed,
    Command,
    Discard,
    Drained,
    Event,
    Fetch,
    Keep,
    Opened,
    Received,
    Relay,
    Remember,
    Send,
    Tell,
    Tick,
)
from .keeping import Keeper
from .limits import Limits
from .line import Line
from .metrics import Counters
from .queue import MessageQueue
from .routing import Routing
from .tokens import Identity

Frame: TypeAlias = tuple[LinkMessage, str]


class Hub:
    """Has to ``run`` while there are connections."""

    def __init__(
        self, limits: Limits | None = None, *, queue: MessageQueue | None = None, broker: Broker | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.counters = Counters()
        self._routing = Routing(self.limits, keeps=queue is not None)
        self._keeper = None if queue is None else Keeper(queue, self._feed)
        self._company = None if broker is None else Company(broker, self._routing.local, self._feed)
        self._lines: dict[str, Line] = {}
        self._by_account: dict[str, int] = {}
        self._connections: set[Line] = set()
        self._blocked: dict[Line, float] = {}
        self._events: deque[Event] = deque()
        self._feeding = False
        self._due = float("inf")
        self._sooner, self._left = trio.Event(), trio.Event()
        self._last: Frame | None = None
        self.draining = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._company is not None:
                await nursery.start(self._company.run)
            if self._keeper is not None:
                nursery.start_soon(self._keeper.run)
            task_status.started()
            await self._keep_time()

    @property
    def gauges(self) -> dict[str, int]:
        return {
            "connections": len(self._connections),
            "connections_of_strangers": len(self._connections) - len(self._lines),
            "connections_blocked": len(self._blocked),
            "accounts": self._routing.accounts,
            "sessions_remembered": self._routing.remembered,
            "messages_waiting": self._routing.waiting,
            "queue_messages": 0 if self._keeper is None else self._keeper.count,
            "broker_messages_dropped": 0 if self._company is None else self._company.dropped,
        }

    @property
    def has_room(self) -> bool:
        strangers = len(self._connections) - len(self._lines)
        return len(self._connections) < self.limits.connections and strangers < self.limits.strangers

    def room_for(self, account: str) -> bool:
        return self._by_account.get(account, 0) < self.limits.per_account

    def connect(self) -> Line:
        """Somebody has connected, nobody knows who yet.  To be given back to ``disconnect``."""
        line = Line(self.limits.unread)
        self._connections.add(line)
        self.counters.connections_opened += 1
        return line

    def open(self, line: Line, identity: Identity) -> None:
        """Now it is known who."""
        line.session, line.account = secrets.token_hex(12), identity.account
        self._lines[line.session] = line
        self._by_account[identity.account] = self._by_account.get(identity.account, 0) + 1
        self._feed(
            Opened(
                session=line.session,
                token=secrets.token_urlsafe(32),
                account=identity.account,
                name=identity.name,
                wall=round(1000 * time.time()),
            )
        )

    def receive(self, line: Line, message: LinkMessage) -> None:
        self._feed(Received(line.session, message))

    def disconnect(self, line: Line) -> None:
        self.counters.frames_dropped += line.dropped
        self._connections.discard(line)
        self._blocked.pop(line, None)
        if line.account is not None:
            count = self._by_account[line.account] - 1
            if count:
                self._by_account[line.account] = count
            else:
                del self._by_account[line.account]
        if self._lines.get(line.session) is line:
            del self._lines[line.session]
            self._feed(Closed(line.session))
        if not self._connections:
            self._left.set()

    def read_out(self, line: Line) -> None:
        """The other end has read something."""
        if line in self._blocked and line.unread < self.limits.unread // 2:
            del self._blocked[line]
            self._feed(Drained(line.session))

    async def drain(self) -> None:
        """Take no more connections, and have those there are closed, for which there are some seconds."""
        self.draining = True
        for line in list(self._connections):
            line.close(GOING_AWAY, "the gateway ends; connect again")
        with trio.move_on_after(self.limits.drain):
            while self._connections:
                self._left = trio.Event()
                await self._left.wait()

    def _feed(self, event: Event) -> None:
        """What a command leads to is fed when all commands before it have been carried out."""
        self._events.append(event)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._events:
                for command in self._routing.feed(self._events.popleft(), trio.current_time()):
                    self._carry_out(command)
        finally:
            self._feeding = False
            self._last = None
        self._hurry()

    def _carry_out(self, command: Command) -> None:
        match command:
            case Send(session, message):
                if (line := self._lines.get(session)) is not None:
                    self._send(line, message)
            case Close(session, code, reason):
                if (line := self._lines.pop(session, None)) is not None:
                    line.close(code, reason)
            case Adopt(session, old):
                if (line := self._lines.pop(session, None)) is not None:
                    line.session = old
                    self._lines[old] = line
                else:
                    self._events.append(Closed(old))
            case Keep() | Fetch() | Discard() | Remember():
                if self._keeper is not None:
                    self._keeper.put(command)
            case Announce() | Tell() | Relay():
                if self._company is not None:
                    self._company.put(command)

    def _send(self, line: Line, message: LinkMessage) -> None:
        # one message often goes to many, one after the other
        if self._last is None or self._last[0] is not message:
            self._last = message, encode(message)
        self._count(message)
        if not line.put(self._last[1]):
            self.counters.connections_too_slow += 1
            line.close(TOO_SLOW, "what was sent has not been read", now=True)
        if isinstance(message, LinkError):
            line.mistakes += 1
        if line.full and line not in self._blocked:
            self._blocked[line] = trio.current_time()
            self._events.append(Blocked(line.session))

    def _count(self, message: LinkMessage) -> None:
        if isinstance(message, Ack):
            if message.status in {"delivered", "received"}:
                self.counters.messages_delivered += 1
            elif message.status == "queued":
                self.counters.messages_queued += 1
            elif message.status == "offline":
                self.counters.messages_offline += 1

    def _hurry(self) -> None:
        if self._deadline() < self._due:
            self._sooner.set()

    def _deadline(self) -> float:
        first = next(iter(self._blocked.values()), None)
        deadlines = [self._routing.deadline, None if first is None else first + self.limits.slow]
        return min((each for each in deadlines if each is not None), default=float("inf"))

    async def _keep_time(self) -> None:
        while True:
            self._sooner, self._due = trio.Event(), self._deadline()
            with trio.move_on_at(self._due):
                await self._sooner.wait()
            now = trio.current_time()
            for line, since in list(self._blocked.items()):
                if now < since + self.limits.slow:
                    break
                del self._blocked[line]
                self.counters.connections_too_slow += 1
                line.close(TOO_SLOW, "what was sent has not been read", now=True)
            self._feed(Tick())
