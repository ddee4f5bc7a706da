"""All that belongs to one account: its sessions, what is on its way between them, and what was answered to whom."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Literal, TypeAlias

from attrs import define, field, frozen

from actors.link_messages import Ack, AgentUser, Listen, Speak, Transcription, UserMessageDelivery

from .names import Meant, Nobody, find
from .session import Session

ANSWERS = 1000
"""How many answers are remembered, for messages that are sent again."""

Direction: TypeAlias = Literal["agent", "device"]
Carried: TypeAlias = UserMessageDelivery | Transcription | Speak | Listen
"""What waits at the gateway until whoever is to have it says so."""

WaitingKey: TypeAlias = tuple[Direction, str]


@frozen
class Asked:
    """A message as its sender knows it: ``identity`` is the sender's, ``id`` the sender's own."""

    identity: str
    direction: Direction
    id: str


@define(eq=False, kw_only=True)
class Waiting:
    """``message`` is on its way to ``target``, a name or a device's id, or to ``session`` alone, or to any device.

    ``origin`` is the session that wants to know, and knows it as ``asked``; what comes from the queue, nobody asked.
    """

    message: Carried
    direction: Direction
    deadline: float
    account: Account = field(repr=False)
    target: str | None = None
    session: str | None = None
    origin: str | None = None
    asked: Asked | None = None
    sent: dict[str, int] = field(factory=dict[str, int])
    """The sessions it was sent to, with the number of the connection each then had."""
    keeping: bool = False
    """It is being written to the queue."""
    queued: bool = False
    """It is in the queue as well."""

    size: int = 0
    """Characters, about."""

    @property
    def key(self) -> WaitingKey:
        return self.direction, self.message.id


@define(eq=False)
class Account:
    """``sessions`` stand in the order in which they began."""

    id: str
    sessions: OrderedDict[str, Session] = field(factory=OrderedDict[str, Session])
    waiting: OrderedDict[WaitingKey, Waiting] = field(factory=OrderedDict[WaitingKey, Waiting])
    asked: dict[Asked, Waiting] = field(factory=dict[Asked, Waiting])
    size: int = 0
    """Of what waits."""
    _answers: OrderedDict[Asked, Ack] = field(factory=OrderedDict[Asked, Ack])

    def agents(self) -> list[Session]:
        return [each for each in self.sessions.values() if each.open and each.agent and each.ready is not None]

    def devices(self) -> list[Session]:
        return [each for each in self.sessions.values() if each.open and each.device]

    def here(self) -> Iterator[Session]:
        """Those that are connected to this process."""
        return (each for each in self.sessions.values() if each.open and each.process is None)

    def users(self) -> tuple[AgentUser, ...]:
        """All who can be written to."""
        return tuple(dict.fromkeys(user for session in self.agents() for user in session.users))

    def find(self, target: str, gone_since: float) -> Meant:
        """Who has the name now, or had it at ``gone_since`` or later, if nobody has it now."""
        found = find(self.agents(), target)
        if isinstance(found, Nobody):
            return find(self._gone(gone_since), target)
        return found

    def gone_device(self, device_id: str | None, gone_since: float) -> bool:
        """Whether a device, or the one with this id, was there at ``gone_since`` or later, and may come back."""
        return any(
            each.speaks and device_id in {None, each.identity} and each.closed_at >= gone_since
            for each in self.sessions.values()
            if not each.open
        )

    def _gone(self, gone_since: float) -> list[Session]:
        return [
            each for each in self.sessions.values() if each.agent and not each.open and each.closed_at >= gone_since
        ]

    def take_in(self, waiting: Waiting) -> None:
        self.waiting[waiting.key] = waiting
        self.size += waiting.size
        if waiting.asked is not None:
            self.asked[waiting.asked] = waiting

    def let_go(self, waiting: Waiting) -> None:
        if self.waiting.pop(waiting.key, None) is not None:
            self.size -= waiting.size
        if waiting.asked is not None:
            self.asked.pop(waiting.asked, None)

    def answered(self, asked: Asked) -> Ack | None:
        return self._answers.get(asked)

    def remember(self, asked: Asked, answer: Ack) -> None:
        self._answers[asked] = answer
        self._answers.move_to_end(asked)
        while len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)
