"""What an endpoint is asked for where there is a choice.  In: refusals.  Out: the best that was not refused."""

from __future__ import annotations

import re

REFUSING = {400, 415, 422}
"""Statuses with which endpoints say that they do not know what was asked for."""


class Wish:
    """``values`` are tried in their order, and what an endpoint does not have it is not asked for again.

    A refusal is about a value if it holds it in quotes, if it matches ``naming``, or by its ``status`` alone.
    """

    def __init__(self, naming: str, *values: str, status: int | None = None) -> None:
        self._naming = re.compile(naming.encode(), re.IGNORECASE)
        self._values = list(values)
        self._status = status

    @property
    def now(self) -> str:
        return self._values[0]

    def refused(self, value: str, status: int, body: bytes) -> bool:
        """Whether the refusal of ``value`` is about this wish, and there is something else to ask for now."""
        named = status in REFUSING and (self._naming.search(body) or f'"{value}"'.encode() in body)
        if not (named or status == self._status) or value == self._values[-1]:
            return False
        if value == self.now:
            del self._values[0]
        return True
