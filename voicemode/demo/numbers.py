"""Whole numbers below a hundred as people say them: words in, a number out."""

from __future__ import annotations

from collections.abc import Sequence

_SMALL = "zero one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES: dict[str, int] = {
    **{word: value for value, word in enumerate(_SMALL + _TEENS)},
    **{word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)},
}


def number_of(words: Sequence[str]) -> int | None:
    """The number that ``words`` say, "forty two" or "42", or None when they say none."""
    match words:
        case [digits] if digits.isdecimal():
            return int(digits)
        case [word]:
            return _VALUES.get(word)
        case [tens, unit] if tens in _TENS and unit in _SMALL[1:]:
            return _VALUES[tens] + _VALUES[unit]
        case _:
            return None
