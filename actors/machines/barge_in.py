"""Speech events over the assistant's voice go in; whether they are an interruption comes out.

One machine serves one utterance of the assistant.  A cough starts speech as a word does, but it does not last.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import Attribute, field, frozen

from ..messages import (
    SpeechActivity,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    StreamId,
)

_ROUNDING = 1e-6
"""Seconds by which sums of window lengths may miss a limit that they were meant to meet."""


def _duration(_: BargeInPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} is a number of seconds, 0 or more, not {value}")


def _probability(_: BargeInPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{attribute.name} is a probability and lies between 0 and 1, not at {value}")


@frozen(kw_only=True)
class BargeInPolicy:
    """How much voice interrupts the assistant.  Raises ValueError.

    ``min_speech``: seconds of voice that commit; ``gap``: seconds of silence after which what came before no longer
    counts; ``voiced``: the probability from which a window is voice.
    """

    min_speech: float = field(default=0.2, validator=_duration)
    gap: float = field(default=0.1, validator=_duration)
    voiced: float = field(default=0.5, validator=_probability)


@frozen(kw_only=True)
class Commit:
    """The user means to interrupt; they began at ``began``."""

    began: float


@frozen(kw_only=True)
class Forget:
    """The sound that began at ``began`` was no interruption."""

    began: float


Verdict: TypeAlias = Commit | Forget


class BargeIn:
    """Judges each onset once: it commits when it has lasted, or is forgotten when the voice falls silent first.

    An onset is a start of speech, or a going on after a pause that has not been judged an interruption.  Voice whose
    onset was not seen, because the user was speaking when the assistant began, is not over the assistant but the
    assistant over it; it counts only from its next pause on.
    """

    def __init__(self, policy: BargeInPolicy) -> None:
        self.policy = policy
        self._stream: StreamId | None = None
        self._latest: float | None = None
        self._committed = False
        self._began: float | None = None
        self._voiced = self._voice_ended = 0.0

    def feed(self, event: SpeechEvent) -> Verdict | None:
        """Judge ``event``; feed every one, in order.  An event of another stream starts afresh."""
        if event.stream != self._stream:
            self._stream, self._latest, self._committed = event.stream, None, False
            self._began = None
        match event:
            case SpeechActivity():
                return self._listen(event)
            case SpeechStarted():
                self._committed = False
                return self._onset(event.at)
            case SpeechResumed():
                return None if self._committed else self._onset(event.at)
            case SpeechPaused() | SpeechEnded():
                if self._began is None:
                    return None
                began, self._began = self._began, None
                return Forget(began=began)

    def _onset(self, began: float) -> Commit | None:
        self._began = began
        # The endpointer waits for its own evidence before it speaks up, so the voice is already this old.
        self._voiced = 0.0 if self._latest is None else max(0.0, self._latest - began)
        self._voice_ended = began + self._voiced
        return self._judge()

    def _listen(self, activity: SpeechActivity) -> Commit | None:
        self._latest = activity.at
        if self._began is None or activity.probability < self.policy.voiced:
            return None
        if activity.at - activity.duration - self._voice_ended > self.policy.gap + _ROUNDING:
            self._voiced = 0.0
        self._voiced += activity.duration
        self._voice_ended = activity.at
        return self._judge()

    def _judge(self) -> Commit | None:
        if self._began is None or self._voiced < self.policy.min_speech - _ROUNDING:
            return None
        began, self._began = self._began, None
        self._committed = True
        return Commit(began=began)
