"""Speech probabilities go in, window by window; where speech starts, pauses, resumes and ends comes out.

What comes out of one stream is always a prefix of ``(Started (Paused Resumed)* Paused Ended)*``.  Time is audio time
only: it passes from window to window, and a stretch without windows (frames were dropped) passes as silence.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import Attribute, field, frozen

from ..messages import SpeechActivity, SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted, StreamId

Transition: TypeAlias = SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded

_ROUNDING = 1e-6
"""Seconds by which sums of window lengths may miss a limit that they were meant to meet."""


def _probability(policy: EndpointPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{attribute.name} is a probability and lies between 0 and 1, not at {value}")
    if attribute.name == "stop" and value > policy.start:
        raise ValueError(f"stop ({value}) must not be above start ({policy.start}), or speech would flicker")


def _duration(policy: EndpointPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} is a number of seconds, 0 or more, not {value}")
    if attribute.name == "hangover" and value < policy.pause:
        raise ValueError(f"hangover ({value} s) must not be shorter than pause ({policy.pause} s)")


@frozen(kw_only=True)
class EndpointPolicy:
    """When a voice counts as speech, and when its silence counts as the end.  Raises ValueError.

    ``start``: the probability from which a window is voiced after an unvoiced one; ``stop``: the probability below
    which it is unvoiced after a voiced one.  While nobody speaks only ``start`` counts.  ``min_speech``: seconds of
    voice that make speech; ``pause``: seconds of silence that make a pause; ``hangover``: those that make an end as
    long as nobody who knows more says how long this pause is to be waited out.
    """

    start: float = field(default=0.5, validator=_probability)
    stop: float = field(default=0.35, validator=_probability)
    min_speech: float = field(default=0.096, validator=_duration)
    pause: float = field(default=0.2, validator=_duration)
    hangover: float = field(default=0.7, validator=_duration)


class Endpointer:
    """Follows one opening of the microphone.

    Speech starts when ``min_speech`` seconds of voice have gathered; every unvoiced second takes one away again and
    the count starts afresh at zero.  So a dropped window inside a word does not hide it, and clicks never add up to
    speech however many there are, as long as there is as much silence between them.
    """

    def __init__(self, policy: EndpointPolicy, stream: StreamId) -> None:
        self._policy = policy
        self._stream = stream
        self._state: Literal["silent", "speaking", "paused"] = "silent"
        self._now: float | None = None
        self._gathered = 0.0
        self._began = self._voice_ended = 0.0
        self._voiced = False
        self._until: float | None = None

    @property
    def speaking(self) -> bool:
        """Whether speech has started and not ended; it is true during a pause."""
        return self._state != "silent"

    def expect(self, pause: float, until: float) -> None:
        """The pause that began at ``pause`` ends the utterance when it has lasted until ``until``, which may have come
        already; another pause is not meant."""
        if self._state == "paused" and pause == self._voice_ended:
            self._until = until

    def feed(self, activity: SpeechActivity) -> list[Transition]:
        """What ``activity`` shows to have happened, in order.

        Raises ValueError, and nothing has happened, when it is of another stream or does not end after the last one.
        """
        if activity.stream != self._stream:
            raise ValueError(f"activity of stream {activity.stream} fed to the endpointer of stream {self._stream}")
        if self._now is not None and activity.at <= self._now:
            raise ValueError(f"activity at {activity.at} s comes after activity at {self._now} s: time went back")
        begin = activity.at - activity.duration
        events: list[Transition] = []
        # Less than half a window is the jitter of time stamps, not lost sound.
        if self._now is not None and begin - self._now > activity.duration / 2:
            events += self._pass_silence(self._now, begin, activity)
        if activity.probability >= (self._policy.stop if self._voiced else self._policy.start):
            events += self._pass_voice(begin, activity)
        else:
            self._voiced = False
            events += self._pass_silence(begin, activity.at, activity)
        self._now = activity.at
        return events

    def _pass_voice(self, begin: float, activity: SpeechActivity) -> list[Transition]:
        self._voice_ended = activity.at
        if self._state == "silent":
            if not self._gathered:
                self._began = begin
            self._gathered += activity.duration
            if self._gathered < self._policy.min_speech - _ROUNDING:
                return []
            self._state, self._gathered, self._voiced = "speaking", 0.0, True
            return [_seen(SpeechStarted, activity, self._began)]
        resumed = self._state == "paused"
        self._state, self._voiced = "speaking", True
        return [_seen(SpeechResumed, activity, begin)] if resumed else []

    def _pass_silence(self, begin: float, end: float, activity: SpeechActivity) -> list[Transition]:
        if self._state == "silent":
            left = self._gathered - (end - begin)
            self._gathered = left if left > _ROUNDING else 0.0
            return []
        events: list[Transition] = []
        silence = end - self._voice_ended + _ROUNDING
        if self._state == "speaking" and silence >= self._policy.pause:
            self._state, self._voiced, self._until = "paused", False, None
            events.append(_seen(SpeechPaused, activity, self._voice_ended))
        until = self._voice_ended + self._policy.hangover if self._until is None else self._until
        if self._state == "paused" and end + _ROUNDING >= until:
            self._state = "silent"
            events.append(
                SpeechEnded(
                    stream=self._stream,
                    at=self._voice_ended,
                    decided=end,
                    probability=activity.probability,
                    level=activity.level,
                )
            )
        return events


def _seen(
    kind: type[SpeechStarted | SpeechPaused | SpeechResumed], activity: SpeechActivity, at: float
) -> SpeechStarted | SpeechPaused | SpeechResumed:
    return kind(stream=activity.stream, at=at, probability=activity.probability, level=activity.level)
