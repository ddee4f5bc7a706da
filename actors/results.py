"""How a turn ended, as whoever asked for it is told: frozen values without behaviour.

Durations are float seconds, but for ``Timings``, which are for people and JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from attrs import field, frozen

from .account import SpokenText
from .messages import DeviceKind, ProviderFailure, TurnId

Outcome: TypeAlias = Literal["heard", "said", "interrupted", "no_speech", "stopped"]


@frozen(kw_only=True)
class Engines:
    tts: str | None = None
    stt: str | None = None


@frozen(kw_only=True)
class Timings:
    """Milliseconds; None where the turn had no such moment.

    ``first_sample_ms`` call to first sample at the device; ``endpoint_ms`` end of speech to the decision that it had
    ended; ``stt_ms`` the engine's time; ``speech_end_to_transcript_ms`` end of speech to the transcript at hand;
    ``barge_in_ms`` the user's first voiced sample to the order that silences the assistant; ``total_ms`` call to
    result.
    """

    first_sample_ms: float | None = None
    endpoint_ms: float | None = None
    stt_ms: float | None = None
    speech_end_to_transcript_ms: float | None = None
    barge_in_ms: float | None = None
    total_ms: float = 0.0


@frozen(kw_only=True)
class DeviceLoss:
    """A device that was gone for part of a turn; ``seconds`` until it was back, None if the turn ended before."""

    device: DeviceKind
    reason: str
    seconds: float | None = None


@frozen(kw_only=True)
class Speculation:
    """How many drafts of the user's words were asked for before they had ended, how many were for nothing because the
    user went on, and whether the last was the transcript, so that nobody had to wait for another."""

    drafts: int = 0
    wasted: int = 0
    used: bool = False


@frozen(kw_only=True)
class TurnResult:
    """How a turn ended: ``heard`` (the user answered), ``said`` (nothing to listen for), ``interrupted`` (the assistant
    was stopped, by voice or by hand), ``no_speech`` (nobody answered) or ``stopped`` (ended from outside).

    ``false_interruptions`` is how often the assistant ducked for what turned out to be no interruption.
    """

    turn: TurnId
    outcome: Outcome
    transcript: str = ""
    spoken: SpokenText = field(factory=SpokenText)
    engines: Engines = field(factory=Engines)
    timings: Timings = field(factory=Timings)
    utterance: Path | None = None
    losses: tuple[DeviceLoss, ...] = ()
    failures: tuple[ProviderFailure, ...] = ()
    speculation: Speculation = field(factory=Speculation)
    false_interruptions: int = 0


@frozen(kw_only=True)
class Presumed:
    """What the user has said in ``turn``, unless they go on, and what they had ``heard`` of the assistant before."""

    turn: TurnId
    text: str
    heard: str
