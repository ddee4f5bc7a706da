"""Every engine there is, for whoever wants to see them.  In: settings.  Out: a row for each, in the order in which they
are asked, with what it answers at this moment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from actors.events import Health
from actors.messages import Place, Service

from ..settings import Settings

if TYPE_CHECKING:
    from .survey import Survey

DOING: Mapping[Service, str] = {"stt": "listens", "tts": "speaks"}


@frozen(kw_only=True)
class Row:
    """An engine as it is shown.  Times are seconds: ``since`` how long its health is what it is, ``p50`` and ``p95``
    until it says that it is there."""

    service: Service
    engine: str
    place: Place
    health: Health
    since: float
    model: str | None
    models: tuple[str, ...]
    voices: tuple[str, ...]
    p50: float | None
    p95: float | None
    error: str | None
    retry_in: float | None


@asynccontextmanager
async def surveying(settings: Settings) -> AsyncGenerator[Survey]:
    """A survey of all engines; nobody has been asked yet.  Raises SettingsError."""
    # what speaks HTTP is loaded for those alone who ask
    from .providers import Providers
    from .survey import Survey

    providers = await Providers.open(settings, listens=True, speaks=True, must_work=False, asks=False)
    try:
        yield Survey(providers)
    finally:
        await providers.aclose()


def rows_of(survey: Survey, now: float) -> list[Row]:
    """What is known of each engine that is on the board, at ``now`` on the Trio clock."""
    rows: list[Row] = []
    providers = survey.providers
    for provider in providers.all:
        engine, status = provider.engine, providers.board.status(*provider.key)
        answers = survey.answers.get(provider.key)
        rows.append(
            Row(
                service=provider.service,
                engine=provider.name,
                place=status.place,
                health=status.health,
                since=round(now - status.since, 3),
                model=engine.model,
                models=engine.offer.models(provider.service),
                voices=engine.offer.voices if provider.service == "tts" else (),
                p50=None if answers is None else answers.percentile(50),
                p95=None if answers is None else answers.percentile(95),
                error=status.error,
                retry_in=None if status.retry_at is None else round(status.retry_at - now, 3),
            )
        )
    return rows
