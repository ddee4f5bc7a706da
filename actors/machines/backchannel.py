"""A transcript goes in; whether it only says "I am listening" comes out.

It is that while somebody else speaks: after a question, "yeah" is an answer.
"""

from __future__ import annotations

from collections.abc import Collection

from .spoken_words import words

HUMS = ("mhm", "mm hmm", "mmhmm", "mm", "hmm", "hm", "uh huh", "aha", "ah", "oh")
"""Said over somebody's last words, these are hardly an answer."""

BACKCHANNELS = (
    *HUMS,
    *("yeah", "yep", "yes", "okay", "ok", "right", "sure", "I see", "got it", "all right", "alright", "exactly"),
    *("true", "really", "wow", "nice", "cool"),
)

MOST = 4
"""How many of them in a row still are one: more is somebody who wants the floor."""


def backchannel(text: str, phrases: Collection[str] = BACKCHANNELS) -> bool:
    """Whether ``text`` is made of ``phrases`` alone, up to a few of them."""
    said = words(text)
    parts = {part for part in map(words, phrases) if part}
    ends = {0}
    for _ in range(MOST):
        ends = {end + len(part) for end in ends for part in parts if said[end : end + len(part)] == part}
        if len(said) in ends:
            return bool(said)
    return False
