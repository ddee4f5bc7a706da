"""Which exchanges are meant.  In: exchanges, and what is asked for.  Out: those that have all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from .exchange import Exchange, Side


@frozen(kw_only=True)
class Wanted:
    """None asks for nothing.  ``text`` may stand anywhere in what was said or would have been, in any case;
    ``conversation`` is how its name begins; ``provider`` and ``project`` are a part of theirs."""

    text: str | None = None
    side: Side | None = None
    provider: str | None = None
    conversation: str | None = None
    project: str | None = None

    def of(self, exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
        return (exchange for exchange in exchanges if self.has(exchange))

    def has(self, exchange: Exchange) -> bool:
        return (
            (self.side is None or exchange.type == self.side)
            and _within(self.text, f"{exchange.text} {exchange.unheard}")
            and _within(self.provider, exchange.provider or "")
            and _within(self.project, exchange.project_path or "")
            and exchange.conversation_id.startswith(self.conversation or "")
        )


def _within(part: str | None, text: str) -> bool:
    return part is None or part.casefold() in text.casefold()
