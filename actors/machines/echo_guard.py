"""What the assistant plays and what is heard meanwhile go in; what is heard comes out, with possible echo made silent.

For microphones that hear the loudspeaker.  Nothing is taken out of the sound: a window counts for the user only where
it is louder than the echo can be.  Whoever wants to interrupt has to be that loud; the assistant never interrupts
itself, as long as nobody turns the loudspeaker up by more than ``margin`` at once.
"""

from __future__ import annotations

from collections import deque
from math import inf

from attrs import Attribute, evolve, field, frozen

from ..messages import SpeechActivity, StreamId

AUDIBLE = -60.0
"""dBFS below which what is played is no matter: its echo is below every microphone's own noise."""

REMEMBERED = 1000
"""Blocks, 10 s of sound, that may be known before the microphone's windows get there."""

TELLING = -45.0
"""dBFS from which on something is learnt of it: the echo of what is quieter may drown in the microphone's noise."""

INAUDIBLE = -40.0
"""dB below what is played from which on down a window holds no echo of it."""

JITTER = 0.02
"""Seconds by which the times of loudspeaker and microphone may disagree."""


def _level(_: EchoGuardPolicy, attribute: Attribute[float], value: float) -> None:
    if not -100.0 <= value <= 100.0:
        raise ValueError(f"{attribute.name} is a number of dB between -100 and 100, not {value}")


def _positive(_: EchoGuardPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value < inf:
        raise ValueError(f"{attribute.name} is 0 or more and finite, not {value}")


def _duration(_: EchoGuardPolicy, attribute: Attribute[float], value: float) -> None:
    if not value > 0.0:
        raise ValueError(f"{attribute.name} is a number of seconds above 0, not {value}")


@frozen(kw_only=True)
class EchoGuardPolicy:
    """How loud the user must be to be heard over the assistant.  Raises ValueError.

    ``margin``: by how many dB a window must be louder than the echo can be.  ``coupling``: by how many dB the echo is
    louder at the microphone than the sound is in the file, as long as nothing better is known; from then on it is
    learnt.  ``fall`` and ``rise``: by how many dB a second what is learnt follows quieter and louder echo; ``doubt``:
    by how many it follows what is beyond the margin, which is the user, or the loudspeaker turned up; ``least``: what
    it does not fall below.  ``unheard``: seconds under sound, at a stretch, in which nothing is heard of it, after
    which it is taken for granted that nothing can be: headphones.  ``gap``: seconds in which nothing left the
    loudspeaker, not even silence, after which what was learnt is forgotten.  ``reach``: seconds after a sound in which
    its echo may be heard, 0.25 for devices and room and 0.1 for its dying away.  ``hold``: seconds after a window of
    the user's in which others need no margin, for no voice is loud all the time.
    """

    margin: float = field(default=6.0, validator=_positive)
    coupling: float = field(default=0.0, validator=_level)
    fall: float = field(default=2.0, validator=_positive)
    rise: float = field(default=40.0, validator=_positive)
    doubt: float = field(default=6.0, validator=_positive)
    least: float = field(default=-100.0, validator=_level)
    unheard: float = field(default=1.2, validator=_duration)
    gap: float = field(default=0.1, validator=_duration)
    reach: float = field(default=0.35, validator=_positive)
    hold: float = field(default=0.3, validator=_positive)


class EchoGuard:
    """Follows one loudspeaker and one microphone.

    The echo of a block of sound lies within ``reach`` after it and is at most as loud as the block, give or take the
    coupling.  So a window is compared with the loudest block whose echo may be in it.  The coupling begins with the
    worst and falls slowly, because a pause in the speech says nothing; it rises fast, because windows louder than
    expected are the telling ones, but not at once, because a voice that sets in is not loud at once either.  What was
    learnt is forgotten when either device was closed: with another device the echo is another one.
    """

    def __init__(self, policy: EchoGuardPolicy) -> None:
        self._policy = policy
        self._coupling = policy.coupling
        self._played: deque[tuple[float, float, float]] = deque(maxlen=REMEMBERED)
        self._user_until = -inf
        self._played_until = -inf
        self._unheard = 0.0
        self._stream: StreamId | None = None

    @property
    def coupling(self) -> float:
        """By how many dB the echo is at present taken to be louder at the microphone than what is played."""
        return self._coupling

    def play(self, at: float, seconds: float, level: float) -> None:
        """Something leaves the loudspeaker from ``at`` on, for ``seconds``, at ``level`` dBFS; tell in order."""
        if at > self._played_until + self._policy.gap:
            self._coupling = self._policy.coupling
        self._played_until = at + seconds
        if level >= AUDIBLE:
            self._played.append((at, at + seconds, level))

    def feed(self, activity: SpeechActivity) -> SpeechActivity:
        """``activity``, with a probability of 0 when all of it may be echo; feed every one, in order."""
        policy = self._policy
        if activity.stream != self._stream:
            self._stream, self._coupling, self._user_until = activity.stream, policy.coupling, -inf
            self._unheard = 0.0
        earliest = activity.at - activity.duration - policy.reach
        while self._played and self._played[0][1] <= earliest:
            self._played.popleft()
        loudest = max((level for at, _, level in self._played if at < activity.at + JITTER), default=None)
        if loudest is None:
            return activity
        excess = activity.level - loudest - self._coupling
        if excess > policy.margin:
            self._user_until = activity.at + policy.hold
        if loudest >= TELLING:
            self._learn(excess, activity.duration)
            self._unheard = self._unheard + activity.duration if activity.level < loudest + INAUDIBLE else 0.0
            if self._unheard >= policy.unheard:
                self._coupling = min(self._coupling, INAUDIBLE)
        if excess > policy.margin or (excess > 0.0 and activity.at <= self._user_until):
            return activity
        return evolve(activity, probability=0.0)

    def _learn(self, excess: float, seconds: float) -> None:
        policy = self._policy
        if excess <= 0.0:
            self._coupling = max(policy.least, self._coupling + max(excess, -policy.fall * seconds))
        else:
            rate = policy.rise if excess <= policy.margin else policy.doubt
            self._coupling += min(excess, rate * seconds)
