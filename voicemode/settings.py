"""What a conversation is told before it begins: devices, engines, the voice, and the bounds of a turn."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from attrs import Attribute, field, frozen

from actors.errors import SettingsError
from actors.machines.endpointer import EndpointPolicy
from actors.machines.policy import TurnPolicy

from .audio.against_echo import Echo as Echo

SLOWEST, FASTEST = 0.25, 4.0
"""The factors on an engine's usual pace that are accepted."""


def check_speed(speed: float | None) -> float | None:
    """Raises SettingsError unless ``speed`` is a factor between 0.25 and 4."""
    if speed is not None and not SLOWEST <= speed <= FASTEST:
        raise SettingsError(
            f"A speed of {speed:g} cannot be: choose one from {SLOWEST:g} to {FASTEST:g} (1 is normal)."
        )
    return speed


def _speed(_: object, __: Attribute[float | None], value: float | None) -> None:
    check_speed(value)


def _phrases(_: object, __: Attribute[tuple[str, ...]], value: object) -> None:
    if isinstance(value, str):
        raise SettingsError("The phrases to expect are a tuple of texts, not a text.")


def _echo(_: object, __: Attribute[Echo], value: str) -> None:
    if value not in get_args(Echo):
        raise SettingsError(f"echo is one of {', '.join(get_args(Echo))}, not {value!r}.")


@frozen(kw_only=True)
class Settings:
    """Everything has a default.

    ``microphone`` and ``speaker`` are URIs (``portaudio:``, ``file:``, ``null:``); None is the machine's own, opened
    only where something is to be heard or said.  ``tts``, ``stt`` and ``vad`` name engines; None does without the
    engine, so that a conversation that only speaks loads no recogniser.  ``voice`` is the engine's own name of a voice,
    ``speed`` a factor from 0.25 to 4.  ``phrases`` are what the user is expected to say: an embedded recogniser then
    answers with one of them.  ``base_dir`` is where recordings are kept, those that wait for their transcript always,
    the others only with ``save_audio``.  ``chimes`` are short sounds that tell when it is the user's turn and when they
    were heard; None plays them where a speaker is in a room.  ``noise_suppression`` takes steady noise out of what is
    heard and ``gain_control`` brings it to a usual level; both need the extra ``aec``.
    """

    microphone: str | None = None
    speaker: str | None = None
    tts: str | None = "espeak-ng"
    stt: str | None = "pocketsphinx"
    vad: str = "silero"
    voice: str | None = None
    speed: float | None = field(default=None, validator=_speed)
    phrases: tuple[str, ...] = field(default=(), validator=_phrases)
    endpoint: EndpointPolicy = field(factory=EndpointPolicy)
    turn: TurnPolicy = field(factory=TurnPolicy)
    base_dir: Path = field(factory=lambda: Path.home() / ".voicemode")
    save_audio: bool = False
    chimes: bool | None = None
    echo: Echo = field(default="auto", validator=_echo)
    noise_suppression: bool = False
    gain_control: bool = False
