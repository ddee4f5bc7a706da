"""Why an engine failed, in a few words.  In: the sentences of an error.  Out: what fits into a line about several."""

from __future__ import annotations

import re

LONGEST = 100
"""Characters."""

LEFT_ALONE = "is left alone for now: "
"""What stands before the reason of an engine that was not asked because it has failed before."""


def in_short(provider: str, reason: str) -> str:
    """The first sentence of ``reason`` without the engine's name at its beginning and without its full stop."""
    first = re.split(r"(?<=[.!?]) ", " ".join(reason.split()), maxsplit=1)[0]
    said = first.removeprefix(provider).strip(" .") or first
    return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"


def cause(provider: str, reason: str) -> str:
    """The same whether it has just failed or is left alone because it has."""
    return in_short(provider, reason.removeprefix(f"{provider} {LEFT_ALONE}"))
