"""``voicemode transcribe --pending``: the recordings that wait in, a line for each as soon as it is understood out.

A recording is settled after its transcript was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio
from attrs import asdict

from actors.ports import SpeechToText

from ..settings import Settings
from .output import printable, write_json, write_line
from .recognising import tell_stand_ins
from .signals import exit_code_of, heeding_signals

if TYPE_CHECKING:
    from ..audio.pending import Waiting
    from ..finishing import Finished


def list_pending(base: Path, *, as_json: bool) -> int:
    from ..audio.pending import in_use, waiting

    found = waiting(base)
    for each in found:
        busy = in_use(each.path)
        if as_json:
            length = None if each.seconds is None else round(each.seconds * 1000, 3)
            recorded = each.began.isoformat()
            write_json({"file": each.path, "recorded": recorded, "audio_ms": length, "in_use": busy})
        else:
            seconds = "" if each.seconds is None else f"  {each.seconds:.1f} s"
            note = "  (in use)" if busy else ""
            write_line(f"{printable(each.path)}  {each.began:%Y-%m-%d %H:%M:%S}{seconds}{note}")
    if not found:
        click.echo(f"Nothing is pending in {printable(base)}.", err=True)
    return 0


def finish_pending(settings: Settings, *, as_json: bool) -> int:
    """0 when nothing that could be done is left, 1 when something failed, 128 and its number after a signal."""
    from ..audio.pending import waiting

    found = waiting(settings.base_dir)
    if not found:
        click.echo(f"Nothing is pending in {printable(settings.base_dir)}.", err=True)
        return 0
    return trio.run(_finish_all, settings, found, as_json)


async def _finish_all(settings: Settings, found: Sequence[Waiting], as_json: bool) -> int:
    from ..speech.recognising import recognising

    failed, done = False, 0
    async with heeding_signals() as signals, recognising(settings) as engine:
        with trio.CancelScope() as scope:
            signals.stop = lambda: scope.cancel("stopped by a signal")
            for recording in found:
                failed |= not await _finish(recording, settings, engine, as_json)
                done += 1
    if signals.received is not None:
        click.echo(
            f"voicemode: stopped; {len(found) - done} of {len(found)} recordings are left as they were", err=True
        )
        return exit_code_of(signals.received)
    return 1 if failed else 0


async def _finish(recording: Waiting, settings: Settings, engine: SpeechToText, as_json: bool) -> bool:
    """Tell what became of it, and whether that is no failure."""
    from ..finishing import finish

    finished = await finish(recording, settings, engine, tell=lambda known: _tell(known, as_json))
    if finished.state == "transcribed" and finished.error is not None:
        click.echo(f"voicemode: {printable(finished.error)}", err=True)
    return finished.error is None


def _tell(finished: Finished, as_json: bool) -> None:
    if finished.state == "gone":
        return
    name = printable(finished.file)
    if finished.transcript is not None:
        tell_stand_ins(finished.transcript)
    if not finished.text:
        notes = {
            "transcribed": "nobody spoke, or nothing was understood",
            "empty": "there is no sound in it, and it is removed",
            "in use": "is being recorded, or finished by another program, and is left alone",
            "failed": printable(finished.error),
        }
        click.echo(f"voicemode: {name}: {notes[finished.state]}", err=True)
    if as_json:
        write_json(_line(finished))
    elif finished.text:
        write_line(f"{name}: {printable(finished.text)}")


def _line(finished: Finished) -> dict[str, object]:
    transcript = finished.transcript
    return {
        "file": finished.file,
        "state": finished.state,
        "transcript": finished.text,
        "engine": None if transcript is None else transcript.engine,
        "failures": [] if transcript is None else [asdict(each) for each in transcript.failures],
        "audio_ms": None if transcript is None else round(finished.seconds * 1000, 3),
        "stt_ms": None if transcript is None else round(transcript.seconds * 1000, 3),
        "error": None if finished.error is None else printable(finished.error),
    }
