"""What is to go over the link: anybody puts, ``hold_link`` takes.

In: messages, and acknowledgements of them.  Out: messages in order, the acknowledgement to whoever waits for it, and
for what comes again the answer that it had.  It outlasts connections, and the actor that holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import trio
from attrs import define, field, fields

from .errors import LinkLost, SettingsError
from .link_messages import Ack, DeliveryConfirmation, LinkMessage, Listen
from .machines.outbox import CAPACITY, PATIENCE, Kept, Outbound, Outbox, is_kept
from .machines.seen import Answer, Seen

LONGEST = 100_000
"""Characters in a message: what may be at most 1 MB on the wire, where a character takes up to six bytes."""


@define
class _Awaited:
    message: Kept | Listen
    done: trio.Event = field(factory=trio.Event)
    ack: Ack | None = None


class Outgoing:
    """At most ``capacity`` messages wait for their acknowledgement; each is sent again every ``patience`` seconds."""

    def __init__(self, *, capacity: int = CAPACITY, patience: float = PATIENCE) -> None:
        self._outbox = Outbox(capacity, patience)
        self._seen = Seen()
        self._awaited: dict[str, _Awaited] = {}
        self._stir: Callable[[], None] | None = None

    def put(self, message: Outbound) -> bool:
        """Send ``message``: one that wants an acknowledgement until it has it, over as many connections as it takes,
        and any other if there is a link now; False if there is none.

        An answer to what came over the link may be put at any time: it is remembered, and given when that comes again.
        Raises LinkFull, SettingsError for a message that is too long or is no text, and ValueError for an id that
        another message has that still waits.  Never blocks.
        """
        _check(message)
        if isinstance(message, Ack | DeliveryConfirmation):
            self._seen.answered(message)
        taken = self._outbox.put(message)
        if self._stir is not None:
            self._stir()
        return taken

    async def deliver(self, message: Kept | Listen) -> Ack:
        """Put ``message`` and wait for what becomes of it; a cancel takes it back unless it is on its way.

        Raises as ``put`` does, and LinkLost for an order to listen when there is no link, or the link breaks.
        """
        if message.id in self._awaited:
            raise ValueError(f"somebody waits for {message.id!r} already")
        if not self.put(message):
            raise _no_link()
        awaited = self._awaited[message.id] = _Awaited(message)
        try:
            await awaited.done.wait()
        finally:
            del self._awaited[message.id]
            self._outbox.acknowledge(message.id)
        if awaited.ack is None:
            raise _no_link()
        return awaited.ack

    def take_back(self, message_id: str) -> None:
        """Nobody wants that message sent any more; one that is on its way, or was acknowledged, stays what it is."""
        self._outbox.acknowledge(message_id)

    @property
    def waiting(self) -> int:
        """How many messages have not been acknowledged."""
        return self._outbox.kept

    @contextmanager
    def held(self, stir: Callable[[], None]) -> Generator[None]:
        """Call ``stir`` whenever there may be something to take.  Raises RuntimeError where somebody takes already."""
        if self._stir is not None:
            raise RuntimeError("what is outgoing goes over one link")
        self._stir = stir
        try:
            yield
        finally:
            self._stir = None
            self.close()

    def open(self) -> None:
        """There is a link."""
        self._outbox.open()

    def close(self) -> None:
        """There is none any more."""
        self._outbox.close()
        for awaited in self._awaited.values():
            if not is_kept(awaited.message):
                awaited.done.set()

    def take(self, now: float) -> Outbound | None:
        """What is to be sent next; None for nothing."""
        return self._outbox.take(now)

    @property
    def due(self) -> float | None:
        """When to take again, if nobody stirs before; None for never."""
        return self._outbox.due

    def acknowledged(self, ack: Ack) -> None:
        self._outbox.acknowledge(ack.id)
        awaited = self._awaited.get(ack.id)
        if awaited is not None and awaited.ack is None:
            awaited.ack = ack
            awaited.done.set()

    def arrived(self, message: LinkMessage, now: float) -> bool:
        """Whether ``message`` is to be handed on.  If it came before it is answered as it was then."""
        if isinstance(message, Ack):
            self.acknowledged(message)
        if self._seen.new(message, now):
            return True
        answer: Answer | None = self._seen.answer(message)
        if answer is not None:
            self.put(answer)
        return False

    def missed(self, message: LinkMessage) -> None:
        """It was not handed on after all, and is new when it comes again."""
        self._seen.forget(message)


def _no_link() -> LinkLost:
    return LinkLost("There is no link to the gateway at the moment, and this cannot wait. Try again when there is.")


def _check(message: Outbound) -> None:
    texts = [value for each in fields(type(message)) if isinstance(value := getattr(message, each.name), str)]
    length = sum(map(len, texts))
    if length > LONGEST:
        raise SettingsError(f"A message over the link has at most {LONGEST:,} characters, not {length:,}. Shorten it.")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise SettingsError(
            "A message over the link is text, and half a character is none. Check its source."
        ) from error
