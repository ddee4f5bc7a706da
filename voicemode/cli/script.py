"""``voicemode script FILE``: hold the conversation a file describes and say whether it went as expected."""

from __future__ import annotations

import math
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio

from .. import Settings
from . import options
from .defaults import configured
from .output import console, printable, write_json, write_line, writing
from .signals import exit_code_of, heeding_signals

if TYPE_CHECKING:
    from ..script import Script, ScriptReport

DID_NOT_HOLD = 1

KEPT = ("save_transcriptions", "event_log", "keep_days", "keep_megabytes")
"""Of what is configured: the rest is the script's own business, so that it goes the same way everywhere."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--record", type=click.Path(path_type=Path), metavar="FILE.wav", help="Write both sides to a stereo WAV.")
@click.option(
    "--timeline", type=click.Path(path_type=Path), metavar="FILE.svg|FILE.png", help="Draw what happened when."
)
@options.together(options.save_audio, options.base_dir, options.as_json)
def script(
    file: Path, record: Path | None, timeline: Path | None, save_audio: bool, base_dir: Path, as_json: bool
) -> int:
    """Run the conversation in FILE, the user's part in it too, without any sound card.

    The user's voice and the assistant's meet in a world of their own; --record keeps what a bystander would have
    heard, the user left and the assistant right.  The exit code says whether everything went as FILE expects.
    """
    from ..script import as_json as report_as_json, load_script
    from .script_report import verdict

    _check(record, timeline)
    wanted = configured()
    kept = {name: getattr(wanted, name) for name in KEPT}
    settings = Settings(base_dir=base_dir, save_audio=save_audio, **kept)
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        # an agent may print, and stdout is for the report alone
        loaded = load_script(file)
        report, received = trio.run(partial(_run, loaded, settings, record, timeline, quiet=as_json))
    if as_json:
        write_json({**report_as_json(report), "timeline": None if timeline is None else printable(timeline)})
    else:
        for name, path in (("recording", record), ("timeline", timeline)):
            if path is not None:
                write_line(f"{name}: {printable(path)}")
    if not report.ok:
        click.echo(f"voicemode: {verdict(report)}", err=True)
    elif not as_json:
        write_line(verdict(report))
    if received is not None:
        return exit_code_of(received)
    return 0 if report.ok else DID_NOT_HOLD


def _check(record: Path | None, timeline: Path | None) -> None:
    """Whatever would fail after the conversation fails before it."""
    from ..script.recording import check_writable

    if record is not None:
        if record.suffix.lower() != ".wav":
            raise click.UsageError(f"{printable(record)} does not end in .wav, and a WAV file is what is recorded.")
        check_writable(record)
    if timeline is not None:
        from ..timeline import check_timeline

        check_timeline(timeline)
        check_writable(timeline)


async def _run(
    script: Script, settings: Settings, record: Path | None, timeline: Path | None, *, quiet: bool
) -> tuple[ScriptReport, int | None]:
    from ..script import run_script

    halt = trio.CancelScope()
    async with heeding_signals() as signals:
        signals.stop = halt.cancel
        if quiet:
            report = await run_script(script, settings=settings, record=record, halt=halt)
        else:
            report = await _shown(script, settings, record, halt)
        if timeline is not None:
            await trio.to_thread.run_sync(_draw, timeline, report, abandon_on_cancel=True)
    return report, signals.received


async def _shown(script: Script, settings: Settings, record: Path | None, halt: trio.CancelScope) -> ScriptReport:
    from ..script import Happening, run_script
    from .display import Display
    from .script_report import latency_table, told

    screen = console()
    telling, happenings = trio.open_memory_channel[Happening](math.inf)
    with Display(screen) as display:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(display.follow, told(happenings))
            with telling:
                report = await run_script(
                    script, settings=settings, record=record, on_event=telling.send_nowait, halt=halt
                )
    with writing():
        screen.print(latency_table(report))
    return report


def _draw(path: Path, report: ScriptReport) -> None:
    from ..timeline import Track, draw_timeline

    sound = report.recording
    draw_timeline(
        path,
        report.events,
        user=Track(pcm=sound.user, rate=sound.rate, start=sound.began),
        assistant=Track(pcm=sound.assistant, rate=sound.rate, start=sound.began),
        title=report.title,
    )
