"""One thing that one side said, as it stands on a line: VoiceMode 8's schema, version 3."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

VERSION = 3

Side: TypeAlias = Literal["stt", "tts"]
"""``stt`` is what the user said, ``tts`` what the assistant did."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """``timestamp`` is when it began to be said, ``duration_ms`` how long it sounded; the assistant's ``text`` is what
    was heard of it.  ``metadata`` has what else is known; its times are seconds.  Lines of earlier versions have fewer
    fields."""

    version: int = VERSION
    timestamp: datetime
    conversation_id: str = ""
    type: Side
    text: str
    project_path: str | None = None
    audio_file: str | None = None
    duration_ms: float | None = None
    metadata: dict[str, Any] | None = None

    @property
    def at(self) -> datetime:
        """``timestamp`` in the zone of this machine, which is meant where a line names none."""
        return self.timestamp.astimezone()

    @property
    def provider(self) -> str | None:
        """The engine that spoke or transcribed it."""
        name = self.known("provider")
        return name if isinstance(name, str) else None

    @property
    def unheard(self) -> str:
        """What the assistant would have gone on to say."""
        meant = self.known("intended")
        return meant.strip().removeprefix(self.text).strip() if isinstance(meant, str) else ""

    def known(self, name: str) -> object:
        return (self.metadata or {}).get(name)

    def seconds(self, name: str) -> float | None:
        """The metadata ``name`` if it is a time."""
        value = self.known(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def parsed(line: bytes) -> Exchange | None:
    """None when ``line`` is no exchange, as where a crash cut it short."""
    try:
        exchange = msgspec.json.decode(line, type=Exchange)
        exchange.at  # noqa: B018 - a time at the very edge of the calendar has no other zone
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, ValueError, OSError):
        return None
    return exchange


def writable(text: str) -> str:
    """``text`` without what cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()
