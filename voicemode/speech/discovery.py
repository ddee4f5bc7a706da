"""Finds services on this machine.  In: the places to look at.  Out: those where one answers, with what it has.

A closed port refuses at once.  Who accepts and says nothing is not waited for, and found where something is usual, and
so is who asks for a key or is broken: that shall be seen, and told.  No key is sent: who listens at a port is nobody's
word for who it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from attrs import evolve, frozen

from actors.errors import ProviderError
from actors.messages import Service

from ..settings import Settings
from .endpoint_name import EndpointName
from .offer import Offer
from .registry import release

if TYPE_CHECKING:
    from .openai_tts import OpenAIVoice

PATIENCE = 3.0
"""Seconds within which a service says what it has when nobody waits for it."""

CONNECT = 0.3
"""Seconds within which a service on this machine accepts."""

REFUSALS = ("unauthorized", "failed", "busy")
"""Codes of errors by which somebody who is there does not say what they have."""

SERVICES: tuple[Service, ...] = ("stt", "tts")


@frozen
class Spot:
    """A port of this machine; ``usual`` is what the service there does if it lists no model that tells.

    ``lists``: who lists nothing is not the usual one.
    """

    port: int
    usual: tuple[Service, ...] = ()
    lists: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


USUAL: tuple[Spot, ...] = (
    Spot(2022, ("stt",)),  # whisper.cpp, which lists nothing
    Spot(8880, ("tts",), lists=True),  # Kokoro-FastAPI
    Spot(8890),  # mlx-audio
    Spot(8000),  # speaches, once faster-whisper-server
    Spot(9000),  # Whisper in a container
    Spot(8881),  # voicemode serve-speech: the embedded engines again, so it comes last
)


def spots_for(settings: Settings) -> tuple[Spot, ...]:
    """Where services are usual, at the ports that the settings have for them."""
    ports = {2022: settings.whisper_port, 8880: settings.kokoro_port, 8890: settings.mlx_audio_port}
    return tuple(evolve(spot, port=ports.get(spot.port, spot.port)) for spot in USUAL)


@frozen
class Found:
    """``offer`` is None where the service has not said what it has."""

    spot: Spot
    services: tuple[Service, ...]
    offer: Offer | None


async def look(spot: Spot, patience: float = PATIENCE) -> Found | None:
    """The service at ``spot``, or None if nobody accepts there or who does is none.

    It has ``patience`` seconds to say what it has.
    """
    if not await _accepts(spot.port):
        return None
    # most ports are closed, and then nothing of HTTP needs to be loaded
    from .openai_tts import OpenAIVoice

    there = await OpenAIVoice.open(EndpointName(spot.url, {}), environment={})
    try:
        with trio.move_on_after(patience):
            return _found(spot, await _offer(there, spot))
        return Found(spot, spot.usual, None) if spot.usual else None
    except ProviderError as error:
        tells = spot.usual and not spot.lists and error.code in REFUSALS
        return Found(spot, spot.usual, Offer()) if tells else None
    finally:
        await release(there)


async def look_at(spots: Iterable[Spot], patience: float = PATIENCE) -> list[Found]:
    """What is found at ``spots``, in their order; all are looked at side by side."""
    found: dict[Spot, Found | None] = dict.fromkeys(spots)

    async def one(spot: Spot) -> None:
        found[spot] = await look(spot, patience)

    async with trio.open_nursery() as nursery:
        for spot in found:
            nursery.start_soon(one, spot)
    return [each for each in found.values() if each is not None]


def _found(spot: Spot, offer: Offer) -> Found | None:
    found: list[Service] = [service for service in SERVICES if offer.models(service)]
    usual = () if spot.lists and offer == Offer() else spot.usual
    services = tuple(found) or usual
    return Found(spot, services, offer) if services else None


async def _accepts(port: int) -> bool:
    with trio.move_on_after(CONNECT), suppress(OSError):
        await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
        return True
    return False


async def _offer(there: OpenAIVoice, spot: Spot) -> Offer:
    """Raises ProviderError when what listens there is no such service."""
    models = await there.models()
    if not (Offer.of(models).tts or "tts" in spot.usual):
        return Offer.of(models)
    return Offer.of(models, await there.voices())
