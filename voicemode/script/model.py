"""What a script file may hold: one class a table, checked for names, types and ranges when a file is read.

Every number of seconds is at most an hour, so that neither infinity nor a slip of the keyboard makes a script hang.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct, field

from actors.results import Outcome

from ..settings import FASTEST, SLOWEST

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=3600)]
Wait: TypeAlias = Annotated[float, Meta(gt=0, le=3600)]
Milliseconds: TypeAlias = Annotated[float, Meta(ge=0, le=3_600_000)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Speed: TypeAlias = Annotated[float, Meta(ge=SLOWEST, le=FASTEST)]
Text: TypeAlias = Annotated[str, Meta(min_length=1)]

DELAY = 0.4
"""Seconds a person takes to answer when the script does not say."""


class Speaking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one side's texts are spoken; what is None is the engine's own."""

    engine: Text | None = None
    voice: Text | None = None
    speed: Speed | None = None


class Listening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the user is listened to, in all steps; what is None is as the settings have it.

    ``no_speech``, ``longest`` and ``interruptible`` are those of ``TurnPolicy``, ``hangover`` is ``EndpointPolicy``'s,
    ``barge_in`` the seconds of voice that interrupt, ``min_speech`` of ``BargeInPolicy``.
    """

    engine: Text | None = None
    phrases: tuple[Text, ...] | None = None
    no_speech: Wait | None = None
    longest: Wait | None = None
    hangover: Seconds | None = None
    barge_in: Seconds | None = None
    interruptible: bool | None = None


class Bounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that each of a turn's ``Timings`` may be."""

    first_sample_ms: Milliseconds | None = None
    endpoint_ms: Milliseconds | None = None
    stt_ms: Milliseconds | None = None
    speech_end_to_transcript_ms: Milliseconds | None = None
    barge_in_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to come of a step; what is None is not looked at.

    Texts are compared word by word, without case and punctuation.  ``word_error`` is the share of ``transcript``'s
    words that may be wrong, ``heard_words`` the least and the most words heard of the assistant.
    """

    outcome: Outcome | None = None
    transcript: str | None = None
    word_error: Share | None = None
    spoken: str | None = None
    heard: str | None = None
    heard_complete: bool | None = None
    heard_words: tuple[Count, Count] | None = None
    at_most: Bounds = field(default_factory=Bounds)


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn: what the assistant says, if anything, and what the user says to it, if anything.

    ``when`` is "after" the assistant or so many seconds into its speech; ``delay`` are the seconds from the moment the
    user is listened to until they speak.
    """

    assistant: Text | None = None
    agent: bool = False
    user: Text | None = None
    user_audio: Text | None = None
    when: Literal["after"] | Seconds = "after"
    delay: Seconds | None = None
    listen: bool = True
    phrases: tuple[Text, ...] | None = None
    expect: Expectation = field(default_factory=Expectation)

    @property
    def assistant_speaks(self) -> bool:
        return self.agent or self.assistant is not None

    @property
    def user_speaks(self) -> bool:
        return self.user is not None or self.user_audio is not None


class ScriptFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file.  ``agent`` is an import path, ``module:attribute``."""

    title: str | None = None
    agent: Text | None = None
    assistant: Speaking = field(default_factory=Speaking)
    user: Speaking = field(default_factory=Speaking)
    listening: Listening = field(default_factory=Listening)
    step: tuple[Step, ...] = ()
