"""Compares a turn with what was expected of it: an expectation and a result in, one verdict a key out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
from attrs import frozen

from actors.results import TurnResult

from .model import Expectation

Value: TypeAlias = str | float | bool | tuple[int, int] | None

_WORD = re.compile(r"\w+(?:['’]\w+)*")


@frozen(kw_only=True)
class Check:
    """``got`` is None where the turn has nothing of the kind."""

    what: str
    expected: Value
    got: Value
    held: bool


def words_of(text: str) -> list[str]:
    """The words of ``text`` without case and punctuation; "don't" is one, "forty-two" is two."""
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]


def word_error(expected: str, got: str) -> float:
    """The share of ``expected``'s words that are wrong, missing or too many in ``got``; it may exceed 1."""
    wanted = words_of(expected)
    return _distance(wanted, words_of(got)) / max(1, len(wanted))


def checks_of(expect: Expectation, result: TurnResult) -> tuple[Check, ...]:
    """What became of all that ``expect`` names."""
    return tuple(_checks(expect, result))


def _checks(expect: Expectation, result: TurnResult) -> Iterator[Check]:
    spoken = result.spoken
    if expect.outcome is not None:
        yield _equal("outcome", expect.outcome, result.outcome)
    if expect.transcript is not None:
        error = word_error(expect.transcript, result.transcript)
        allowed = expect.word_error or 0.0
        yield Check(what="transcript", expected=expect.transcript, got=result.transcript, held=error <= allowed)
        if expect.word_error is not None:
            yield Check(what="word_error", expected=allowed, got=round(error, 3), held=error <= allowed)
    if expect.spoken is not None:
        yield _same_words("spoken", expect.spoken, spoken.text)
    if expect.heard is not None:
        yield _same_words("heard", expect.heard, spoken.heard)
    if expect.heard_complete is not None:
        yield _equal("heard_complete", expect.heard_complete, spoken.complete)
    if expect.heard_words is not None:
        least, most = expect.heard_words
        count = len(words_of(spoken.heard))
        yield Check(what="heard_words", expected=expect.heard_words, got=count, held=least <= count <= most)
    for name, bound in msgspec.structs.asdict(expect.at_most).items():
        if bound is not None:
            took: float | None = getattr(result.timings, name)
            yield Check(what=name, expected=bound, got=took, held=took is not None and took <= bound)


def _equal(what: str, expected: Value, got: Value) -> Check:
    return Check(what=what, expected=expected, got=got, held=expected == got)


def _same_words(what: str, expected: str, got: str) -> Check:
    return Check(what=what, expected=expected, got=got, held=words_of(expected) == words_of(got))


def _distance(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Levenshtein's: the fewest words to replace, add or take away."""
    row = list(range(len(got) + 1))
    for index, word in enumerate(wanted, start=1):
        above, row[0] = row[0], index
        for column, other in enumerate(got, start=1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (word != other))
    return row[-1]
