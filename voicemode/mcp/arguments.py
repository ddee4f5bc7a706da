"""What the tools take: JSON from a client in, checked values out, and the schemas that clients are told.

Names and meanings are those of voice-mode's tools, so that whoever was used to them goes on; what does nothing there is
left out.  Numbers, truth values and lists may come as text, as some models write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from actors.errors import SettingsError
from actors.machines.barge_in import Manners
from voicemode.settings import SoundFormat

T = TypeVar("T", bound="Arguments")

Seconds = Annotated[float, Meta(gt=0, le=3600)]
Delay = Annotated[float, Meta(ge=0, le=3600)]
Speed = Annotated[float, Meta(ge=0.25, le=4)]
TRUTH = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
"""As text, besides 1 and 0."""

MetricsLevel = Literal["minimal", "summary", "verbose"]


class Arguments(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all."""


class Line(Arguments):
    """One line of a script: exactly one of ``say`` and ``ask``."""

    say: str | None = None
    ask: str | None = None
    voice: str | None = None
    speed: Speed | None = None
    pause_after_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None
    listen_duration_max: Seconds | None = None
    listen_duration_min: Delay | None = None

    def __post_init__(self) -> None:
        if (self.say is None) == (self.ask is None):
            raise ValueError("a turn has either say or ask")


class ConverseArguments(Arguments):
    message: Annotated[str, Meta(description="What to say; empty only listens")] | None = None
    turns: Annotated[list[Line], Meta(description="Instead of message: several things to say or ask, in order")] = []
    resume: Annotated[str, Meta(description="The resume of an answer still_listening: wait on")] | None = None
    wait_for_response: bool = True
    listen_duration_max: Seconds | None = None
    listen_duration_min: Delay | None = None
    pause_after_ms: Annotated[int, Meta(ge=0, le=60_000)] = 150
    interruptible: (
        Annotated[bool, Meta(description="Speaking over you stops you; true if you wait for an answer")] | None
    ) = None
    policy: Annotated[Manners, Meta(description="What you do when spoken over")] | None = None
    vocabulary: Annotated[list[str], Meta(description="Names and words to expect")] = []
    choices: Annotated[list[str], Meta(description="The only answers to expect, such as yes and no")] = []
    voice: str | None = None
    speed: Speed | None = None
    tts_provider: Annotated[str, Meta(description="kokoro, openai, espeak-ng or a URL")] | None = None
    tts_model: str | None = None
    tts_instructions: Annotated[str, Meta(description="How to speak, where the engine can be told")] | None = None
    audio_format: SoundFormat | None = None
    chime_enabled: bool | None = None
    disable_silence_detection: Annotated[bool, Meta(description="Listen for listen_duration_max")] = False
    vad_aggressiveness: Annotated[int, Meta(ge=0, le=3)] | None = None
    skip_tts: Annotated[bool, Meta(description="Do not speak, only listen")] | None = None
    metrics_level: MetricsLevel | None = None
    wait_for_conch: Annotated[bool | Delay, Meta(description="Wait while another agent speaks, or so long")] = False
    hold_conch: Annotated[bool, Meta(description="Keep others waiting until your next call")] = False
    conch_hold_timeout: Seconds | None = None
    skip_conch: bool = False
    session_id: str | None = None


def checked(kind: type[T], given: Mapping[str, Any] | None) -> T:
    """Raises SettingsError with a sentence that says what to change."""
    try:
        return msgspec.convert(_meant(given or {}, kind), kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{_in_words(str(error), kind)} Nothing was done.") from error


def _meant(given: Mapping[str, Any], kind: type[Arguments]) -> dict[str, Any]:
    """What is given, with text in the place of truth values and lists read; what cannot be read stays as it is."""
    return {
        name: _read(value, _properties(kind).get(name, {})) if isinstance(value, str) else value
        for name, value in given.items()
    }


@cache
def _properties(kind: type[Arguments]) -> dict[str, dict[str, Any]]:
    """A schema takes 1.5 ms to make."""
    properties: dict[str, dict[str, Any]] = schema_of(kind)["properties"]
    return properties


def _read(text: str, schema: Mapping[str, Any]) -> Any:
    kinds = {each.get("type") for each in [schema, *schema.get("anyOf", [])]}
    if "boolean" in kinds:
        return TRUTH.get(text.strip().lower(), text)
    if "array" in kinds:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            pass
    return text


def _in_words(said: str, kind: type[Arguments]) -> str:
    what, _, where = said.partition(" - at `$")
    name = where.rstrip("`").lstrip(".")
    sentence = what.replace("`", "").replace(" | null", "")
    choices: list[str] = _properties(kind).get(name, {}).get("enum", [])
    if choices:
        sentence += f"; it is one of {', '.join(each for each in choices if each)}"
    elif "unknown field" in sentence and (not name or name.startswith("turns[")):
        names = list(_properties(Line if name else kind))
        wrong = sentence.split()[-1]
        near = [each for each in names if each.startswith(wrong)] or get_close_matches(wrong, names, n=1)
        sentence += f"; did you mean {near[0]}?" if near else f"; there is {', '.join(names)}"
    sentence = f"{name}: {sentence}" if name else sentence
    return sentence if sentence.endswith("?") else f"{sentence}."


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """As JSON Schema, as short as it can be: a client pays for every word of it."""
    whole = msgspec.json.schema(kind)
    parts: dict[str, dict[str, Any]] = whole["$defs"]
    schema = _bare(parts.pop(kind.__name__))
    if parts:
        schema["$defs"] = {name: _bare(part) for name, part in parts.items()}
    return schema


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """An object without what only repeats its names or says nothing."""
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    bare = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    return {**bare, "properties": {name: _may_be_left_out(each) for name, each in properties.items()}}


def _may_be_left_out(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the null of what may be left out, and without a default that is nothing."""
    bare = {key: value for key, value in schema.items() if key != "default" or value not in (None, [], {}, "", 0)}
    kinds: list[dict[str, Any]] = [each for each in bare.pop("anyOf", []) if each != {"type": "null"}]
    if len(kinds) == 1:
        return {**kinds[0], **bare}
    return {**bare, "anyOf": kinds} if kinds else bare
