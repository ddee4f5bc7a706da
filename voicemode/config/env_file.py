r"""Files of settings as text: the lines that give a name a value in, and the same text with one of them changed out.

Nothing is executed or expanded.  A line is blank, a comment, or ``NAME=VALUE`` with an optional ``export`` before it.
A bare value ends at the end of its line or before a `` #``; between single quotes all is literal, and between double
quotes a backslash frees ``"``, ``\``, ``$`` and `````; quoted values may go over several lines, but not over one that
gives a setting a value: then the quote was forgotten.
"""

from __future__ import annotations

import re

from attrs import frozen

_HEAD = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
_QUOTED = re.compile(r"""[ \t]*(?:'([^']*)'|"([^"\\]*(?:\\.[^"\\]*)*)")""", re.DOTALL)
_AFTER_QUOTE = re.compile(r"[ \t\r]*(?:\n|\Z)|[ \t]+#[^\n]*(?:\n|\Z)")
_COMMENT = re.compile(r"[ \t]#")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BARE = re.compile(r"[A-Za-z0-9_./:,@%+=~-]+")
_SWALLOWED = re.compile(r"\n[ \t]*(?:export[ \t]+)?VOICEMODE_[A-Z0-9_]+[ \t]*=")


@frozen
class Assignment:
    """``begin`` to ``end`` is all of it in the text, up to the next line; the value stands from ``after`` to ``until``.

    ``fault`` says what is wrong; ``name`` is empty when not even that could be read.
    """

    name: str
    value: str
    line: int
    begin: int
    after: int
    until: int
    end: int
    fault: str | None = None


def scan(text: str) -> list[Assignment]:
    """All assignments, those with faults too; after a fault it goes on with the next line."""
    found: list[Assignment] = []
    begin, line = 0, 1
    while begin < len(text):
        newline = text.find("\n", begin)
        line_end = len(text) if newline < 0 else newline
        content = text[begin:line_end].strip()
        end = line_end + 1
        if content and not content.startswith("#"):
            found.append(_assignment(text, begin, line_end, line))
            end = found[-1].end
        line += text.count("\n", begin, end)
        begin = end
    return found


def _assignment(text: str, begin: int, line_end: int, line: int) -> Assignment:
    def made(value: str, until: int, end: int, fault: str | None = None) -> Assignment:
        value = value.replace("\r\n", "\n")
        if fault is None and _CONTROL.search(value):
            fault = "has a character that cannot be printed"
        return Assignment(name, value, line, begin, after, until, end, fault)

    head = _HEAD.match(text, begin, line_end)
    name, after = (head[1], head.end()) if head else ("", begin)
    if head is None:
        return made("", line_end, line_end + 1, "is not NAME=VALUE, a comment or empty")
    rest = text[after:line_end]
    if rest.lstrip().startswith(("'", '"')):
        quoted = _QUOTED.match(text, after)
        if quoted is None or _SWALLOWED.search(quoted[0]):
            return made("", line_end, line_end + 1, "has a quote that is not closed")
        tail = _AFTER_QUOTE.match(text, quoted.end())
        if tail is None and "\n" in quoted[0]:
            return made("", line_end, line_end + 1, "has a quote that is not closed on its line, or text after it")
        if tail is None:
            return made("", line_end, line_end + 1, "goes on after the closing quote")
        value = quoted[1] if quoted[1] is not None else re.sub(r'\\(["\\$`])', r"\1", quoted[2])
        return made(value, quoted.end(), tail.end())
    comment = _COMMENT.search(rest)
    value = (rest[: comment.start()] if comment else rest).strip()
    return made(value, after + len(rest[: comment.start()] if comment else rest.rstrip()), line_end + 1)


def quoted(value: str) -> str:
    """``value`` as ``scan`` reads it.  Raises ValueError for one that no file can hold, as with control characters."""
    if _CONTROL.search(value):
        raise ValueError("a character that cannot be printed")
    if _SWALLOWED.search(value):
        raise ValueError("one of its lines gives another setting a value")
    if _BARE.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'


def put(text: str, name: str, value: str) -> str:
    """``text`` with ``name`` given ``value``: where it is given already, else below a comment with it, else at the end.

    Comments and order stay.  Raises ValueError when ``value`` cannot be written, or when a fault before or behind
    swallows it.
    """
    others = _others(text, name)
    given = [each for each in scan(text) if each.name == name]
    if given:
        for each in reversed(given[1:]):
            text = text[: each.begin] + text[each.end :]
        text = text[: given[0].after] + quoted(value) + text[given[0].until :]
    else:
        place = _place(text, name)
        before = text[:place] + ("" if text[:place].endswith("\n") or not place else "\n")
        text = f"{before}{name}={quoted(value)}\n{text[place:]}"
    written = [each.value for each in scan(text) if each.name == name and each.fault is None]
    if written != [value] or _others(text, name) != others:
        raise ValueError("a quote that is not closed swallows it")
    return text


def remove(text: str, name: str) -> str:
    """``text`` without the lines that give ``name`` a value."""
    for each in reversed(scan(text)):
        if each.name == name:
            text = text[: each.begin] + text[each.end :]
    return text


def _others(text: str, name: str) -> list[tuple[str, str]]:
    return [(each.name, each.value) for each in scan(text) if each.name != name and each.fault is None]


def _place(text: str, name: str) -> int:
    inside = [(each.begin, each.end) for each in scan(text)]
    for comment in reversed([*re.finditer(rf"^#[ \t]*{name}=[^\n]*(?:\n|\Z)", text, re.MULTILINE)]):
        if not any(begin <= comment.start() < end for begin, end in inside):
            return comment.end()
    return len(text)
