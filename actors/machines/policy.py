"""The bounds of a turn, which the dialogue keeps."""

from __future__ import annotations

from attrs import field, frozen, validators

from .barge_in import BargeInPolicy
from .spoken_commands import SpokenCommands
from .turn_delay import TurnDelayPolicy

LONGEST_PRE_ROLL = 3.0
"""Seconds; the recorder keeps more, because a start of speech is known only a while after it."""


@frozen(kw_only=True)
class TurnPolicy:
    """The bounds of a turn, in seconds.  Raises ValueError for those that leave nothing between them.

    ``no_speech`` how long nobody may answer; ``longest`` how long one answer may be; ``pre_roll`` and ``tail`` what is
    kept of the sound before the first and after the last voiced window; ``device_wait`` how long a lost microphone or
    speaker may take to come back while the turn needs it, 0 for not at all.  ``least`` is how long the user is listened
    to before their silence can end it, and with ``ignore_silence`` only a button or ``longest`` does.  ``delay`` says
    how long that silence lasts; ``drafts`` is how many transcripts may be made of one answer before it has certainly
    ended, to have it at once and to know more.  ``spoken`` are the commands the user may say, and ``rest`` is how long
    nobody is listened to when they say that they want to wait.  After ``away`` without a word of anybody the user is
    taken to be away.
    """

    no_speech: float = field(default=10.0, validator=validators.gt(0))
    longest: float = field(default=120.0, validator=validators.gt(0))
    pre_roll: float = field(default=0.5, validator=[validators.ge(0), validators.le(LONGEST_PRE_ROLL)])
    tail: float = field(default=0.3, validator=validators.ge(0))
    device_wait: float = field(default=10.0, validator=validators.ge(0))
    least: float = field(default=0.0, validator=validators.ge(0))
    ignore_silence: bool = False
    delay: TurnDelayPolicy = field(factory=TurnDelayPolicy)
    drafts: int = field(default=4, validator=validators.ge(0))
    spoken: SpokenCommands = field(factory=SpokenCommands)
    rest: float = field(default=60.0, validator=validators.gt(0))
    away: float = field(default=15.0, validator=validators.gt(0))
    interruptible: bool = True
    barge_in: BargeInPolicy = field(factory=BargeInPolicy)
