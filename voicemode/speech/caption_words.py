"""Finds the words that an engine says in the text it was given.  In: words with times, as they come.  Out: WordTimes.

An engine says "five dollars" for "$5", so words that are the same on both sides are anchors, and what is between two of
them on one side is what is between them on the other.  A word's characters reach to those of the next, without the
white space and the opening signs between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from attrs import evolve, frozen

from actors.messages import WordTime

from .captioned_speech import SaidWord

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
OPENING = "\"'\u201c\u2018\u00ab\u00bf\u00a1([{$\u20ac\u00a3#@"
"""Signs that belong to the word behind them."""

SKIPPED = 2
"""Words of the text that may have no time of their own, an article drawn into another word; where there are more, the
anchor behind them is none."""


@frozen
class _Word:
    text: str
    at: int
    """In the characters of the text, or in the words that were said."""


@frozen
class _Group:
    """From the word ``first`` of the text on, what is said from ``begin`` to ``end`` of the words that are said."""

    first: int
    begin: int
    end: int


class CaptionWords:
    """One text.  ``add`` gives the words whose place is certain, ``end`` those at its end too; about 0.4 ms each for a
    sentence of 60 words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = [_Word(_plain(found[0]), found.start()) for found in WORD.finditer(text)]
        self._said: list[SaidWord] = []
        self._given = 0
        self._over = 0.0

    def add(self, words: Sequence[SaidWord]) -> tuple[WordTime, ...]:
        self._said += words
        return self._new(final=False) if words else ()

    def end(self) -> tuple[WordTime, ...]:
        return self._new(final=True)

    def _new(self, *, final: bool) -> tuple[WordTime, ...]:
        new: list[WordTime] = []
        for word in self._timed(*self._groups(final=final)):
            if word.start >= self._given and word.finish >= self._over:
                new.append(evolve(word, begin=max(word.begin, self._over)))
                self._given, self._over = word.end, word.finish
        return tuple(new)

    def _groups(self, *, final: bool) -> tuple[list[_Group], int]:
        """What was said of the text, and the first of its words that was not."""
        said = [_Word(_plain(each), at) for at, word in enumerate(self._said) for each in WORD.findall(word.text)]
        theirs, ours = [word.text for word in said], [word.text for word in self._words]
        groups: list[_Group] = []
        over = 0
        for kind, first, last, begin, end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
            untold = last == len(ours) and (kind == "delete" or (kind == "replace" and not final))
            if untold or last - first > end - begin + SKIPPED:
                break
            if kind == "equal":
                for index, each in zip(range(first, last), said[begin:end], strict=True):
                    # of what is said as one word, the beginning has no end of its own
                    if not groups or groups[-1].end != each.at:
                        groups.append(_Group(index, each.at, each.at))
            elif kind == "replace":
                groups.append(_Group(first, said[begin].at, said[end - 1].at))
            elif kind == "insert" and groups:
                # what is said beyond the text belongs to the word before, which is not over sooner
                groups[-1] = evolve(groups[-1], end=said[end - 1].at)
            over = last
        return groups, over

    def _timed(self, groups: list[_Group], over: int) -> list[WordTime]:
        starts = [0, *(self._begin_of(group.first) for group in groups[1:]), self._begin_of(over)]
        found: list[WordTime] = []
        for group, (start, upto) in zip(groups, pairwise(starts), strict=False):
            end = len(self._text[:upto].rstrip())
            begin, finish = self._said[group.begin].begin, self._said[group.end].finish
            found.append(WordTime(start=start, end=end, begin=begin, finish=finish))
        for at, (word, following) in enumerate(pairwise(list(found))):
            found[at] = evolve(word, finish=max(word.begin, min(word.finish, following.begin)))
        return found

    def _begin_of(self, word: int) -> int:
        """Where its characters begin, with the signs before it."""
        if word == len(self._words):
            return len(self._text)
        at = self._words[word].at
        before = self._text[:at]
        return at - len(before) + len(before.rstrip(OPENING))


def _plain(word: str) -> str:
    return word.casefold().replace("\u2019", "'")
