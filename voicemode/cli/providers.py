"""``voicemode providers``: which engines there are, in the order in which they are asked, and how they do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING

import click
import trio
from attrs import asdict, evolve

from actors.events import Health
from actors.messages import Service

from ..settings import Settings
from ..speech.engine_rows import DOING, Row, rows_of, surveying
from . import options
from .defaults import configured
from .output import console, printable, write_json, writing
from .signals import exit_code_of, heeding_signals

if TYPE_CHECKING:
    from rich.console import Console, Group

NONE_UP = 1
WIDE = 100
"""Columns where nobody's terminal limits them."""

LONGEST_MODEL = 24
"""Characters of a model's name on one line."""

EVERY = 1.0
"""Seconds between two rounds of questions while they are watched."""

COLOURS: dict[Health, str] = {"up": "green", "down": "red", "trying": "yellow", "unknown": "dim"}


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
        from ..speech.idle_key import idle_key

        with writing():
            screen = _screen()
            screen.print(table(rows))
            if told := idle_key(settings):
                screen.print(told)
    if received is not None:
        return exit_code_of(received)
    usable = {row.service for row in rows if row.health != "down"}
    return 0 if usable >= set(DOING) else NONE_UP


def table(rows: Sequence[Row]) -> Group:
    """For people; on a terminal as wide as that is.  Below it is why each of those failed that did, by its name."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown = Table("", "engine", "place", "health", "answers", "model", box=SIMPLE_HEAD)
    shown.pad_edge, shown.padding = False, (0, 1, 0, 0)
    shown.columns[4].justify = "right"
    for column in (0, 2, 3, 4):
        shown.columns[column].no_wrap = True
    for column in (1, 5):
        # what does not fit is folded, and nothing of it is left out
        shown.columns[column].overflow = "fold"
    before: Service | None = None
    for row in rows:
        shown.add_row(
            "" if row.service == before else DOING[row.service],
            printable(row.engine),
            row.place,
            Text(row.health, COLOURS[row.health]),
            _milliseconds(row.p50, row.p95),
            "\n".join(line for line in (_model(row.model), _has(row)) if line),
        )
        before = row.service
    return Group(shown, *(Text(line) for row in rows if row.error for line in _reason(row.error)))


def _reason(error: str) -> list[str]:
    """Lines that are not too long; the engine's name begins the first of them."""
    return wrap(printable(error), WIDE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _milliseconds(p50: float | None, p95: float | None) -> str:
    if p50 is None or p95 is None:
        return ""
    usual, late = f"{p50 * 1000:.0f}", f"{p95 * 1000:.0f}"
    return f"{usual} ms" if usual == late else f"{usual}-{late} ms"


def _model(model: str | None) -> str:
    """On two lines when it is long and says whose it is."""
    name = printable(model or "")
    return name if len(name) <= LONGEST_MODEL else name.replace("/", "/\n", 1)


def _has(row: Row) -> str:
    counts = ((len(row.models), "model"), (len(row.voices), "voice"))
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count)


async def _asked(settings: Settings) -> tuple[list[Row], int | None]:
    async with heeding_signals(), surveying(settings) as survey:
        await survey.go_round()
        return rows_of(survey, trio.current_time()), None


async def _watched(settings: Settings) -> tuple[list[Row], int | None]:
    from rich.live import Live

    halt = trio.CancelScope()
    async with heeding_signals() as signals, surveying(settings) as survey:
        signals.stop = halt.cancel
        with halt, writing(), Live(console=_screen(), auto_refresh=False) as live:
            while True:
                await survey.go_round()
                shown = table(rows_of(survey, trio.current_time()))
                await trio.to_thread.run_sync(partial(live.update, shown, refresh=True))
                await trio.sleep(EVERY)
        return rows_of(survey, trio.current_time()), signals.received


def _screen() -> Console:
    screen = console()
    if not screen.is_terminal:
        screen.width = WIDE
    return screen
