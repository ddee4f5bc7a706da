"""The tools ``service`` and ``voices``: what speaks and listens here, asked at this moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import trio
from msgspec import Meta

from actors.errors import VoiceError
from voicemode import Settings

from .arguments import Arguments

if TYPE_CHECKING:
    from voicemode.speech.providers import Providers

USUAL = "portaudio:"
"""What is opened where nothing is configured: the system's default device."""

DOING = {"stt": "listens", "tts": "speaks"}


class ServiceArguments(Arguments):
    action: Literal["status"] = "status"


class Engine(msgspec.Struct, kw_only=True, omit_defaults=True):
    service: str
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
    engines: list[Engine]
    devices: list[Device]
    microphone: str
    speaker: str

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
        return "\n".join([*lines, *(f"sound cards, {kind}s: {found}" for kind, found in names.items()), *used])


class VoicesArguments(Arguments):
    provider: Annotated[str, Meta(description="Only of this engine")] | None = None


class VoicesAnswer(msgspec.Struct, kw_only=True):
    voices: dict[str, list[str]]

    def in_words(self) -> str:
        return "\n".join(f"{engine}: {', '.join(names) or 'its own'}" for engine, names in self.voices.items())


async def service(settings: Settings, _: ServiceArguments) -> ServiceAnswer:
    async with _surveyed(settings) as providers:
        engines: list[Engine] = []
        for provider in providers.all:
            status = providers.board.status(*provider.key)
            engines.append(
                Engine(
                    service=provider.service,
                    engine=provider.name,
                    place=status.place,
                    health=status.health,
                    model=provider.engine.model or "",
                    error=status.error or "",
                )
            )
    used = (settings.microphone or USUAL, settings.speaker or USUAL)
    return ServiceAnswer(engines=engines, devices=await _devices(), microphone=used[0], speaker=used[1])


async def voices(settings: Settings, given: VoicesArguments) -> VoicesAnswer:
    async with _surveyed(settings) as providers:
        found = {
            provider.name: list(provider.engine.offer.voices)
            for provider in providers.all
            if provider.service == "tts" and given.provider in (None, provider.name)
        }
    return VoicesAnswer(voices=found)


async def _devices() -> list[Device]:
    from voicemode.audio.portaudio_devices import list_devices

    try:
        found = await list_devices()
    except VoiceError:
        return []
    return [Device(name=each.name, microphone=each.inputs > 0, speaker=each.outputs > 0) for each in found]


@asynccontextmanager
async def _surveyed(settings: Settings) -> AsyncGenerator[Providers]:
    from voicemode.speech.providers import Providers
    from voicemode.speech.survey import Survey

    providers = await Providers.open(settings, listens=True, speaks=True, must_work=False)
    try:
        await Survey(providers).go_round()
        yield providers
    finally:
        with trio.move_on_after(1, shield=True):
            await providers.aclose()
