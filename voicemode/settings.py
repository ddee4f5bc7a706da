"""What a conversation is told before it begins: devices, engines, the voice, and the bounds of a turn."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias, cast

from attrs import Attribute, evolve, field, frozen

from actors.errors import SettingsError
from actors.machines.endpointer import EndpointPolicy
from actors.machines.policy import TurnPolicy

from .audio.against_echo import Echo as Echo
from .control.pauses import PauseEnd as PauseEnd
from .field_types import typed

SLOWEST, FASTEST = 0.25, 4.0
"""The factors on an engine's usual pace that are accepted."""

OFTENEST, RAREST = 0.01, 5.0
"""Seconds after which who waits for the floor looks again."""

AUTO = "auto"
"""Names no engine: the best there is, and the next best after it."""

SILENCE = 1.5
"""Seconds that an engine may say nothing before another one is asked."""

SoundFormat: TypeAlias = Literal["pcm", "wav", "flac", "mp3", "opus", "aac"]
"""What services are asked to send speech as."""

Compress: TypeAlias = Literal["auto", "always", "never"]
"""Whether recordings are sent as FLAC instead of WAV; ``auto`` does so to other machines."""

Telemetry: TypeAlias = Literal["none", "jsonl", "otel", "both"]
"""Where spans and figures of the turns go: nowhere, into a file, to OpenTelemetry, or both of these."""

Names: TypeAlias = str | tuple[str, ...] | None


def check_speed(speed: float | None) -> float | None:
    """Raises SettingsError unless ``speed`` is a factor between 0.25 and 4."""
    if speed is not None and not SLOWEST <= speed <= FASTEST:
        raise SettingsError(
            f"A speed of {speed:g} cannot be: choose one from {SLOWEST:g} to {FASTEST:g} (1 is normal)."
        )
    return speed


def names_of(engines: Names) -> tuple[str, ...]:
    """The engines that are named, in their order."""
    return () if engines is None else (engines,) if isinstance(engines, str) else engines


def several(given: str | Iterable[str] | None) -> Names:
    """A text may hold several with commas between them; one alone is a text, several are a tuple."""
    if given is None:
        return None
    parts = tuple(given.split(",")) if isinstance(given, str) else texts(given)
    try:
        "".join(parts)
    except TypeError:
        return parts  # which its type refuses, by the name of the field
    names = tuple(part.strip() for part in parts if part.strip())
    if AUTO in names and len(names) > 1:
        raise SettingsError(f"{AUTO!r} stands for all engines there are and does not go together with others.")
    if len(set(names)) < len(names):
        raise SettingsError("An engine is named twice, and once is enough.")
    if not names:
        raise SettingsError(f"No engine is named; {AUTO!r} takes the best there is, None does without one.")
    return names[0] if len(names) == 1 else names


def texts(given: Iterable[str]) -> tuple[str, ...]:
    """A tuple of what is given one by one; what is a text or nothing of that kind stays, to be refused by its type."""
    try:
        return cast("tuple[str, ...]", given) if isinstance(given, str) else tuple(given)
    except TypeError:
        return cast("tuple[str, ...]", given)


def path_of(given: str | os.PathLike[str]) -> Path:
    """``~`` is the home.  What is no path stays, to be refused by its type.

    Raises SettingsError where nobody is at home.
    """
    try:
        return Path(given).expanduser()
    except TypeError:
        return cast("Path", given)
    except RuntimeError as error:
        raise SettingsError(f"There is no home directory for {given}.") from error


def _silence(_: object, __: Attribute[float], value: float) -> None:
    if not 0 < value < math.inf:
        raise SettingsError(f"An engine may be silent for a number of seconds above 0, not for {value:g}.")


def _count(_: object, attribute: Attribute[int], value: int) -> None:
    if value < 0:
        raise SettingsError(f"{attribute.name} is a whole number from 0, not {value}.")


def _speed(_: object, __: Attribute[float | None], value: float | None) -> None:
    check_speed(value)


def _port(_: object, attribute: Attribute[int], value: int) -> None:
    if not 0 < value < 1 << 16:
        raise SettingsError(f"{attribute.name} is a port from 1 to 65535, not {value}.")


def _longest_pause(_: object, __: Attribute[float], value: float) -> None:
    if not 0 < value < math.inf:
        raise SettingsError(f"A pause may last a number of seconds above 0, not {value:g}.")


def _limit(_: object, attribute: Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise SettingsError(f"{attribute.name} is a number from 0, which is no limit, not {value:g}.")


def _from_0(_: object, attribute: Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise SettingsError(f"{attribute.name} is a number of seconds from 0, not {value:g}.")


def _floor_check(_: object, __: Attribute[float], value: float) -> None:
    if not OFTENEST <= value <= RAREST:
        raise SettingsError(f"floor_check is a number of seconds from {OFTENEST:g} to {RAREST:g}, not {value:g}.")


@frozen(kw_only=True, field_transformer=typed)
class Settings:
    """Everything has a default.  Raises SettingsError for what cannot be, also for a value of a wrong type.

    ``microphone`` and ``speaker`` are URIs (``portaudio:``, ``file:``, ``null:``); None is the machine's own, opened
    only where something is to be heard or said.  ``tts``, ``stt`` and ``vad`` name engines; None does without the
    engine, so that a conversation that only speaks loads no recogniser.  ``tts`` and ``stt`` may name several, of which
    the first that can does it, or are ``auto`` for all there are: those at ``tts_urls`` and ``stt_urls``, services that
    are found on this machine (if ``look_around``), OpenAI's if there is a key and ``allow_remote``, before what was
    found unless ``prefer_local``, and the embedded ones.  An engine that says nothing for ``silence`` seconds is given
    up for the next; with ``hedge`` the next is asked as well when one takes longer than it usually does.
    ``voice`` is the engine's own name of a voice, ``speed`` a factor from 0.25 to 4.  ``voices`` are preferred where no
    voice is named, ``tts_models`` and ``stt_model`` where no model is, the first that a service has; ``stt_prompt`` is
    made known to recognisers behind an endpoint, and so is ``stt_language`` (``de``; ``auto`` lets them find out).
    ``whisper_port``, ``kokoro_port`` and ``mlx_audio_port`` are where these are looked for on this machine and what the
    names ``whisper`` and ``kokoro`` stand for; ``kokoro_voice`` goes before ``voices`` there.  Services are asked for
    speech as ``tts_format`` first, and in the manner of ``tts_instructions`` where they can be told; ``stt_compress``
    says whether recordings are compressed for them.
    ``phrases`` are what the user is expected to say: an embedded recogniser then answers with one of them.
    ``base_dir`` is where recordings are kept, those that wait for their transcript always, the others only with
    ``save_audio``.  ``chimes`` are short sounds that tell when it is the user's turn and when they were heard; None
    plays them where a speaker is in a room.  ``noise_suppression`` takes steady noise out of what is heard and
    ``gain_control`` brings it to a usual level; both need the extra ``aec``.
    With ``control`` the user's other processes can pause, stop and ask after the conversation at ``control_socket``;
    what was paused for ``longest_pause`` seconds is then ended or goes on, as ``after_pause`` says.
    With ``text`` nothing is heard or played, and no engine or device is needed: what the assistant says is its text,
    what the user says is typed.
    With ``speculative_replies`` the agent of a talk is asked as soon as the user looks done, before that is certain;
    its answer is dropped when they go on, so that it is also asked for answers that nobody hears.
    ``turn_model`` judges by the sound whether the user is done: ``smart-turn``, or a path.  ``history`` is how many of
    its latest utterances the assistant can say again.
    With ``save_transcriptions`` what both sides said is written down in ``base_dir`` (and the assistant's sound kept if
    ``save_audio`` is on too), with ``event_log`` when each phase of a turn began and ended.  What is saved is removed
    when it is older than ``keep_days`` or more than ``keep_megabytes``, the oldest first; 0 is no limit.
    ``telemetry`` sends spans and figures of the turns into a file below ``base_dir`` (``jsonl``), to OpenTelemetry
    (``otel``, which needs the extra telemetry) or to both; with ``telemetry_content`` also what was said.
    ``keys`` are those of endpoints by the
    names of their variables; where there are none the process's environment is asked.
    With ``floor`` agents that have the same ``base_dir`` take turns at the voice: one waits ``floor_wait`` seconds
    where it does not say for how long, looks every ``floor_check`` seconds, and holds the floor for ``floor_hold``
    seconds between two turns where it asks for that.
    """

    microphone: str | None = None
    speaker: str | None = None
    tts: Names = field(default=AUTO, converter=several)
    stt: Names = field(default=AUTO, converter=several)
    vad: str = "silero"
    tts_urls: tuple[str, ...] = field(default=(), converter=texts)
    stt_urls: tuple[str, ...] = field(default=(), converter=texts)
    look_around: bool = True
    prefer_local: bool = True
    allow_remote: bool = False
    silence: float = field(default=SILENCE, validator=_silence)
    hedge: bool = False
    voices: tuple[str, ...] = field(default=("af_sky", "alloy"), converter=texts)
    tts_models: tuple[str, ...] = field(default=(), converter=texts)
    stt_model: str | None = None
    stt_prompt: str | None = None
    stt_language: str = AUTO
    whisper_port: int = field(default=2022, validator=_port)
    kokoro_port: int = field(default=8880, validator=_port)
    mlx_audio_port: int = field(default=8890, validator=_port)
    kokoro_voice: str | None = None
    tts_format: SoundFormat = "pcm"
    tts_instructions: str | None = None
    stt_compress: Compress = "auto"
    voice: str | None = None
    speed: float | None = field(default=None, validator=_speed)
    phrases: tuple[str, ...] = field(default=(), converter=texts)
    endpoint: EndpointPolicy = field(factory=EndpointPolicy)
    turn: TurnPolicy = field(factory=TurnPolicy)
    turn_model: str | None = None
    speculative_replies: bool = False
    text: bool = False
    history: int = field(default=8, validator=_count)
    base_dir: Path = field(factory=lambda: Path.home() / ".voicemode", converter=path_of)
    save_audio: bool = False
    chimes: bool | None = None
    echo: Echo = "auto"
    noise_suppression: bool = False
    gain_control: bool = False
    control: bool = False
    control_socket: Path = field(factory=lambda: Path.home() / ".voicemode" / "control.sock", converter=path_of)
    longest_pause: float = field(default=300.0, validator=_longest_pause)
    after_pause: PauseEnd = "stop"
    save_transcriptions: bool = False
    event_log: bool = False
    keep_days: float = field(default=0.0, validator=_limit)
    keep_megabytes: float = field(default=0.0, validator=_limit)
    telemetry: Telemetry = "none"
    telemetry_content: bool = False
    keys: Mapping[str, str] = field(factory=dict[str, str], repr=False, hash=False)
    floor: bool = True
    floor_wait: float = field(default=300.0, validator=_from_0)
    floor_check: float = field(default=0.5, validator=_floor_check)
    floor_hold: float = field(default=10.0, validator=_from_0)

    @property
    def bounds(self) -> TurnPolicy:
        """``turn``, with the hangover of ``endpoint`` as what is waited when nothing is known of a pause."""
        usual, delay = self.endpoint.hangover, self.turn.delay
        return evolve(
            self.turn,
            delay=evolve(delay, unknown=usual, shortest=min(delay.shortest, usual), longest=max(delay.longest, usual)),
        )
