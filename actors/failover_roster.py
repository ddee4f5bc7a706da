"""Who may still say a text.  In: the candidates, and who was asked.  Out: the next one's part of it."""

from __future__ import annotations

from collections.abc import Sequence

import trio
from attrs import define, field

from .failover import Candidate, next_of
from .failover_delivery import Delivery
from .failover_part import Part
from .ports import TextToSpeech


@define
class Roster:
    delivery: Delivery
    candidates: Sequence[Candidate[TextToSpeech]]
    _untried: list[Candidate[TextToSpeech]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._untried = [*self.candidates]

    def next(self) -> Part | None:
        """None when the budget is spent, or nobody is left to ask."""
        asked = self._following() if self.delivery.left > 0 else None
        if asked is None:
            return None
        self._untried.remove(asked)
        return self.again(asked)

    def again(self, asked: Candidate[TextToSpeech]) -> Part:
        return Part(delivery=self.delivery, asked=asked, is_last=lambda: self._following() is None)

    def spare(self, asked: Candidate[TextToSpeech]) -> None:
        """``asked`` has not failed and may be asked again."""
        self._untried = [each for each in self.candidates if each in self._untried or each is asked]

    @property
    def untried(self) -> list[str]:
        return [each.name for each in self._untried]

    def _following(self) -> Candidate[TextToSpeech] | None:
        return next_of(self.delivery.outfit.board, "tts", self._untried, trio.current_time())
