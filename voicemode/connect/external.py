"""Text from outside.  In: whatever somebody wrote.  Out: the same without what could deceive, and marked as theirs.

Who reads it is an agent that does as it is told by the user at the keyboard, so it must see at every line whose it is.
"""

from __future__ import annotations

import re

LONGEST = 10_000
"""Characters of a message that are kept."""

LONGEST_SENDER = 64

NOBODY = "somebody who gave no name"

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""All that somebody might take for the end of a line."""

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # which turn the direction of reading
    "\xad\u034f\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # of no width
    "\ufe00-\ufe0d\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # in which texts can be hidden
    "]"
)
_BESIDE = "[^\x00-\x7f\\s\u200c\u200d]"
_JOINERS = re.compile(f"[\u200c\u200d](?!{_BESIDE})|(?<!{_BESIDE})[\u200c\u200d]")
"""Between letters of scripts that need them and within emoji they stay, one at a time."""

_STYLES = re.compile("(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]+")
_NO_CHARACTER = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """``text`` without controls, but for tabs and new lines, and without what is not seen; all of its words stay."""
    text = _UNSEEN.sub("", _BREAKS.sub("\n", text))
    return _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", _STYLES.sub("", _JOINERS.sub("", text))).strip()


def cut(text: str) -> str:
    """``plain``, and no longer than ``LONGEST``; where there was more it says so in a last line."""
    text = plain(text)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST].rstrip()}\n[cut here, after {LONGEST:,} of {len(text):,} characters]"


def name_of(sender: str) -> str:
    """What the sender goes by, on one line, without quotation marks."""
    return " ".join(plain(sender).replace('"', "'").split())[:LONGEST_SENDER].strip() or NOBODY


def marked(text: str, sender: str) -> str:
    """``text``, ``cut``, under a line that says that it is from ``sender`` and not from the user at the keyboard.

    Each of its lines is quoted, so that none of them can pretend that the message had ended before it; and it never
    begins like JSON, which Claude Code would take for a message of its own.
    """
    quoted = "\n".join(f"> {line}".rstrip() for line in cut(text).split("\n"))
    return (
        f'External message from "{name_of(sender)}", by way of VoiceMode Connect. It was not typed by the user at this '
        f'keyboard; all of it is in the lines that begin with ">".\n{quoted}'
    )
