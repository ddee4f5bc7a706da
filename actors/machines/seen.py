"""Which of what comes over the link came before: messages and the answers to them in; whether it is new, and what was
answered, out.

A sender repeats a message with the same id until it has its answer, so an answer that got lost brings the message
again: it is answered again, and nobody else learns of it.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import define, field

from ..link_messages import (
    Ack,
    DeliveryConfirmation,
    LinkMessage,
    Listen,
    Speak,
    Transcription,
    UserMessage,
    UserMessageDelivery,
)

Answer: TypeAlias = Ack | DeliveryConfirmation

CAPACITY = 4096

UNANSWERED = 60.0
"""Seconds after which what came again is handed on again, because whoever had it has said nothing of it."""

ACKNOWLEDGED = (Speak, Listen, Transcription, UserMessage)
"""What is answered by an Ack."""

CONFIRMED = (UserMessageDelivery, Transcription)
"""What an agent's side answers by a DeliveryConfirmation."""

_Key: TypeAlias = tuple[type[LinkMessage], str]


@define
class _Sighting:
    handed_on: float
    answer: Answer | None = None


@define
class Seen:
    """Remembers the last ``capacity`` that had an id.  Older ones are new again, so whoever keeps messages for good
    looks at the ids itself as well."""

    capacity: int = CAPACITY
    patience: float = UNANSWERED
    _sightings: dict[_Key, _Sighting] = field(factory=dict[_Key, _Sighting], init=False)

    def __len__(self) -> int:
        return len(self._sightings)

    def new(self, message: LinkMessage, now: float) -> bool:
        """Whether ``message`` is to be handed on; then it is taken for handed on."""
        key = _key(message)
        if key is None:
            return True
        before = self._sightings.get(key)
        if before is not None and (before.answer is not None or now - before.handed_on < self.patience):
            return False
        self._sightings.pop(key, None)
        self._sightings[key] = _Sighting(now)
        if len(self._sightings) > self.capacity:
            del self._sightings[next(iter(self._sightings))]
        return True

    def forget(self, message: LinkMessage) -> None:
        """It is new when it comes again."""
        key = _key(message)
        if key is not None:
            self._sightings.pop(key, None)

    def answer(self, message: LinkMessage) -> Answer | None:
        """What ``message`` was answered before."""
        key = _key(message)
        sighting = None if key is None else self._sightings.get(key)
        return None if sighting is None else sighting.answer

    def answered(self, answer: Answer) -> None:
        """Somebody answers.  What they could not do is new when it comes again."""
        if isinstance(answer, DeliveryConfirmation):
            keys: list[_Key] = [(kind, answer.message_id) for kind in CONFIRMED]
            done = answer.delivered
        else:
            keys = [(kind, answer.id) for kind in ACKNOWLEDGED]
            done = answer.status not in {"failed", "offline"}
        for key in keys:
            if key in self._sightings and done:
                self._sightings[key].answer = answer
            elif key in self._sightings:
                del self._sightings[key]


def _key(message: LinkMessage) -> _Key | None:
    """None for what is never repeated."""
    if isinstance(message, Transcription) and not message.is_final:
        return None
    if isinstance(message, (UserMessageDelivery, *ACKNOWLEDGED)) and message.id:
        return type(message), message.id
    return None
