"""Policies: what is known of a silence in, the seconds of silence that end the turn out."""

from __future__ import annotations

from typing import Protocol

from attrs import evolve, field, frozen

from actors.machines.finished import looks_finished
from actors.machines.pauses import Pauses
from actors.machines.turn_delay import TurnDelayPolicy, turn_delay


@frozen(kw_only=True)
class Known:
    """What is known at a moment of a silence: the text of the draft and the probability that its speaker is done, as
    soon as they are there, and how this speaker pauses."""

    text: str | None = None
    probability: float | None = None
    pauses: Pauses = field(factory=Pauses)


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


@frozen
class Ours:
    """The project's own, with as much of the evidence as it is given, as ``actors.machines.voice`` combines it: a draft
    that is on its way is waited for, because without it there is no answer, and the sound that is judged for less."""

    policy: TurnDelayPolicy
    words: bool = False
    sound: bool = False

    def delay(self, known: Known) -> float:
        if self.words and known.text is None:
            return self.policy.longest
        words = looks_finished(known.text) if self.words and known.text is not None else None
        sound = known.probability if self.sound else None
        patience = turn_delay(self.policy, words=words, sound=sound, pauses=known.pauses)
        return max(patience, self.policy.unknown) if self.sound and sound is None else patience


def scaled(factor: float) -> TurnDelayPolicy:
    """The defaults with a ``factor`` more patience, where there is any."""
    usual = TurnDelayPolicy()
    return evolve(usual, unknown=max(usual.shortest, factor * usual.unknown), longest=factor * usual.longest)
