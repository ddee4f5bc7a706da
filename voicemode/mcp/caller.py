"""Who calls a tool.  In: what the SDK knows of a request.  Out: the client's name, and how to tell it more."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from .progress import Report


@frozen
class Caller:
    """``client`` is what the client calls itself, if it does."""

    report: Report
    client: str | None = None


def caller_of(context: Any) -> Caller:
    """The name is that of the handshake, or since 2026-07-28 that of the request itself."""
    who = context.session.client_params
    name = None if who is None else who.client_info.name.strip()
    return Caller(context.session.report_progress, name or None)
