"""Telemetry of one conversation, from the settings.  In: what they ask for.  Out: an observer, which the conversation
tells everything, and whoever sends on what it sees.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from secrets import token_hex
from typing import TYPE_CHECKING

import trio

from actors.errors import SettingsError

from ..settings import Settings
from .facts import About, Facts
from .jsonl import JsonLines
from .observer import Observer
from .stages import Stages
from .writer import Exporters, writing

if TYPE_CHECKING:
    from .otel import OpenTelemetry


@asynccontextmanager
async def observing(
    settings: Settings,
    *,
    names: Sequence[str] = (),
    about: About | None = None,
    dropped: Callable[[], Mapping[str, int]] = dict[str, int],
) -> AsyncGenerator[Observer]:
    """While inside, send on what the observer is told, as ``settings.telemetry`` says; leaving ends the turn that is
    running and waits for what is left, 2 s at most.

    ``names`` has what its exchanges are kept under, once there is something; ``about`` knows the engines, ``dropped``
    counts by where what was lost.  Raises SettingsError where OpenTelemetry is asked for and cannot be had.
    """
    facts = Facts(
        conversation=token_hex(16),
        content=settings.telemetry_content,
        about=about or (lambda _, __: {}),
        kept_as=lambda: next(iter(names), None),
    )
    otel = await trio.to_thread.run_sync(_open_telemetry) if settings.telemetry in {"otel", "both"} else None
    lines = JsonLines(settings.base_dir, facts.conversation, days=settings.keep_days, megabytes=settings.keep_megabytes)
    async with writing(Exporters(otel, (lines,) if settings.telemetry in {"jsonl", "both"} else ())) as batches:
        observer = Observer(Stages(facts), batches.put_nowait, dropped, otel)
        try:
            yield observer
        finally:
            observer.close()


def _open_telemetry() -> OpenTelemetry:
    try:
        from .otel import OpenTelemetry

        return OpenTelemetry.open(version("voicemode"))
    except ImportError as error:
        raise SettingsError(
            f"Telemetry for OpenTelemetry needs the extra telemetry ({error.name} is missing): install "
            "voicemode[telemetry], or choose jsonl."
        ) from error
