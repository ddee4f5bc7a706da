"""Where in a file something stands: the text of a TOML file and a path into its data in, a line number out.

It reads the text only as far as it must: headers, keys, and where a value ends.  The text has been parsed before, so
it is known to be right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Keys and positions in arrays, from the top: ``("step", 2, "expect", "outcome")``."""

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')
_KEY = r'(?:[\w-]+|"(?:\\.|[^"\\])*"|\'[^\']*\')'
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_STATEMENT = re.compile(rf"\s*(?:(\[\[?)\s*({_DOTTED})\s*\]|({_DOTTED})\s*=)")
_PART = re.compile(_KEY)


def line_of(text: str, place: Place) -> int:
    """The line, from 1, where ``place`` is given a value in ``text``, or that of the nearest table round it."""
    lines = dict(_statements(text))
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _statements(text: str) -> Iterator[tuple[Place, int]]:
    """Each header and key with its line.  The first line of a place that is built up in several wins."""
    counts: Counter[Place] = Counter()
    seen: set[Place] = set()
    table: Place = ()
    depth = 0
    for number, line in enumerate(_TOKEN.sub(_shortened, text).split("\n"), start=1):
        found = _STATEMENT.match(line) if depth == 0 else None
        if found is None or found[1] is None:
            depth += sum({"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0) for character in _STRING.sub("", line))
        if found is None:
            continue
        parts = [part.strip("\"'") for part in _PART.findall(found[2] or found[3])]
        if found[1] is None:
            place = (*table, *parts)
        else:
            place = table = _table(parts, counts, new=found[1] == "[[")
        for length in range(len(table) if found[1] is None else 0, len(place)):
            if (prefix := place[: length + 1]) not in seen:
                seen.add(prefix)
                yield prefix, number


def _table(parts: list[str], counts: Counter[Place], *, new: bool) -> Place:
    """The place of a header: in arrays of tables it is in the newest element, or is one itself."""
    place: Place = ()
    for index, part in enumerate(parts):
        place = (*place, part)
        if new and index == len(parts) - 1:
            counts[place] += 1
        if counts[place]:
            place = (*place, counts[place] - 1)
    return place


def _shortened(found: re.Match[str]) -> str:
    """A string over several lines keeps only its line ends, a comment goes, anything else stays."""
    token = found[0]
    if token.startswith(('"""', "'''")):
        return "0" + "\n" * token.count("\n")
    return "" if token.startswith("#") else token
