"""Server-sent events as they come (WHATWG HTML, 9.2).  In: bytes, cut anywhere.  Out: what their data lines hold.

The services asked here put one JSON value, or ``[DONE]``, into one line; so each line is given as soon as it is whole.
"""

from __future__ import annotations

import re

LINE_END = re.compile(rb"\r\n|\n|\r")

BOM = b"\xef\xbb\xbf"

LONGEST_LINE = 1 << 20
"""Bytes; what is longer than that without an end is no event."""


class EndlessLine(Exception):
    """There is no end to a line."""


class EventStream:
    """Other fields than ``data`` are left away, and so are comments and empty values."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The values that are whole now.  Raises EndlessLine."""
        *lines, self._rest = LINE_END.split(self._rest + data)
        if len(self._rest) > LONGEST_LINE:
            raise EndlessLine
        return _values(lines)

    def end(self) -> list[bytes]:
        """What was left, now that nothing more comes."""
        rest, self._rest = self._rest, b""
        return _values([rest])


def _values(lines: list[bytes]) -> list[bytes]:
    fields = (line.removeprefix(BOM).partition(b":") for line in lines)
    return [value for name, _, data in fields if name.strip() == b"data" and (value := data.strip())]
