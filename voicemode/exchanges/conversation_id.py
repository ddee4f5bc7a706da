"""Which conversation this is.  In: what was kept of late.  Out: its name, that of the last one where it goes on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from .exchange import Exchange

GAP = timedelta(minutes=5)
"""Since the last word in the same project; after a longer silence it is another conversation."""


def conversation_id(now: datetime, project: str | None, before: Sequence[Exchange]) -> str:
    """``before`` are the latest exchanges, oldest first; ``now`` has a zone."""
    for exchange in reversed(before):
        if exchange.conversation_id and exchange.project_path == project and now - exchange.at < GAP:
            return exchange.conversation_id
    return f"conv_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
