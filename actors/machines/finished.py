"""A transcript goes in, also one of a sentence that is still being said; whether its speaker looks done comes out.

By words and signs alone: the sound knows better (``TurnModel``), and silence has the last word.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import dropwhile, pairwise, takewhile
from typing import Literal, TypeAlias

from attrs import frozen

from .turn_words import Language, language_of

Finish: TypeAlias = Literal["done", "open", "unsure"]

_WORD = re.compile(r"[^\W_]+(?:['’.:,\-][^\W_]+)*")
"""Also 3.50, 10:30, uh-huh, e.g and c'est."""

_BREAKS = frozenset(".,;:!?…。！？｡．，、；：؟–—")
_ENDS = frozenset(".!?。！？｡．؟")
_QUESTION = frozenset("?？؟")
_EMPHATIC = _QUESTION | frozenset("!！")
_GOES_ON = re.compile(r"\.\.|[…,;:，、；：–—-]")

LAST = 600
"""Characters that are looked at: an end is in the last sentence, and a judgement takes a third of a millisecond."""

LONGEST_PHRASE = 4
"""Words in the longest of the phrases in ``turn_words``."""

SHORTEST_QUESTION = 3
"""Words: fewer are as likely the beginning of one."""

SHORT_NUMBER, WHOLE_NUMBER = 7, 10
"""Digits: a telephone number with fewer than the first goes on, one with the second is done."""


def looks_finished(text: str) -> Finish:
    """Whether who said ``text`` looks done, would go on, or neither can be told.

    A full stop says nothing: recognisers such as Whisper end whatever they are given with one, half sentences too
    (52 of 64 drafts of human sentences that went on looked done by it, in ``benchmarks/bench_turn_taking.py``).  A
    question mark does, unless a word goes before it that nothing ends with.  A text without any punctuation is judged
    by its words; one with some, but not at its end, is open.
    """
    said = _Said.of(text)
    if said is None:
        return "unsure"
    if said.breaks_off or said.wants_more:
        return "open"
    if said.number is not None:
        return said.number
    if said.emphatic or said.complete or said.asks:
        return "done"
    return "open" if said.punctuated and not said.ended else "unsure"


@frozen(kw_only=True)
class _Said:
    """``words`` of the whole text; ``sentence`` and ``clause`` are the last ones of it."""

    words: list[str]
    sentence: list[str]
    clause: list[str]
    language: Language
    punctuated: bool
    ended: bool
    questioned: bool
    emphatic: bool
    breaks_off: bool

    @classmethod
    def of(cls, text: str) -> _Said | None:
        """None when there is not one word."""
        text = unicodedata.normalize("NFC", text.strip()[-LAST:].casefold()).replace("’", "'")
        found = list(_WORD.finditer(text))
        if not found:
            return None
        words = [match.group() for match in found]
        gaps = [set(text[one.end() : other.start()]) for one, other in pairwise(found)]
        tail = text[found[-1].end() :]
        return cls(
            words=words,
            sentence=words[_after(gaps, _ENDS) :],
            clause=words[_after(gaps, _BREAKS) :],
            language=language_of(words),
            punctuated=not all(map(_BREAKS.isdisjoint, [*gaps, tail])),
            ended=not _ENDS.isdisjoint(tail),
            questioned=not _QUESTION.isdisjoint(tail),
            emphatic=not _EMPHATIC.isdisjoint(tail),
            breaks_off=_EMPHATIC.isdisjoint(tail) and _GOES_ON.search(tail) is not None,
        )

    @property
    def wants_more(self) -> bool:
        """Whether the last words are such as something follows."""
        language, last = self.language, self.words[-1]
        before = self.clause[-2] if len(self.clause) > 1 else ""
        if " ".join(_after_leading(self.sentence, language)) in language.beginnings:
            return True
        if self.complete or _ends_with(self.clause, language.excused):
            return False
        if last in language.joining or (_ends_with(self.clause, language.fillers) and not self.questioned):
            return True
        if last in language.reaching:
            return not self._may_strand
        if self.questioned:
            return False
        if last in language.subjects:
            return before not in language.inverting | language.inverting_pronouns
        embedded = not (language.asking | language.asking_inverted).isdisjoint(self.sentence[1:])
        return last in language.linking and not (before in language.pronouns or embedded)

    @property
    def _may_strand(self) -> bool:
        """Whether this is a question like "where are you from", which a preposition may end."""
        asked = _after_leading(self.sentence, self.language)
        asking = self.language.asking | self.language.asking_inverted
        return len(asked) > SHORTEST_QUESTION and asked[0] in asking and asked[2] in self.language.pronouns

    @property
    def complete(self) -> bool:
        """Whether the last clause is an answer that may stand alone, or several of them."""
        answer, answers = _after_leading(self.clause, self.language), self.language.complete
        return " ".join(answer) in answers or answers.issuperset(answer)

    @property
    def asks(self) -> bool:
        """Whether the last sentence or clause is worded as a question and long enough to be a whole one."""
        return _asks(self.sentence, self.language) or _asks(self.clause, self.language)

    @property
    def number(self) -> Finish | None:
        """How whole the number at the end is, or None when there is none or nothing is to be said of it."""
        language, words = self.language, self.words
        run = list(takewhile(lambda word: word[0].isdigit() or word in language.digits, reversed(words)))
        digits = sum(max(1, sum(map(str.isdigit, word))) for word in run)
        prior = words[: len(words) - len(run)][-3:]
        called = not language.numbered.isdisjoint(prior)
        if called and (len(run) > 1 or (run and prior[-1] not in language.numbered)):
            return "open" if digits < SHORT_NUMBER else "unsure" if digits < WHOLE_NUMBER else "done"
        if len(run) > 1 and digits < WHOLE_NUMBER:
            return "unsure"
        tens = words[-1] in language.tens and not (len(words) > 1 and words[-2] in language.digits)
        return "unsure" if tens or words[-1] in language.powers else None


def _after(gaps: list[set[str]], signs: frozenset[str]) -> int:
    """The first word after the last gap that has one of ``signs`` in it."""
    return max((at for at, gap in enumerate(gaps, 1) if not signs.isdisjoint(gap)), default=0)


def _ends_with(words: list[str], phrases: frozenset[str]) -> bool:
    return any(" ".join(words[-count:]) in phrases for count in range(1, LONGEST_PHRASE + 1))


def _after_leading(words: list[str], language: Language) -> list[str]:
    """``words`` without the "well" and "okay" before them; the last one always stays."""
    return [*dropwhile(language.leading.__contains__, words[:-1]), words[-1]]


def _asks(words: list[str], language: Language) -> bool:
    asked = _after_leading(words, language)
    if len(asked) < SHORTEST_QUESTION or asked[-1] in language.reaching:
        return False
    first, second = asked[:2]
    if first in language.asking:
        return second not in language.pronouns  # "what I want", "how it works"
    inverting = language.inverting | language.inverting_pronouns
    if first in language.asking_inverted:
        return second in inverting  # and not "when we came home"
    return first in language.inverting or (first in language.inverting_pronouns and second in language.pronouns)
