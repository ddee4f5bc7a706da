"""A transcript goes in; what its last words tell the machine, and what is left without them, comes out.

A command is the last thing said: phrases within a sentence are part of it.  Those that stand for a whole turn may have
only a few words before them ("sorry, what"), for a long sentence that ends in "what" is meant as it is.
"""

from __future__ import annotations

import unicodedata
from typing import Literal, TypeAlias

from attrs import Attribute, field, frozen

from .spoken_words import WORD, plain, words

Kind: TypeAlias = Literal["repeat", "wait", "end", "stop"]


def _phrases(_: SpokenCommands, attribute: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for phrase in value:
        if not words(phrase):
            raise ValueError(f"{attribute.name} is a list of phrases, and {phrase!r} has no word in it")


def _count(_: SpokenCommands, attribute: Attribute[int], value: int) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} is a number of words, 0 or more, not {value}")


@frozen(kw_only=True)
class SpokenCommands:
    """What is listened for; a kind without phrases is not.  Raises ValueError.

    ``repeat``: the assistant is to say it again; ``wait``: it is to be silent for a while; ``end``: the user is done
    ("over"); ``stop``: the conversation is over.  ``repeat_leading`` and so on: how many words there may be before;
    an ``end`` may follow any number.
    """

    repeat: tuple[str, ...] = field(
        default=("repeat", "say that again", "pardon", "what", "come again"), converter=tuple, validator=_phrases
    )
    wait: tuple[str, ...] = field(default=("wait",), converter=tuple, validator=_phrases)
    end: tuple[str, ...] = field(default=(), converter=tuple, validator=_phrases)
    stop: tuple[str, ...] = field(default=(), converter=tuple, validator=_phrases)
    repeat_leading: int = field(default=4, validator=_count)
    wait_leading: int = field(default=4, validator=_count)
    stop_leading: int = field(default=4, validator=_count)

    def __attrs_post_init__(self) -> None:
        kinds: dict[tuple[str, ...], Kind] = {}
        for kind, phrases, _ in self.listed:
            for phrase in phrases:
                if kinds.setdefault(words(phrase), kind) != kind:
                    raise ValueError(
                        f"{phrase!r} is a phrase of {kinds[words(phrase)]} already and cannot be one of {kind}"
                    )

    @property
    def listed(self) -> tuple[tuple[Kind, tuple[str, ...], float], ...]:
        """Each kind with its phrases and how many words there may be before one."""
        return (
            ("repeat", self.repeat, self.repeat_leading),
            ("wait", self.wait, self.wait_leading),
            ("end", self.end, float("inf")),
            ("stop", self.stop, self.stop_leading),
        )


@frozen(kw_only=True)
class Command:
    """``text`` is what was said before the phrase; it may be empty."""

    kind: Kind
    text: str


def command_in(text: str, policy: SpokenCommands) -> Command | None:
    """The command that ``text`` ends with, signs and case apart, or None.  Of several it is the one of more words."""
    text = unicodedata.normalize("NFC", text)
    found = list(WORD.finditer(text))
    said = tuple(plain(match.group()) for match in found)
    best: Command | None = None
    longest = 0
    for kind, phrases, most in policy.listed:
        for phrase in map(words, phrases):
            before = len(said) - len(phrase)
            if len(phrase) > longest and 0 <= before <= most and said[before:] == phrase:
                longest = len(phrase)
                best = Command(kind=kind, text=_rest(text[: found[before].start()]))
    return best


def _rest(text: str) -> str:
    """``text`` without the sign that led over to the phrase."""
    return text.rstrip(" \t\n,;:–—-([{\"'“‘«¿¡")
