"""Policies: what is known of a silence in, the seconds of silence that end the turn out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import field, frozen


@frozen(kw_only=True)
class Known:
    """What is known at a moment of a silence: the text of the draft and the probability that its speaker is done, as
    soon as they are there, and how long this speaker's earlier pauses in the turn were."""

    text: str | None = None
    probability: float | None = None
    pauses: tuple[float, ...] = ()


class Policy(Protocol):
    def delay(self, known: Known) -> float:
        """Seconds of silence, from its beginning, that end the turn as far as is known now."""
        ...


@frozen
class Fixed:
    """The same pause whatever was said."""

    pause: float

    def delay(self, known: Known) -> float:
        return self.pause


@frozen
class Analyser:
    """Done when the turn model says so, otherwise after a long silence: pipecat's rule and its bounds by default."""

    threshold: float = 0.5
    cap: float = 3.0

    def delay(self, known: Known) -> float:
        return 0.0 if known.probability is not None and known.probability > self.threshold else self.cap


@frozen(kw_only=True)
class Bounds:
    """Two bounds, and what is known decides between them.

    ``finished`` judges the draft; ``done`` and ``open`` are the probabilities beyond which the sound does.  Both must
    agree for the ``shortest``; one of them alone that says open makes it the ``longest``.
    """

    finished: Callable[[str], str]
    shortest: float = 0.3
    unsure: float = 0.7
    longest: float = 1.5
    done: float = 0.6
    open: float = 0.2
    uses_text: bool = True
    uses_sound: bool = False
    uses_pauses: bool = field(default=False)

    def delay(self, known: Known) -> float:
        votes: list[str] = []
        if self.uses_text:
            votes.append("waits" if known.text is None else self.finished(known.text))
        if self.uses_sound:
            votes.append("waits" if known.probability is None else self._sounds(known.probability))
        usual = self._usual(known.pauses) if self.uses_pauses else self.unsure
        if "open" in votes:
            return self.longest
        if votes and all(vote == "done" for vote in votes):
            return self.shortest
        if "done" in votes and "unsure" in votes:
            return (self.shortest + usual) / 2
        return usual

    def _sounds(self, probability: float) -> str:
        return "done" if probability >= self.done else "open" if probability <= self.open else "unsure"

    def _usual(self, pauses: tuple[float, ...]) -> float:
        """Somebody who has paused before is waited for as long as that and half as long again."""
        return min(self.longest, max([self.unsure, *(1.5 * pause for pause in pauses)]))
