"""``voicemode providers``: which engines there are, in the order in which they are asked, and how they do."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
import trio
from attrs import asdict, evolve, frozen

from actors.events import Health
from actors.messages import Place, Service

from ..settings import Settings
from . import options
from .defaults import configured
from .output import console, printable, write_json, writing
from .signals import exit_code_of, heeding_signals

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..speech.survey import Survey

NONE_UP = 1
WIDE = 200
"""Columns of the table where nobody's terminal limits it."""

EVERY = 1.0
"""Seconds between two rounds of questions while they are watched."""

DOING = {"stt": "listens", "tts": "speaks"}
COLOURS: dict[Health, str] = {"up": "green", "down": "red", "trying": "yellow", "unknown": "dim"}


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


@click.command()
@options.together(options.stt, options.tts)
@click.option("--watch", is_flag=True, help="Go on showing them until Ctrl-C.")
@options.as_json
def providers(stt: str, tts: str, watch: bool, as_json: bool) -> int:
    """List the engines that listen and speak, first one first, and whether they answer.

    Each is asked whether it is there, which costs nothing.  The exit code is 1 when there is a service for which no
    engine answers.
    """
    if watch and as_json:
        raise click.UsageError("--watch is for people and --json for programs: choose one of them.")
    settings = evolve(configured(), stt=stt, tts=tts)
    rows, received = trio.run(partial(_watched, settings) if watch else partial(_asked, settings))
    if as_json:
        write_json({"providers": [asdict(row) for row in rows]})
    elif not watch:
        with writing():
            screen = _screen()
            screen.print(table(rows))
            if idle_key(settings):
                screen.print("There is a key for OpenAI, which is not used: VOICEMODE_ALLOW_REMOTE is off.")
    if received is not None:
        return exit_code_of(received)
    usable = {row.service for row in rows if row.health != "down"}
    return 0 if usable >= set(DOING) else NONE_UP


def idle_key(settings: Settings) -> bool:
    """Whether OpenAI could be asked if that were allowed."""
    from ..speech.endpoint_name import OPENAI_KEY
    from ..speech.plan import is_auto

    keys = settings.keys or os.environ
    auto = is_auto(settings, "stt") or is_auto(settings, "tts")
    return auto and not settings.allow_remote and bool(keys.get(OPENAI_KEY, "").strip())


def table(rows: Sequence[Row]) -> Table:
    """For people; on a terminal as wide as that is."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table("", "engine", "place", "health", "p50", "p95", "model", "has", "last error", box=SIMPLE_HEAD)
    shown.pad_edge = False
    for column in (4, 5):
        shown.columns[column].justify = "right"
    before: Service | None = None
    for row in rows:
        shown.add_row(
            "" if row.service == before else DOING[row.service],
            printable(row.engine),
            row.place,
            Text(_health(row), COLOURS[row.health]),
            _milliseconds(row.p50),
            _milliseconds(row.p95),
            printable(row.model or ""),
            _has(row),
            printable(row.error or ""),
        )
        before = row.service
    return shown


def _health(row: Row) -> str:
    if row.health == "down" and row.retry_in is not None:
        return f"down, again in {max(0.0, row.retry_in):.0f} s"
    return row.health


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"


def _has(row: Row) -> str:
    counts = ((len(row.models), "model"), (len(row.voices), "voice"))
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count)


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


async def _asked(settings: Settings) -> tuple[list[Row], int | None]:
    async with heeding_signals(), _surveying(settings) as survey:
        await survey.go_round()
        return rows_of(survey, trio.current_time()), None


async def _watched(settings: Settings) -> tuple[list[Row], int | None]:
    from rich.live import Live

    halt = trio.CancelScope()
    async with heeding_signals() as signals, _surveying(settings) as survey:
        signals.stop = halt.cancel
        with halt, writing(), Live(console=_screen(), auto_refresh=False) as live:
            while True:
                await survey.go_round()
                shown = table(rows_of(survey, trio.current_time()))
                await trio.to_thread.run_sync(partial(live.update, shown, refresh=True))
                await trio.sleep(EVERY)
        return rows_of(survey, trio.current_time()), signals.received


@asynccontextmanager
async def _surveying(settings: Settings) -> AsyncGenerator[Survey]:
    from ..speech.providers import Providers
    from ..speech.survey import Survey

    providers = await Providers.open(settings, listens=True, speaks=True, must_work=False)
    try:
        yield Survey(providers)
    finally:
        await providers.aclose()


def _screen() -> Console:
    screen = console()
    if not screen.is_terminal:
        screen.width = WIDE
    return screen
