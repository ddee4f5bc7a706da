"""Text goes in; its words come out as spoken phrases are compared: without signs, hyphens and case."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def plain(word: str) -> str:
    """A match of ``WORD`` as it is compared."""
    return unicodedata.normalize("NFC", word.casefold()).replace("’", "'")


def words(text: str) -> tuple[str, ...]:
    return tuple(map(plain, WORD.findall(unicodedata.normalize("NFC", text))))
