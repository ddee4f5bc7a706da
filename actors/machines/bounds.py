"""How long a turn waits, and for what: the turn, its policy and the losses in, moments in the caller's time out."""

from __future__ import annotations

from attrs import frozen

from .barge_in import UNDECIDED
from .losses import Losses
from .policy import TurnPolicy
from .turn import Turn


@frozen
class Bounds:
    """When the user has been waited for, has rested or has spoken long enough, when a device that is needed is given
    up, when the microphone is tried again, when the user is taken to be away, and until when it may be undecided
    whether they interrupt the assistant; None where there is nothing to wait for."""

    user: float | None = None
    microphone: float | None = None
    speaker: float | None = None
    retry: float | None = None
    away: float | None = None
    undecided: float | None = None

    @classmethod
    def of(cls, turn: Turn | None, losses: Losses, policy: TurnPolicy, quiet: float | None = None) -> Bounds:
        """``quiet`` is since when nobody has said a word, None when that has been told."""
        if turn is None:
            return cls(retry=losses.retry_at)
        undecided = None if turn.ducked_since is None else turn.ducked_since + UNDECIDED
        if turn.stopped or turn.error is not None:
            return cls(undecided=undecided)
        microphone = speaker = None
        if turn.awaits_user and turn.listening_since is not None:
            microphone = losses.give_up_at("microphone", turn.listening_since)
        if turn.talking and not turn.hushed:
            speaker = losses.give_up_at("speaker", turn.began)
        away = None
        if quiet is not None and turn.awaits_user and not losses.absent("microphone"):
            away = losses.returned("microphone", quiet) + policy.away
        return cls(_user(turn, losses, policy), microphone, speaker, losses.retry_at, away, undecided)

    @property
    def first(self) -> float | None:
        # asked for with every window of sound, and attrs would make copies
        bounds = (self.user, self.microphone, self.speaker, self.retry, self.away, self.undecided)
        return min((bound for bound in bounds if bound is not None), default=None)


def _user(turn: Turn, losses: Losses, policy: TurnPolicy) -> float | None:
    if turn.rests_until is not None:
        return turn.rests_until
    if turn.voice is not None:
        return None if turn.talking or turn.understood else turn.voice.began + policy.longest
    if not turn.awaits_user or turn.listening_since is None or losses.absent("microphone"):
        return None
    return losses.returned("microphone", turn.listening_since) + policy.no_speech


def due(bound: float | None, now: float) -> bool:
    return bound is not None and bound <= now
