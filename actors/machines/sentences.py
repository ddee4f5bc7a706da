"""A stream of text goes in, cut anywhere; the same text comes out in pieces worth saying, a sentence at a time.

The pieces joined are the text, character for character, and they are the same however the text was cut on its way in.
"""

from __future__ import annotations

import re
import unicodedata

from attrs import frozen

_SPEAKABLE = re.compile(r"[^\W_]")
_SIGN = re.compile(r"\S")
_BREAK = re.compile(
    r"""(?P<stop>[.!?…。！？]+)(?P<close>["'”’»)\]}」』）】*_`]*)\s*"""
    r"|(?P<clause>[,;:—–)]\s+|[，、；：]\s*)"
    r"|\s+"
)
"""All places where a text may be cut: after a sentence, after a clause, between words."""

_NEWLINE = re.compile(r"[\n\r\u2028\u2029]")
_TOKEN = re.compile(r"""[\s(\[{"'“‘«*_—–-]""")

_FULL_WIDTH = frozenset("。！？")
"""Marks that no space follows."""

_TRAILING_OFF = frozenset(".…")
_QUOTES = frozenset("\"'”’»")

_NEVER_LAST = frozenset("mr mrs ms dr prof st vs e.g i.e cf".split())
"""Abbreviations that something always follows."""

_SELDOM_LAST = frozenset("etc a.m p.m jr sr inc ltd approx".split())
"""Abbreviations that end a sentence only when the next word has a capital."""

_LONGEST_TOKEN = 16


def is_speakable(text: str) -> bool:
    """Whether a voice can say any of ``text``: whether it holds a letter or a digit."""
    return _SPEAKABLE.search(text) is not None


@frozen(kw_only=True)
class Piece:
    """``text`` stands at characters [start, start + len(text)) of all text; white space after it belongs to it."""

    start: int
    text: str


class Sentences:
    """Cuts after sentences and at line ends, and a sentence longer than ``longest`` at a clause or a space in it.

    Every piece has something to say, unless the whole text has nothing: an emoji or a dash goes with the words after
    it, or at the very end with those before.  For that a piece comes out when the first letter of the next is there.
    Signs without words at the ends of a piece, and white space after it, may take it beyond ``longest``.
    """

    def __init__(self, longest: int = 200) -> None:
        if longest < 2:
            raise ValueError(f"longest is a number of characters, 2 or more, not {longest}")
        self._longest = longest
        self._text = ""
        self._offset = 0

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain now that ``text`` has come."""
        return self._pieces(text, final=False)

    def flush(self) -> list[Piece]:
        """What is left when no more text comes.  Text fed after that goes on at the next offset, as a new text."""
        return self._pieces("", final=True)

    def flush_sentence(self) -> list[Piece]:
        """What is left, if it looks like a whole sentence: for when the text halts, which then decides the cut."""
        found = list(_BREAK.finditer(self._text))
        whole = bool(found) and found[-1]["stop"] is not None and found[-1].end() == len(self._text)
        return self.flush() if whole and is_speakable(self._text) else []

    def _pieces(self, text: str, *, final: bool) -> list[Piece]:
        self._text += text
        pieces: list[Piece] = []
        start = 0
        while start < len(self._text) and (end := self._end(start, final=final)) is not None:
            pieces.append(Piece(start=self._offset + start, text=self._text[start:end]))
            start = end
        self._text = self._text[start:]
        self._offset += start
        return pieces

    def _end(self, start: int, *, final: bool) -> int | None:
        """Where the piece that begins at ``start`` ends, or None while later text may still change that."""
        text = self._text
        rest = len(text) if final else None
        first = _SPEAKABLE.search(text, start)
        if first is None:
            return rest
        room = max(start + self._longest, first.start() + self._longest // 2)
        clause = space = 0
        for found in _BREAK.finditer(text, first.end()):
            content_end = found.end("close") if found["stop"] else found.start() + bool(found["clause"])
            if content_end > room:
                break
            following = _SPEAKABLE.search(text, found.end())
            if following is None:
                return rest
            if self._is_sentence(start, first.start(), found, following[0]):
                return found.end()
            if found["clause"]:
                clause = found.end()
            if found[0][-1].isspace():
                space = found.end()
        if _SIGN.search(text, room) is None:
            return rest
        end = clause if clause - start > self._longest // 3 else space or _whole_character(text, first.end(), room)
        return end if _SPEAKABLE.search(text, end) else rest

    def _is_sentence(self, start: int, first: int, found: re.Match[str], following: str) -> bool:
        """Whether the break ``found`` ends a sentence, when ``following`` is the next letter or digit after it."""
        if _NEWLINE.search(found[0]):
            return True
        stop = found["stop"]
        if not stop:
            return False
        if not _FULL_WIDTH.isdisjoint(stop):
            return True
        if not found[0][-1].isspace():
            return False
        if not _QUOTES.isdisjoint(found["close"]) and following.islower():
            return False  # “Why?” she asked
        if stop != ".":
            return not (_TRAILING_OFF.issuperset(stop) and following.islower())
        token = _TOKEN.split(self._text[max(start, found.start() - _LONGEST_TOKEN) : found.start()])[-1]
        opens_a_line = first + len(token) == found.start()
        return not _goes_on(token, following, opens_a_line=opens_a_line)


def _goes_on(token: str, following: str, *, opens_a_line: bool) -> bool:
    """Whether the full stop after ``token`` is part of it and not of the sentence."""
    word = token.casefold()
    if word in _NEVER_LAST:
        return True
    if word in _SELDOM_LAST:
        return not following.isupper()
    if word == "no":
        return following.isdigit()
    if token.isdigit():
        return opens_a_line and len(token) < 4  # the number of an item in a list
    return token.isupper() and all(len(part) == 1 for part in token.split("."))  # initials: J. R., U.S.


def _whole_character(text: str, least: int, most: int) -> int:
    """The last place up to ``most`` that does not part a letter from its accents or an emoji from its next half."""
    for end in range(most, least - 1, -1):
        if unicodedata.category(text[end])[0] != "M" and "\u200d" not in text[end - 1 : end + 1]:
            return end
    return most
