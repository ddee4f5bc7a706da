"""The tools ``service`` and ``voices``: what speaks and listens here, asked at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import trio
from msgspec import Meta

from actors.errors import SettingsError, VoiceError
from actors.messages import Service
from voicemode import Settings
from voicemode.speech.engine_rows import DOING, Row, rows_of, surveying

from .arguments import Arguments

if TYPE_CHECKING:
    from .wakeable import Wakeable

USUAL = "portaudio:"
"""What is opened where nothing is configured: the system's default device."""


class ServiceArguments(Arguments):
    action: Literal["status"] = "status"


class Engine(msgspec.Struct, kw_only=True, omit_defaults=True):
    service: Service
    engine: str
    place: str
    health: str
    model: str = ""
    error: str = ""


class Device(msgspec.Struct, kw_only=True, omit_defaults=True):
    name: str
    microphone: bool = False
    speaker: bool = False


class ServiceAnswer(msgspec.Struct, kw_only=True):
    """``messages`` is whether the agent is woken by them, where it may be."""

    engines: list[Engine]
    devices: list[Device]
    microphone: str
    speaker: str
    note: str = ""
    messages: str = ""

    def in_words(self) -> str:
        lines = [
            f"{each.engine} {DOING[each.service]}: {each.health}{f' ({each.error})' if each.error else ''}"
            for each in self.engines
        ]
        names = {
            kind: ", ".join(device.name for device in self.devices if getattr(device, kind)) or "none"
            for kind in ("microphone", "speaker")
        }
        used = [f"in use: {self.microphone} to listen, {self.speaker} to speak"]
        cards = [f"sound cards, {kind}s: {found}" for kind, found in names.items()]
        return "\n".join(
            [*lines, *([self.note] if self.note else []), *cards, *used, *([self.messages] if self.messages else [])]
        )


class VoicesArguments(Arguments):
    provider: Annotated[str, Meta(description="Only of this engine")] | None = None


class VoicesAnswer(msgspec.Struct, kw_only=True):
    voices: dict[str, list[str]]

    def in_words(self) -> str:
        return "\n".join(f"{engine}: {', '.join(names) or 'its own'}" for engine, names in self.voices.items())


async def service(settings: Settings, _: ServiceArguments, wakeable: Wakeable | None = None) -> ServiceAnswer:
    from voicemode.speech.idle_key import idle_key

    engines = [
        Engine(
            service=row.service,
            engine=row.engine,
            place=row.place,
            health=row.health,
            model=row.model or "",
            error=row.error or "",
        )
        for row in await _rows(settings)
    ]
    used = (settings.microphone or USUAL, settings.speaker or USUAL)
    return ServiceAnswer(
        engines=engines,
        devices=await _devices(),
        microphone=used[0],
        speaker=used[1],
        note=idle_key(settings) or "",
        messages="" if wakeable is None else await wakeable.status(),
    )


async def voices(settings: Settings, given: VoicesArguments) -> VoicesAnswer:
    """Raises SettingsError for an engine that there is not."""
    speaking = [row for row in await _rows(settings) if row.service == "tts"]
    names = [row.engine for row in speaking]
    if given.provider is not None and given.provider not in names:
        there = f"there is {', '.join(names)}" if names else "there is none"
        raise SettingsError(f"No engine that speaks here is called {given.provider}; {there}.")
    return VoicesAnswer(
        voices={row.engine: list(row.voices) for row in speaking if given.provider in (None, row.engine)}
    )


async def _rows(settings: Settings) -> list[Row]:
    async with surveying(settings) as survey:
        await survey.go_round()
        return rows_of(survey, trio.current_time())


async def _devices() -> list[Device]:
    from voicemode.audio.portaudio_devices import list_devices

    try:
        found = await list_devices()
    except VoiceError:
        return []
    return [Device(name=each.name, microphone=each.inputs > 0, speaker=each.outputs > 0) for each in found]
