"""Whether an engine may be asked: how its calls and probes went in, whether and when it is tried again out.

Theory of operation.  Closed, everybody may ask.  Some failures open it at once, others when several follow one another,
and those that are the request's own fault never.  Open, nobody may until ``retry_at``; then one may, and how that trial
goes closes it, or opens it for longer.  A trial that was cancelled says nothing, and another may follow.

A probe only shows that somebody is there.  So an engine that could not be reached is back when a probe reaches it.  One
that was reached and did not do its work is *mute*: only a call that it answers shows that it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Literal, TypeAlias

from attrs import define, field, frozen, validators

from ..errors import ProviderError, ProviderRefused, ProviderUnavailable
from .backoff import Backoff

Severity: TypeAlias = Literal["fatal", "counted", "harmless"]

FATAL = frozenset(
    {"unreachable", "untrusted", "timeout", "unauthorized", "moved", "not_installed", "no_model", "no_voices"}
)
"""Codes of failures that the next call would meet as well, or that keep the user waiting until a deadline."""

ENGINES_OWN = frozenset({"not_found"})
"""Codes of refusals that may be about the engine and not about the request: a wrong address, or a wrong voice."""

BEFORE_ASKING = frozenset({"unreachable", "untrusted"})
"""Codes of failures to connect, which a probe meets as well."""

LONGEST_ASKED = 600.0
"""Seconds for which an engine is left alone at most because it says so: one request in ten minutes hurts nobody."""


@frozen(kw_only=True)
class BreakerPolicy:
    """When an engine is left alone, and for how long in seconds.  Raises ValueError.

    ``failures``: how many in a row open the breaker.  ``first`` and ``longest``: the delays for one that could not be
    reached, which costs nobody anything to try; ``mute_first`` and ``mute_longest``: those for one that took a call
    and did not do it, which costs the next speaker a deadline.
    """

    failures: int = field(default=3, validator=validators.ge(1))
    first: float = field(default=1.0, validator=validators.gt(0))
    longest: float = field(default=30.0, validator=validators.gt(0))
    mute_first: float = field(default=10.0, validator=validators.gt(0))
    mute_longest: float = field(default=120.0, validator=validators.gt(0))


@frozen(eq=False)
class Permit:
    """Somebody asks the engine; give it back with what came of it.  ``opening`` counts the openings before it, -1 if
    what comes of it says nothing."""

    probe: bool
    opening: int


@define
class Breaker:
    """One engine's.  ``chance`` gives numbers from 0 to 1 for the jitter of the delays; None for none."""

    policy: BreakerPolicy = field(factory=BreakerPolicy)
    chance: Callable[[], float] | None = None
    retry_at: float | None = field(default=None, init=False)
    """When the next trial may begin; None while the breaker is closed."""
    mute: bool = field(default=False, init=False)
    """Only a call can close it."""
    left_until: float = field(default=-inf, init=False)
    """Until when the engine asked to be left alone."""
    trial: Permit | None = field(default=None, init=False)
    """The call or probe whose outcome is waited for."""
    _failures: int = field(default=0, init=False)
    _openings: int = field(default=0, init=False)
    _unreached: Backoff = field(init=False)
    _muted: Backoff = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._unreached = Backoff(self.policy.first, self.policy.longest, self.chance)
        self._muted = Backoff(self.policy.mute_first, self.policy.mute_longest, self.chance)

    def allowed(self, now: float) -> bool:
        """Whether a call should begin."""
        return self.retry_at is None or (self.trial is None and now >= self.retry_at)

    def begin(self, *, probe: bool = False) -> Permit:
        """A call or a probe begins.  One that begins although it is not allowed, because nobody else is left to ask,
        is the trial if there is none yet."""
        if self.retry_at is None or (probe and self.mute):
            return Permit(probe, self._openings)
        if self.trial is not None:
            return Permit(probe, -1)
        self.trial = Permit(probe, self._openings)
        return self.trial

    def answered(self, permit: Permit) -> None:
        """The first of an answer is there.  That closes it, but until a call is ``done`` the next failure opens it
        again, and for longer."""
        if permit is not self.trial:
            return
        self.retry_at = self.trial = None
        self.mute, self.left_until = False, -inf
        if permit.probe:
            self._unreached.reset()
        else:
            self._failures = self.policy.failures - 1

    def done(self, permit: Permit) -> None:
        """A call was answered to its end: all is forgotten and forgiven."""
        if permit.opening == self._openings and self.retry_at is None and not permit.probe:
            self._failures = 0
            self._unreached.reset()
            self._muted.reset()

    def failed(self, permit: Permit, now: float, error: ProviderError) -> None:
        """What began before the breaker opened is part of why it did, and says nothing new."""
        if permit.opening != self._openings:
            return
        trial = permit is self.trial
        if not trial and self.trial is not None:
            return
        self.trial = None
        severity = "fatal" if permit.probe else severity_of(error)
        if severity == "harmless":
            return
        self._failures += 1
        if trial or severity == "fatal" or self._failures >= self.policy.failures:
            self._open(now, error, mute=not (permit.probe or error.code in BEFORE_ASKING))

    def cancelled(self, permit: Permit) -> None:
        if permit is self.trial:
            self.trial = None

    def _open(self, now: float, error: ProviderError, *, mute: bool) -> None:
        self._failures = 0
        self._openings += 1
        self.mute = mute
        delay = (self._muted if mute else self._unreached).next()
        self.left_until = max(self.left_until, now + min(asked_of(error), LONGEST_ASKED))
        self.retry_at = max(now + delay, self.left_until)


def severity_of(error: ProviderError) -> Severity:
    """What a failed call says of the engine: not to ask it again, to be counted, or nothing."""
    if error.code in FATAL or asked_of(error):
        return "fatal"
    if isinstance(error, ProviderRefused) and error.code not in ENGINES_OWN:
        return "harmless"
    return "counted"


def asked_of(error: ProviderError) -> float:
    """For how many seconds the engine asks to be left alone."""
    return (error.retry_after or 0.0) if isinstance(error, ProviderUnavailable) else 0.0
