"""A turn on its way out: its spans and what was measured since the one before, and when on the wall all that was."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Protocol

from attrs import field, frozen

from .values import Measured, Span

BILLION = 1_000_000_000


class Begun(Protocol):
    """A span that is shown while it lasts, as the current one, to whoever began it and whatever that starts."""

    def leave(self) -> None:
        """It is not the current one any more."""
        ...


@frozen(kw_only=True)
class Batch:
    """``offset`` is what the Trio clock lacks of the nanoseconds since 1970; the first span is the turn's own.

    There are no spans in what is left over when a conversation is closed.  ``begun`` has those that were shown while
    they lasted, an agent's by the number of its call, the turn's by None.
    """

    offset: int
    spans: tuple[Span, ...] = ()
    measured: tuple[Measured, ...] = ()
    begun: Mapping[int | None, Begun] = field(factory=dict[int | None, Begun])

    def wall(self, at: float) -> int:
        """Nanoseconds since 1970."""
        return self.offset + round(at * BILLION)


@frozen
class Ids:
    """As OpenTelemetry writes them: ``spans`` in the order of the batch, ``parent`` is whose child the first is."""

    trace: str
    spans: tuple[str, ...]
    parent: str | None = None

    @classmethod
    def at_random(cls, batch: Batch) -> Ids:
        return cls(token_hex(16), tuple(token_hex(8) for _ in batch.spans))
