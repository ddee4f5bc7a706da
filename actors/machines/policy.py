"""The bounds of a turn, which the dialogue keeps."""

from __future__ import annotations

from attrs import field, frozen, validators

from .barge_in import BargeInPolicy

LONGEST_PRE_ROLL = 3.0
"""Seconds; the recorder keeps more, because a start of speech is known only a while after it."""


@frozen(kw_only=True)
class TurnPolicy:
    """The bounds of a turn, in seconds.  Raises ValueError for those that leave nothing between them.

    ``no_speech`` how long nobody may answer; ``longest`` how long one answer may be; ``pre_roll`` and ``tail`` what is
    kept of the sound before the first and after the last voiced window; ``device_wait`` how long a lost microphone or
    speaker may take to come back while the turn needs it, 0 for not at all.
    """

    no_speech: float = field(default=10.0, validator=validators.gt(0))
    longest: float = field(default=120.0, validator=validators.gt(0))
    pre_roll: float = field(default=0.5, validator=[validators.ge(0), validators.le(LONGEST_PRE_ROLL)])
    tail: float = field(default=0.3, validator=validators.ge(0))
    device_wait: float = field(default=10.0, validator=validators.ge(0))
    interruptible: bool = True
    barge_in: BargeInPolicy = field(factory=BargeInPolicy)
