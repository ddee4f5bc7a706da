"""What an endpoint's refusal means.  In: a status, headers and a body.  Out: the error, with the endpoint's own words.

Statuses as in RFC 9110; ``Retry-After`` is seconds or a date.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec
from attrs import frozen

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable

QUOTED = 200
"""Characters of the endpoint's own words that go into an error."""

TELLING = 4
"""Characters of a secret that are not shown in a row: endpoints like to quote the ends of a wrong key."""

KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|gsk|hf|xai|ghp|key)[-_][\w*•.…-]{6,}|\bAIza\w{6,}|[*•]{3,}"
    r"|(?=[A-Za-z_]*\d)(?=[\d_]*[A-Za-z])[A-Za-z0-9_]{20,}"
)
"""A word that may be somebody's key, whole or with its middle blotted out."""


@frozen
class Fault:
    """``said`` goes on after the name of the engine; ``absent`` is about the engine, the rest about the request."""

    said: str
    code: str
    absent: bool = False


UNKNOWN = Fault("refused", "refused")
MOVED = Fault("has moved", "moved")
BROKEN = Fault("failed", "failed", absent=True)

FAULTS: Mapping[int, Fault] = {
    400: UNKNOWN,
    401: Fault("does not accept the key", "unauthorized"),
    403: Fault("does not allow it", "unauthorized"),
    404: Fault("does not have what it was asked for", "not_found"),
    408: Fault("waited for the request too long", "timeout", absent=True),
    413: Fault("takes no request of this length", "too_long"),
    415: Fault("does not take this format", "format"),
    422: UNKNOWN,
    429: Fault("has too much to do", "busy", absent=True),
    500: BROKEN,
    503: Fault("is not ready", "busy", absent=True),
}


def fault_of(status: int) -> Fault:
    if status in FAULTS:
        return FAULTS[status]
    return BROKEN if status >= 500 else MOVED if 300 <= status < 400 else UNKNOWN


def failure(
    name: str, status: int, words: str, advice: str, retry_after: float | None, *, keyless: bool = False
) -> ProviderError:
    """The error for an answer with ``status``; ``words`` are the endpoint's own, ``advice`` a sentence or nothing.

    ``keyless``: no key was sent.
    """
    fault = fault_of(status)
    stop = "" if words.endswith((".", "!", "?")) else "."
    said = f"asks for a key ({status}), and none was sent" if keyless and status == 401 else f"{fault.said} ({status})"
    message = f"{name} {said}{f': {words}' if words else ''}{stop} {advice}".rstrip()
    if fault.absent:
        return ProviderUnavailable(name, message, code=fault.code, retryable=True, retry_after=retry_after)
    return ProviderRefused(name, message, code=fault.code)


def words_of(body: bytes, kind: str) -> str:
    """What a refusal's body says: plain text, or JSON in one of the usual shapes; nothing if it is a page."""
    try:
        return _message(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.decode(errors="replace")
        return "" if "html" in kind.lower() or text.lstrip().startswith("<") else text


def _message(said: Any) -> str:
    """The text in ``{"error": {"message": …}}``, ``{"error": …}``, ``{"detail": …}``, ``{"detail": [{"msg": …}]}``."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "; ".join(filter(None, map(_message, cast("list[object]", said))))
    if isinstance(said, dict):
        for name in ("message", "msg", "error", "detail"):
            if text := _message(said.get(name)):
                return text
    return ""


def quoted(words: str, secrets: Iterable[str | None]) -> str:
    """At most 200 characters of ``words``, without what shows a part of a secret or looks like one."""
    parts = {
        secret[at : at + TELLING] for secret in secrets if secret for at in range(max(1, len(secret) - TELLING + 1))
    }
    shown = (
        "…" if KEY_LIKE.search(word) or any(part in word for part in parts) else word
        for word in re.split(r"\s+", words.strip())
        if word.isprintable()
    )
    return " ".join(shown)[:QUOTED]


def retry_after_of(field: str, now: datetime | None = None) -> float | None:
    """Seconds from the value of a Retry-After field; None if it has none that makes sense."""
    try:
        seconds = float(field)
    except ValueError:
        try:
            until = parsedate_to_datetime(field)
        except ValueError:
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
