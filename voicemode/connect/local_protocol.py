"""What agents on this machine ask of the process that holds the link, as lines of JSON; one answer for each.

A text for the user's devices may be as long as one they would listen to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

LONGEST_LINE = 65_536
"""Bytes of a request or an answer."""

LONGEST_TEXT = 10_000
"""Characters; a quarter of an hour of speech."""

QUOTED = 120
"""Characters of what is wrong with a request that go into the answer."""

Name = Annotated[str, msgspec.Meta(max_length=256)]


class Say(msgspec.Struct, frozen=True, kw_only=True, tag="say", tag_field="request", forbid_unknown_fields=True):
    """``patience`` in seconds, see ``Speaking.say``."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    voice: Name | None = None
    speed: Annotated[float, msgspec.Meta(gt=0, le=4)] | None = None
    device_id: Name | None = None
    listen: bool = False
    patience: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0


class Status(msgspec.Struct, frozen=True, kw_only=True, tag="status", tag_field="request", forbid_unknown_fields=True):
    """How the link is."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``error`` is there if and only if ``ok`` is false; ``fate`` and ``heard`` after Say, the rest after Status."""

    ok: bool
    error: str | None = None
    fate: str | None = None
    heard: str | None = None
    gateway: str | None = None
    state: str | None = None
    since: float | None = None
    trouble: str | None = None
    users: list[str] = []


def socket_in(base: Path) -> Path:
    """Where the process that holds the link listens, in VOICEMODE_BASE_DIR."""
    return base / "connect" / "link.sock"


def request_in(line: bytes) -> Say | Status:
    """Raises ValueError with a sentence for whoever sent it."""
    try:
        return _REQUESTS.decode(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is no request: {' '.join(str(error).split())[:QUOTED]}.") from error


def answer_in(line: bytes) -> Answer:
    """Raises ValueError."""
    return _ANSWERS.decode(line)


def line_of(message: Say | Status | Answer) -> bytes:
    return msgspec.json.encode(message) + b"\n"


_REQUESTS: msgspec.json.Decoder[Say | Status] = msgspec.json.Decoder(Say | Status)
_ANSWERS = msgspec.json.Decoder(Answer)
