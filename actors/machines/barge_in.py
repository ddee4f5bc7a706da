"""Speech events over the assistant's voice go in, and what the user said as far as it is known; whether they are an
interruption comes out.

One machine serves one opening of the microphone.  A cough starts speech as a word does, but it does not last.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from attrs import Attribute, field, frozen, validators

from ..messages import (
    SpeechActivity,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    StreamId,
)
from .backchannel import BACKCHANNELS, backchannel
from .spoken_words import words

_ROUNDING = 1e-6
"""Seconds by which sums of window lengths may miss a limit that they were meant to meet."""

UNDECIDED = 4.0
"""Seconds for which the assistant may be ducked or held without anybody having been found to speak.

A noise that is a little less like a voice than speech has to be at its start (``EndpointPolicy.stop`` and ``start``)
neither pauses nor interrupts.  It is twice ``BargeInPolicy.certain``, so that whoever speaks has that much voice in it,
however they breathe, and most have paused long before."""

STOP_WORDS = ("stop", "stop it", "be quiet", "shut up")

STOP_LEADING = 2
"""Words that may stand before a stop word: "please stop", and not "when does the bus stop"."""

Manners: TypeAlias = Literal["interrupt", "finish_sentence", "pause_and_resume", "ignore"]
"""What the assistant does when it is spoken over.  ``interrupt``: it lowers its voice at once and stops when that is
meant.  ``finish_sentence``: it stops after the sentence.  ``pause_and_resume``: it falls silent at once and goes on
where it was unless there are words in what was said.  ``ignore``: it goes on."""


def _duration(_: BargeInPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} is a number of seconds, 0 or more, not {value}")


def _share(_: BargeInPolicy, attribute: Attribute[float], value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{attribute.name} lies between 0 and 1, not at {value}")


@frozen(kw_only=True)
class BargeInPolicy:
    """How much voice interrupts the assistant, and what it does then.  Raises ValueError.

    ``min_speech``: seconds of voice that commit; ``gap``: seconds of silence after which what came before no longer
    counts; ``voiced``: the probability from which a window is voice.  ``duck``: the share of its level the assistant
    keeps while that is undecided.  ``min_words``: with words to be had, how many there must be that are no
    ``backchannels``; ``certain``: seconds of voice that need no words.  ``protected``: seconds from the assistant's
    first sample in which nothing interrupts it but ``stop_words``, which always do, with few words before them.
    """

    manners: Manners = field(default="pause_and_resume", validator=validators.in_(get_args(Manners)))
    min_speech: float = field(default=0.19, validator=_duration)
    gap: float = field(default=0.1, validator=_duration)
    voiced: float = field(default=0.5, validator=_share)
    duck: float = field(default=0.25, validator=_share)
    min_words: int = field(default=0, validator=validators.ge(0))
    certain: float = field(default=2.0, validator=_duration)
    protected: float = field(default=0.0, validator=_duration)
    backchannels: tuple[str, ...] = BACKCHANNELS
    stop_words: tuple[str, ...] = STOP_WORDS

    @property
    def by_words(self) -> bool:
        """Whether words decide where they can be had, and voice alone only when there is much of it."""
        return self.holds or self.min_words > 0

    @property
    def holds(self) -> bool:
        """Whether the assistant falls silent while that is undecided."""
        return self.manners == "pause_and_resume"


@frozen(kw_only=True)
class Onset:
    """Somebody began to make themselves heard at ``began``; whether they mean it is not decided."""

    began: float


@frozen(kw_only=True)
class Commit:
    """The user means to interrupt; they began at ``began``."""

    began: float


@frozen(kw_only=True)
class Forget:
    """The sound that began at ``began`` was no interruption."""

    began: float


Verdict: TypeAlias = Onset | Commit | Forget


class BargeIn:
    """Judges each onset once: it commits when it has lasted or has words, or is forgotten when neither is so.

    An onset is a start of speech, or a going on after a pause that has not been judged an interruption.  Voice whose
    onset was not seen, because the user was speaking when the assistant began, is not over the assistant but the
    assistant over it; it counts only from its next pause on.

    What is undecided for too long is doubted: its words still count, if there are any, and it is an onset anew once it
    has the voice for an interruption.

    ``deaf`` while nothing but a stop word interrupts; ``reads`` while the words can be had, a moment after each pause;
    ``stopped`` once it was a stop word that interrupted, until speech starts anew.
    """

    def __init__(self, policy: BargeInPolicy) -> None:
        self.policy = policy
        self.deaf = self.reads = self.stopped = False
        self._stream: StreamId | None = None
        self._latest: float | None = None
        self._committed = self._silent = False
        self._began: float | None = None
        self._voiced = self._voice_ended = self._total = 0.0
        self._doubted = False

    @property
    def wants_words(self) -> bool:
        """Whether what was said, once it is known, decides."""
        return self.reads and (self.policy.by_words or self.deaf)

    def feed(self, event: SpeechEvent) -> Verdict | None:
        """Judge ``event``; feed every one, in order.  An event of another stream starts afresh."""
        if event.stream != self._stream:
            self._stream, self._latest, self._committed = event.stream, None, False
            self._began = None
        match event:
            case SpeechActivity():
                return self._listen(event)
            case SpeechStarted():
                self.start_anew()
                return self._onset(event.at)
            case SpeechResumed():
                if self._committed:
                    return None
                if self._began is None:
                    return self._onset(event.at)
                self._silent = False
                return None
            case SpeechPaused():
                self._silent = True
                return None if self.wants_words else self._forget()
            case SpeechEnded():
                return self._conclude() if self.wants_words else self._forget()

    def start_anew(self) -> None:
        """What comes now is no part of what was judged already."""
        self._committed = self.stopped = False

    def stops(self, text: str) -> bool:
        """Whether ``text`` ends with a stop word and says little else."""
        said = words(text)
        return any(
            said[-len(phrase) :] == phrase and len(said) - len(phrase) <= STOP_LEADING
            for phrase in map(words, self.policy.stop_words)
            if phrase
        )

    def told(self, text: str) -> Verdict | None:
        """``text`` is what the user said, up to their pause."""
        if self._began is None:
            return None
        if self.stops(text):
            self.stopped = True
            return self._commit()
        enough = len(words(text)) >= max(1, self.policy.min_words)
        if self.policy.by_words and not self.deaf and enough and not backchannel(text, self.policy.backchannels):
            return self._commit()
        return self._forget() if self._silent else None

    def untold(self) -> Verdict | None:
        """Nobody can say what the user said: how long they did decides."""
        return self._conclude() if self._silent else None

    def undecided(self) -> Verdict | None:
        """It takes too long: much voice commits, however broken, and what fell silent after enough of it; nothing else
        may keep the assistant waiting."""
        if self._began is None:
            return None
        if self._silent:
            meant = self._voiced >= self.policy.min_speech - _ROUNDING
        else:
            meant = self._total >= UNDECIDED / 2 - _ROUNDING
        if meant and not self.deaf:
            return self._commit()
        self._doubted, self._voiced = True, 0.0
        return Forget(began=self._began)

    def _onset(self, began: float) -> Verdict | None:
        self._began, self._silent, self._doubted = began, False, False
        # The endpointer waits for its own evidence before it speaks up, so the voice is already this old.
        self._voiced = 0.0 if self._latest is None else max(0.0, self._latest - began)
        self._voice_ended = began + self._voiced
        self._total = self._voiced
        return self._judge() or Onset(began=began)

    def _listen(self, activity: SpeechActivity) -> Verdict | None:
        self._latest = activity.at
        if self._began is None or activity.probability < self.policy.voiced:
            return None
        if activity.at - activity.duration - self._voice_ended > self.policy.gap + _ROUNDING:
            self._voiced = 0.0
        self._voiced += activity.duration
        self._total += activity.duration
        self._voice_ended = activity.at
        return self._judge() or self._believe()

    def _believe(self) -> Verdict | None:
        """What was doubted has a voice in it after all."""
        if self._began is None or not self._doubted or self._voiced < self.policy.min_speech - _ROUNDING:
            return None
        self._doubted, self._total = False, self._voiced
        return Onset(began=self._voice_ended - self._voiced)

    def _judge(self) -> Verdict | None:
        enough = self.policy.certain if self.reads and self.policy.by_words else self.policy.min_speech
        if self._began is None or self.deaf or self._voiced < enough - _ROUNDING:
            return None
        return self._commit()

    def _conclude(self) -> Verdict | None:
        if self.deaf or self._voiced < self.policy.min_speech - _ROUNDING:
            return self._forget()
        return self._commit()

    def _commit(self) -> Verdict | None:
        if self._began is None:
            return None
        began, self._began = self._began, None
        self._committed = True
        return Commit(began=began)

    def _forget(self) -> Verdict | None:
        if self._began is None:
            return None
        began, self._began = self._began, None
        return Forget(began=began)
