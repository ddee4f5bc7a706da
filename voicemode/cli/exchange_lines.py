"""Exchanges for people.  In: exchanges in their order.  Out: lines, under a heading for each conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..exchanges.exchange import Exchange
from ..exchanges.exports import WHO
from ..exchanges.statistics import WAITS, Figures
from .output import printable
from .tally import counted

if TYPE_CHECKING:
    from rich.table import Table

DOING = {"stt": "listens", "tts": "speaks"}


class ExchangeLines:
    """Remembers the last heading, so that more can follow."""

    def __init__(self, *, details: bool = False) -> None:
        self._details = details
        self._last: tuple[str, str] | None = None

    def of(self, exchanges: Iterable[Exchange]) -> Iterator[str]:
        for exchange in exchanges:
            heading = f"{exchange.at:%Y-%m-%d}", exchange.conversation_id
            if heading != self._last:
                self._last = heading
                yield "  ".join(printable(part) for part in (*heading, exchange.project_path) if part)
            unheard = f" [not heard: {exchange.unheard}]" if exchange.unheard else ""
            yield f"  {exchange.at:%H:%M:%S}  {WHO[exchange.type]:9}  {printable(exchange.text + unheard)}"
            if self._details and (details := _details(exchange)):
                yield f"                       {printable(details)}"


def _details(exchange: Exchange) -> str:
    parts: list[str | None] = [exchange.provider]
    if exchange.known("is_fallback"):
        parts.append(f"stood in ({exchange.known('fallback_reason')})")
    wait = exchange.seconds(WAITS[exchange.type])
    parts.append(None if wait is None else f"after {wait * 1000:.0f} ms")
    parts.append(None if exchange.duration_ms is None else f"{exchange.duration_ms / 1000:.1f} s")
    parts.append(exchange.audio_file)
    return ", ".join(part for part in parts if part)


def in_words(found: Figures) -> list[str]:
    """All but the engines."""
    conversations, days = counted(found.conversations, "conversation"), counted(found.days, "day")
    lines = [
        f"{counted(found.exchanges, 'exchange')} in {conversations} on {days}",
        f"recorded of the user: {_duration(found.user_seconds)}, pauses included",
        f"heard of the assistant: {_duration(found.assistant_seconds)}",
        f"interrupted: {found.interrupted}",
    ]
    if found.first is not None and found.last is not None:
        lines.insert(1, f"from {found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M}")
    if found.p50 is not None:
        lines.append(f"end of speech → transcript: p50 {milliseconds(found.p50)}, p95 {milliseconds(found.p95)}")
    return lines


def table(found: Figures) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table("", "engine", "exchanges", "stood in", "sound", "p50", "p95", box=SIMPLE_HEAD, pad_edge=False)
    for column in range(2, 7):
        shown.columns[column].justify = "right"
    for engine in found.providers:
        shown.add_row(
            DOING[engine.side],
            printable(engine.provider or "not known"),
            str(engine.exchanges),
            str(engine.fallbacks),
            _duration(engine.seconds),
            milliseconds(engine.p50),
            milliseconds(engine.p95),
        )
    return shown


def milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
