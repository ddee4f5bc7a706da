"""How much was said, by whom, and how long one waited for it.  In: exchanges.  Out: numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil

from attrs import frozen

from .exchange import Exchange, Side

WAITS: dict[Side, str] = {"stt": "transcription_time", "tts": "time_to_first_audio"}
"""What one waits for an engine is called in the metadata."""


@frozen(kw_only=True)
class EngineFigures:
    """``provider`` is empty where nobody knows it, as for what was typed.  ``fallbacks`` are the times it stood in for
    others; ``seconds`` is how long all of it sounded; ``p50`` and ``p95`` are what one waited for it, in seconds."""

    side: Side
    provider: str
    exchanges: int
    fallbacks: int
    seconds: float
    p50: float | None
    p95: float | None


@frozen(kw_only=True)
class Figures:
    """``user_seconds`` is how long the recordings of the user are, with the silence in them, ``assistant_seconds`` what
    was heard of the assistant.  ``interrupted`` counts what that could not say to its end; ``p50`` and ``p95`` are
    seconds from the end of what the user said to its transcript."""

    exchanges: int
    conversations: int
    days: int
    first: datetime | None
    last: datetime | None
    user_seconds: float
    assistant_seconds: float
    interrupted: int
    p50: float | None
    p95: float | None
    providers: tuple[EngineFigures, ...]


def figures(exchanges: Iterable[Exchange]) -> Figures:
    known = list(exchanges)
    moments = [exchange.at for exchange in known]
    engines: dict[tuple[Side, str], list[Exchange]] = {}
    for exchange in known:
        engines.setdefault((exchange.type, exchange.provider or ""), []).append(exchange)
    waits = _times(known, "speech_end_to_transcript")
    return Figures(
        exchanges=len(known),
        conversations=len({exchange.conversation_id for exchange in known}),
        days=len({moment.date() for moment in moments}),
        first=min(moments, default=None),
        last=max(moments, default=None),
        user_seconds=_sounded(exchange for exchange in known if exchange.type == "stt"),
        assistant_seconds=_sounded(exchange for exchange in known if exchange.type == "tts"),
        interrupted=sum(exchange.type == "tts" and exchange.known("complete") is False for exchange in known),
        p50=percentile(waits, 50),
        p95=percentile(waits, 95),
        providers=tuple(_engine(side, name, engines[side, name]) for side, name in sorted(engines)),
    )


def percentile(seconds: list[float], percent: float) -> float | None:
    """The smallest that ``percent`` of them do not exceed; None if there are none."""
    return sorted(seconds)[max(0, ceil(len(seconds) * percent / 100) - 1)] if seconds else None


def _engine(side: Side, name: str, exchanges: list[Exchange]) -> EngineFigures:
    waits = _times(exchanges, WAITS[side])
    return EngineFigures(
        side=side,
        provider=name,
        exchanges=len(exchanges),
        fallbacks=sum(exchange.known("is_fallback") is True for exchange in exchanges),
        seconds=_sounded(exchanges),
        p50=percentile(waits, 50),
        p95=percentile(waits, 95),
    )


def _sounded(exchanges: Iterable[Exchange]) -> float:
    return round(sum(exchange.duration_ms or 0 for exchange in exchanges) / 1000, 3)


def _times(exchanges: Iterable[Exchange], name: str) -> list[float]:
    return [seconds for exchange in exchanges if (seconds := exchange.seconds(name)) is not None]
