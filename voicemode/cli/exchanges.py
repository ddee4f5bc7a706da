"""``voicemode exchanges``: what was said in earlier conversations, and in the one that is going on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio

from actors.errors import VoiceError

from . import options
from .day import day
from .output import console, flush, printable, write_json, write_line, writing
from .signals import exit_code_of, heeding_signals
from .tally import counted

if TYPE_CHECKING:
    from ..exchanges.choosing import Wanted
    from ..exchanges.exchange import Exchange, Side
    from ..exchanges.reading import Exchanges
    from .exchange_lines import ExchangeLines

EVERY = 0.5
"""Seconds between two looks for what is new."""

WIDE = 200
"""Columns of the table where nobody's terminal limits it."""

SIDES: dict[str, Side] = {"user": "stt", "assistant": "tts"}


def _count(default: int) -> options.Option[options.Command]:
    return click.option(
        "-n",
        "--lines",
        "count",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        metavar="COUNT",
        help="How many exchanges at most, the last ones.",
    )


days = options.together(
    click.option("--since", callback=day, metavar="DAY", help="From then, as in 2026-03-04, yesterday or today."),
    click.option("--until", callback=day, metavar="DAY", help="To the end of that day."),
)
choosing = options.together(
    days,
    click.option("--side", type=click.Choice(list(SIDES)), help="What one of the two said."),
    click.option("--provider", callback=options.utf8, metavar="TEXT", help="An engine, or a part of its name."),
    click.option("--project", callback=options.utf8, metavar="TEXT", help="A project's path, or a part of it."),
)
as_lines = click.option(
    "--json", "as_json", is_flag=True, help="Lines of JSON on stdout, one for each exchange, as they were written."
)


@click.group(invoke_without_command=True)
@click.pass_context
def exchanges(context: click.Context) -> None:
    """Read what was said.

    It is kept from when you say voicemode config set VOICEMODE_SAVE_TRANSCRIPTIONS true.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@exchanges.command()
@_count(10)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is said from now on, until Ctrl-C.")
@options.together(as_lines, options.base_dir)
def tail(count: int, follow: bool, as_json: bool, base_dir: Path) -> int:
    """The last exchanges."""
    from ..exchanges.reading import Exchanges, recent

    if follow:
        return trio.run(partial(_followed, Exchanges(base_dir), count, as_json=as_json))
    found = recent(base_dir, count)
    _show(found, as_json=as_json)
    _tell_none(found, base_dir)
    return 0


async def _followed(kept: Exchanges, count: int, *, as_json: bool) -> int:
    from ..exchanges.following import Follower
    from .exchange_lines import ExchangeLines

    lines = ExchangeLines()
    async with heeding_signals() as signals:
        with trio.CancelScope() as scope:
            signals.stop = scope.cancel
            follower = await trio.to_thread.run_sync(Follower, kept, abandon_on_cancel=True)
            found = await trio.to_thread.run_sync(follower.last, count, abandon_on_cancel=True)
            while True:
                _show(found, as_json=as_json, lines=lines)
                await trio.sleep(EVERY)
                found = await trio.to_thread.run_sync(follower.new, abandon_on_cancel=True)
    return 0 if signals.received is None else exit_code_of(signals.received)


@exchanges.command()
@click.argument("conversation", required=False, callback=options.utf8)
@options.together(as_lines, options.base_dir)
def view(conversation: str | None, as_json: bool, base_dir: Path) -> int:
    """One conversation, the last if none is named: who said it, with which engine, and where the recordings are.

    CONVERSATION is its name or the beginning of it, as the other commands show it.
    """
    from ..exchanges.choosing import Wanted
    from ..exchanges.reading import Exchanges, recent
    from .exchange_lines import ExchangeLines

    kept = Exchanges(base_dir)
    if conversation is None:
        last = recent(base_dir, 1)
        if not last:
            _tell_none(last, base_dir)
            return 0
        conversation = last[0].conversation_id
    found = list(Wanted(conversation=conversation).of(kept))
    names = list(dict.fromkeys(exchange.conversation_id for exchange in found))
    if conversation in names:
        found, names = [each for each in found if each.conversation_id == conversation], [conversation]
    if not names:
        raise VoiceError(
            f"There is no conversation {printable(conversation)}; voicemode exchanges tail shows the last."
        )
    if len(names) > 1:
        raise VoiceError(f"Several conversations begin like that: {', '.join(map(printable, names))}.")
    _show(found, as_json=as_json, lines=ExchangeLines(details=True))
    _tell_broken(kept)
    return 0


@exchanges.command()
@click.argument("text", required=False, callback=options.utf8)
@_count(100)
@options.together(choosing, as_lines, options.base_dir)
def search(
    text: str | None,
    count: int,
    since: date | None,
    until: date | None,
    side: str | None,
    provider: str | None,
    project: str | None,
    as_json: bool,
    base_dir: Path,
) -> int:
    """What was said with TEXT in it, in capitals or not, by date, side, engine and project."""
    kept = _kept(base_dir, since, until)
    found = list(_wanted(side, provider, project, text).of(kept))[-count:]
    _show(found, as_json=as_json)
    if not found:
        click.echo("Nothing of that kind was said.", err=True)
    _tell_broken(kept)
    return 0


@exchanges.command()
@options.together(choosing, options.as_json, options.base_dir)
def stats(
    since: date | None,
    until: date | None,
    side: str | None,
    provider: str | None,
    project: str | None,
    as_json: bool,
    base_dir: Path,
) -> int:
    """How much was said, and how long one waited for each engine."""
    from attrs import asdict

    from ..exchanges.statistics import figures
    from .exchange_lines import in_words, table

    kept = _kept(base_dir, since, until)
    found = figures(_wanted(side, provider, project).of(kept))
    if as_json:
        write_json({**asdict(found), "broken": kept.broken})
        return 0
    screen = console()
    if not screen.is_terminal:
        screen.width = WIDE
    with writing():
        screen.print("\n".join(in_words(found)))
        if found.providers:
            screen.print(table(found))
    _tell_broken(kept)
    return 0


@exchanges.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "markdown", "html"]),
    default="json",
    show_default=True,
    help="What is written.",
)
@click.option("--conversation", callback=options.utf8, metavar="NAME", help="One conversation, or how its name begins.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, readable by you alone; by default standard output.",
)
@click.option(
    "--include-audio",
    is_flag=True,
    help="Copy the recordings there are into a folder beside the file, named after it, so that both can be moved.",
)
@options.together(choosing, options.base_dir)
def export(
    form: str,
    conversation: str | None,
    output: Path | None,
    include_audio: bool,
    since: date | None,
    until: date | None,
    side: str | None,
    provider: str | None,
    project: str | None,
    base_dir: Path,
) -> int:
    """Write what was said for another program, or to be read."""
    from ..config.places import write
    from ..exchanges.exports import FORMS
    from ..exchanges.taking_along import taken_along

    if include_audio and output is None:
        raise click.UsageError("--include-audio puts recordings beside a file: name it with -o FILE.")
    kept = _kept(base_dir, since, until)
    found = list(_wanted(side, provider, project, conversation=conversation).of(kept))
    if include_audio and output is not None:
        found, gone = taken_along(found, output)
        if gone:
            click.echo(f"voicemode: {counted(gone, 'recording')} cannot be read any more.", err=True)
    text = FORMS[form](found)
    if output is None:
        with writing():
            click.echo(text.encode(), nl=False)
    else:
        write(output, text, private=True)
    _tell_broken(kept)
    return 0


def _kept(base: Path, since: date | None, until: date | None) -> Exchanges:
    from ..exchanges.reading import Exchanges

    if since is not None and until is not None and until < since:
        raise click.UsageError(f"--until {until} is before --since {since}.")
    return Exchanges(base, since, until)


def _wanted(
    side: str | None,
    provider: str | None,
    project: str | None,
    text: str | None = None,
    conversation: str | None = None,
) -> Wanted:
    from ..exchanges.choosing import Wanted

    return Wanted(
        text=text,
        side=None if side is None else SIDES[side],
        provider=provider,
        project=project,
        conversation=conversation,
    )


def _show(found: Iterable[Exchange], *, as_json: bool, lines: ExchangeLines | None = None) -> None:
    import msgspec

    from .exchange_lines import ExchangeLines

    if as_json:
        for exchange in found:
            write_json(msgspec.to_builtins(exchange))
    else:
        for line in (lines or ExchangeLines()).of(found):
            write_line(line)
    flush()


def _tell_none(found: Iterable[Exchange], base: Path) -> None:
    if not found:
        click.echo(
            f"Nothing is kept in {printable(base)}. To keep what is said from now on: voicemode config set "
            "VOICEMODE_SAVE_TRANSCRIPTIONS true",
            err=True,
        )


def _tell_broken(kept: Exchanges) -> None:
    if kept.broken:
        lines = "1 line is" if kept.broken == 1 else f"{kept.broken} lines are"
        click.echo(f"voicemode: {lines} broken, and not among these.", err=True)
