"""What is known of a pause goes in; how long its silence must last to be the end of the turn comes out.

The words (``looks_finished``) and the sound (a ``TurnModel``) are asked, and if neither tells anything, how this
speaker usually pauses (``Pauses``).  More evidence that they are done never makes the wait longer.
"""

from __future__ import annotations

from attrs import Attribute, field, frozen, validators

from .finished import Finish
from .pauses import Pauses


def _duration(policy: TurnDelayPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} is a number of seconds, 0 or more, not {value}")
    if attribute.name == "longest" and value < policy.shortest:
        raise ValueError(f"longest ({value} s) must not be below shortest ({policy.shortest} s)")
    if attribute.name == "unknown" and not policy.shortest <= value <= policy.longest:
        raise ValueError(
            f"unknown ({value} s) must lie between shortest ({policy.shortest} s) and longest ({policy.longest} s)"
        )


def _probability(policy: TurnDelayPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{attribute.name} is a probability and lies between 0 and 1, not at {value}")
    if attribute.name == "high" and not policy.low < value:
        raise ValueError(f"high ({value}) must be above low ({policy.low})")
    if attribute.name == "agreed" and not policy.low < value <= policy.high:
        raise ValueError(f"agreed ({value}) must lie above low ({policy.low}) and not above high ({policy.high})")


@frozen(kw_only=True)
class TurnDelayPolicy:
    """The bounds of the wait, and what moves it between them.  Raises ValueError.

    ``shortest``, ``longest``: seconds of silence from the last voiced window on; ``unknown``: when nothing is known;
    ``low``, ``high``: probabilities of the sound's being an end, at or below which it is none and at or above which it
    is one; ``agreed``: from which it is one if the words look finished; ``share``: of this speaker's pauses that are
    to be waited out when there is no other evidence; ``margin``: seconds beyond those.
    """

    shortest: float = field(default=0.3, validator=_duration)
    longest: float = field(default=1.5, validator=_duration)
    unknown: float = field(default=0.7, validator=_duration)
    low: float = field(default=0.2, validator=_probability)
    high: float = field(default=0.8, validator=_probability)
    agreed: float = field(default=0.5, validator=_probability)
    share: float = field(default=0.9, validator=_probability)
    margin: float = field(default=0.1, validator=validators.ge(0))


def turn_delay(
    policy: TurnDelayPolicy, *, words: Finish | None = None, sound: float | None = None, pauses: Pauses | None = None
) -> float:
    """Seconds of silence to wait.  ``words`` is None while there is no transcript, ``sound`` while there is no
    probability, ``pauses`` when nothing is known of the speaker.

    Words that go on are waited for as long as may be, whatever the sound: an "and" is no end.  Words that look
    finished are believed if the sound does not contradict, for a recogniser ends many a half sentence with a full stop;
    if it does, the sound decides.  Words that tell nothing leave it to the sound, and without that to the speaker.
    """
    if words == "open":
        return policy.longest
    if sound is not None:
        return _by_sound(policy, sound, policy.agreed if words == "done" else policy.high)
    return policy.shortest if words == "done" else _by_habit(policy, pauses)


def _by_sound(policy: TurnDelayPolicy, sound: float, high: float) -> float:
    if sound >= high:
        return policy.shortest
    certain = max(0.0, (sound - policy.low) / (high - policy.low))
    return max(policy.shortest, policy.longest - certain * (policy.longest - policy.shortest))


def _by_habit(policy: TurnDelayPolicy, pauses: Pauses | None) -> float:
    """Half way from ``unknown`` to the speaker's habit.

    Not all the way: only pauses that were waited out are seen, so a wait that followed them would grow ever shorter.
    """
    usual = None if pauses is None else pauses.usual(policy.share)
    if usual is None:
        return policy.unknown
    return min(policy.longest, max(policy.shortest, (policy.unknown + usual + policy.margin) / 2))
