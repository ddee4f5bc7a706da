"""What is known of whoever is, or was, connected.  A session outlives its connection, so that it can be resumed."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

from attrs import define, field

from actors.link_messages import AgentUser, Capabilities, ConnectionInfo, Ready

ASKED = 100
"""How many messages a session was sent are remembered, to pass on what it says of them."""

Asker: TypeAlias = tuple[str | None, str]
"""The process, None for this one, and the session there."""


@define(eq=False, kw_only=True)
class Session:
    """``process`` is another gateway's; ``connection`` counts; ``wall`` is milliseconds since 1970 at ``since``.

    Neither ``open`` nor ``blocked`` says anything of the connection of another process.
    """

    id: str
    account: str
    token: str = field(default="", repr=False)
    name: str = ""
    process: str | None = None
    since: float = 0.0
    wall: int = 0
    active: float = 0.0
    ready: Ready | None = None
    agent: bool = False
    users: tuple[AgentUser, ...] = ()
    open: bool = True
    blocked: bool = False
    closed_at: float = 0.0
    connection: int = 1
    flight: int = 0
    """Messages that this connection has not confirmed."""
    listener: str | None = None
    """Who asked it to listen last."""
    asked: OrderedDict[str, Asker] = field(factory=OrderedDict[str, Asker])
    """What it was last sent that wants an answer, and by whom."""

    @property
    def usable(self) -> bool:
        """Whether it can be sent something now."""
        return self.open and not self.blocked

    @property
    def device(self) -> bool:
        return self.ready is not None and not self.agent

    @property
    def speaks(self) -> bool:
        """Who says nothing of what it can do can do everything."""
        able = Capabilities() if self.ready is None else self.ready.capabilities
        return self.device and (able == Capabilities() or able.tts or able.speaker)

    @property
    def identity(self) -> str:
        """What stays the same when it connects again."""
        return (self.ready.device.device_id if self.ready is not None else "") or self.id

    @property
    def sender(self) -> str:
        """What people call it."""
        return self.name or (self.ready.device.name if self.ready is not None else "")

    def ask(self, message_id: str, by: Asker) -> None:
        self.asked[message_id] = by
        while len(self.asked) > ASKED:
            self.asked.popitem(last=False)

    def info(self) -> ConnectionInfo:
        device = None if self.ready is None else self.ready.device
        return ConnectionInfo(
            session_id=self.id,
            device_id="" if device is None else device.device_id,
            platform="" if device is None else device.platform,
            name="" if device is None else device.name,
            capabilities=Capabilities() if self.ready is None else self.ready.capabilities,
            ready=self.ready is not None,
            connected_at=self.wall,
            last_activity=self.wall + round(1000 * (self.active - self.since)),
        )
