"""Exchanges for tests: made up, and written where they would be."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from voicemode.exchanges.appending import append
from voicemode.exchanges.day_files import EXCHANGES
from voicemode.exchanges.exchange import Exchange

NOON = datetime(2026, 3, 4, 12).astimezone()


def said(text: str, *, minutes: float = 0.0, **parts: Any) -> Exchange:
    """By the user at noon, or ``minutes`` later."""
    defaults: dict[str, Any] = {"type": "stt", "conversation_id": "conv_20260304_120000_abcdef"}
    return Exchange(timestamp=NOON + timedelta(minutes=minutes), text=text, **(defaults | parts))


def keep(base: Path, *exchanges: Exchange) -> Path:
    """The file of the last one."""
    for exchange in exchanges:
        path = EXCHANGES.path(base, exchange.timestamp.date())
        append(path, msgspec.json.encode(exchange) + b"\n")
    return path
