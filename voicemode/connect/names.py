"""The names of users, teams and recipients, each of which is a part of a path.  In: any text.  Out: one that may be.

What passes here can be put into a path and stays in its directory.
"""

from __future__ import annotations

import os
import unicodedata

from actors.errors import BadMessage

LONGEST, LONGEST_BYTES = 64, 192
"""Characters, and bytes in UTF-8: with what is added to a name it is still one for every file system."""

ALLOWED = f"A name has 1 to {LONGEST} letters, digits and the signs - _ ., no dot at its beginning and no two in a row."


def checked(name: str, what: str = "user") -> str:
    """``name`` with each letter in one form, NFC, so that what looks the same is the same.

    ``what`` says whose name it is.  Raises BadMessage.
    """
    normal = unicodedata.normalize("NFC", name)
    if not _fits(normal):
        raise BadMessage(f"{name[:LONGEST]!r} cannot be the name of a {what}. {ALLOWED}", reason=f"no such {what}")
    return normal


def _fits(name: str) -> bool:
    if not 0 < len(name) <= LONGEST or not all(map(_may_be_in, name)):
        return False
    # a mark belongs to the letter before it: at the beginning it would be part of whatever stands before the name
    first = unicodedata.category(name[0])
    return name[0] != "." and ".." not in name and first[0] != "M" and len(os.fsencode(name)) <= LONGEST_BYTES


def _may_be_in(sign: str) -> bool:
    kind = unicodedata.category(sign)
    return sign in "-_." or kind[0] in "LM" or kind == "Nd"
