"""How fast a voice speaks.  In: texts and how long their sound was.  Out: when each word of another text is over.

For engines that give no word times, and rough: a voice's pauses are its own.
"""

from __future__ import annotations

import re

from attrs import define, field

from ..messages import WordTime

USUAL = 15.0
"""Letters a second as long as nothing is known of a voice: 180 words of five letters a minute."""

WEIGHTS = dict.fromkeys(",;:", 4.0) | dict.fromkeys(".!?…", 6.0)
"""Of signs at which voices pause, in letters: a quarter and two fifths of a second."""

DIGIT = 4.0
"""Letters in the name of a digit, on average."""


@define
class Pace:
    """One voice's at one speed."""

    _letters: float = field(default=0.0, init=False)
    _seconds: float = field(default=0.0, init=False)

    def learn(self, text: str, seconds: float) -> None:
        """All of ``text`` took ``seconds``."""
        self._letters += sum(map(_weight, text.rstrip(" \n\t.!?…,;:")))
        self._seconds += seconds

    def words(self, text: str, seconds: float) -> list[WordTime]:
        """The words of ``text`` that are over after ``seconds`` of its sound; what is between spaces is a word."""
        a_letter = self._seconds / self._letters if self._letters and self._seconds else 1 / USUAL
        words: list[WordTime] = []
        at = 0.0
        for match in re.finditer(r"\S+", text):
            word = match.group()
            spoken = word.rstrip(".!?…,;:") or word
            finish = at + a_letter * sum(map(_weight, spoken))
            if finish > seconds:
                break
            words.append(WordTime(start=match.start(), end=match.end(), begin=at, finish=finish))
            at += a_letter * (sum(map(_weight, word)) + _weight(" "))
        return words


def _weight(letter: str) -> float:
    return DIGIT if letter.isdigit() else WEIGHTS.get(letter, 1.0)
