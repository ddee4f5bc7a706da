"""What waits to go over the link: messages, acknowledgements, connections and losses in; what to send next, out.

Theory of operation.  A message that wants an acknowledgement is kept until it has one.  It is sent once on each
connection, in the order in which it was put, and again when nothing came of it for ``patience`` seconds; the receiver
knows it by its id.  What is only of the moment is sent once, in its place among the others, or not at all: a stop or an
order to listen that came minutes late would do harm, and a confirmation is asked for again by whoever misses it.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TypeAlias, TypeGuard

from attrs import define, field

from ..errors import LinkFull
from ..link_messages import Ack, DeliveryConfirmation, Listen, Speak, Stop, Transcription, UserMessage

Kept: TypeAlias = UserMessage | Speak | Transcription

Outbound: TypeAlias = Kept | Listen | Stop | Ack | DeliveryConfirmation

CAPACITY = 256

PATIENCE = 20.0
"""Seconds: an inbox is written in milliseconds, and who reads the message aloud acknowledges its receipt."""


@define
class _Waiting:
    place: int
    message: Kept
    sent_at: float | None = None


@define
class Outbox:
    """Holds at most ``capacity`` messages until they are acknowledged, and as many of the moment."""

    capacity: int = CAPACITY
    patience: float = PATIENCE
    _open: bool = field(default=False, init=False)
    _places: int = field(default=0, init=False)
    _kept: dict[str, _Waiting] = field(factory=dict[str, _Waiting], init=False)
    _moments: deque[tuple[int, Outbound]] = field(factory=deque[tuple[int, Outbound]], init=False)

    @property
    def kept(self) -> int:
        """How many wait for their acknowledgement, sent or not."""
        return len(self._kept)

    @property
    def moments(self) -> int:
        return len(self._moments)

    def put(self, message: Outbound) -> bool:
        """Take ``message``; False for one of the moment while there is no link, or nothing gets through it.

        Raises LinkFull, and ValueError for an id that waits already or is none.
        """
        if is_kept(message):
            self._keep(message)
            return True
        if not self._open or len(self._moments) >= self.capacity:
            return False
        self._moments.append((self._place(), message))
        return True

    def acknowledge(self, id: str) -> bool:  # noqa: A002
        """Whether it was waited for."""
        return self._kept.pop(id, None) is not None

    def open(self) -> None:
        """There is a link; all that is kept is to be sent over it."""
        self.close()
        self._open = True

    def close(self) -> None:
        """The link is gone."""
        self._open = False
        self._moments.clear()
        for each in self._kept.values():
            each.sent_at = None

    def take(self, now: float) -> Outbound | None:
        """What is to be sent now, which is taken for sent; None when there is nothing, or no link."""
        if not self._open:
            return None
        first = next((each for each in self._kept.values() if self._due(each) <= now), None)
        if self._moments and (first is None or self._moments[0][0] < first.place):
            return self._moments.popleft()[1]
        if first is None:
            return None
        first.sent_at = now
        return first.message

    @property
    def due(self) -> float | None:
        """When to ``take`` next, if nothing is put before; None for never."""
        if not self._open:
            return None
        if self._moments:
            return -inf
        return min((self._due(each) for each in self._kept.values()), default=None)

    def _keep(self, message: Kept) -> None:
        if not message.id or message.id in self._kept:
            raise ValueError(f"a message wants an id of its own, not {message.id!r}")
        if len(self._kept) >= self.capacity:
            raise LinkFull(
                f"{self.capacity} messages already wait to be acknowledged by the gateway, so this one was not taken. "
                "See with voicemode connect status whether there is a link, and try again later."
            )
        self._kept[message.id] = _Waiting(self._place(), message)

    def _place(self) -> int:
        self._places += 1
        return self._places

    def _due(self, waiting: _Waiting) -> float:
        return -inf if waiting.sent_at is None else waiting.sent_at + self.patience


def is_kept(message: Outbound) -> TypeGuard[Kept]:
    """Whether it is sent until it is acknowledged.  What somebody has not finished saying is of the moment."""
    if isinstance(message, Transcription):
        return message.is_final
    return isinstance(message, UserMessage | Speak)
