"""One engine among several.  In: how it was planned.  Out: the engine, opened, and what failover is to know of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, Union
from zlib import crc32

import trio
from attrs import frozen

from actors.errors import ProviderError, VoiceError
from actors.failover import Candidate
from actors.machines.board import Key
from actors.messages import Service

from .choices import Likenesses
from .embedded import EmbeddedRecogniser, EmbeddedVoice
from .plan import Planned
from .registry import check_name

if TYPE_CHECKING:
    from .services import ServiceRecogniser, ServiceVoice

AT_START = 0.3
"""Seconds in which a service that is there has to say what it has, to be known from the start; otherwise it is found a
little later."""

Engine: TypeAlias = Union["ServiceRecogniser", "ServiceVoice", EmbeddedRecogniser, EmbeddedVoice]


@frozen(kw_only=True)
class Provider:
    """An engine for one service, opened or about to be loaded."""

    service: Service
    plan: Planned
    engine: Engine

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def key(self) -> Key:
        return self.service, self.name


def candidate_of(provider: Provider) -> Candidate[Any]:
    engine = provider.engine
    voices = Likenesses(lambda: engine.offer.voices) if provider.service == "tts" else None
    return Candidate(
        name=provider.name,
        engine=engine,
        place=provider.plan.place,
        rank=rank_of(provider),
        voices=voices,
        has_spoken=lambda: isinstance(engine, EmbeddedRecogniser | EmbeddedVoice) or engine.known,
    )


def rank_of(provider: Provider) -> int | None:
    """Equals, among which the board chooses, are services that were found and have the same model.

    What the user names has the user's order, and the usual names of models stand for anything.
    """
    plan, engine = provider.plan, provider.engine
    if plan.offer is None or isinstance(engine, EmbeddedRecogniser | EmbeddedVoice) or engine.model == engine.usual:
        return None
    return crc32(engine.model.encode()) if engine.model in plan.offer.models(provider.service) else None


async def open_engine(provider: Provider, ask: bool) -> None:
    """With ``ask`` the service may say at once what it has, for as long as there is time for it."""
    engine = provider.engine
    if isinstance(engine, EmbeddedRecogniser | EmbeddedVoice):
        await check_name(str(provider.plan.name), provider.service)
        return
    await engine.open(provider.plan.offer)
    if ask and not provider.plan.found:
        with trio.move_on_after(AT_START), suppress(ProviderError):
            await engine.probe()


async def attend(engine: ServiceRecogniser | ServiceVoice) -> None:
    """Until cancelled: ask what the service has, and again whenever a connection went with a request that was given up,
    so that there is one when it is needed.  Why it does not answer is found out by who needs it."""
    while True:
        with suppress(VoiceError):
            await engine.probe()
        await engine.given_up()
