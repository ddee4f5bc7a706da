"""``voicemode transcribe --pending``: the recordings that wait in, a line for each as soon as it is understood out.

A recording is settled after its transcript was written, and stays when anything goes wrong before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click
import trio
from attrs import asdict, evolve, frozen

from actors.errors import VoiceError
from actors.ports import SpeechToText

from ..audio.store import DirectoryStore
from ..session import RATE
from ..settings import Settings
from .output import printable, write_json, write_line
from .recognising import tell_stand_ins
from .signals import exit_code_of, heeding_signals

SETTLING = 2.0
"""Seconds that moving or removing a recording may take when the command is to stop."""


@frozen(kw_only=True)
class Finished:
    """What became of a recording: ``transcribed``, ``empty`` (removed), ``in use`` or ``failed`` (both left)."""

    file: Path
    state: Literal["transcribed", "empty", "in use", "failed"]
    transcript: str = ""
    engine: str | None = None
    audio_ms: float | None = None
    stt_ms: float | None = None
    error: str | None = None


def list_pending(base: Path, *, as_json: bool) -> int:
    from ..audio.pending import in_use, waiting

    found = waiting(base)
    for each in found:
        busy = in_use(each.path)
        if as_json:
            length = None if each.seconds is None else round(each.seconds * 1000, 3)
            recorded = each.recorded.isoformat()
            write_json({"file": each.path, "recorded": recorded, "audio_ms": length, "in_use": busy})
        else:
            seconds = "" if each.seconds is None else f"  {each.seconds:.1f} s"
            note = "  (in use)" if busy else ""
            write_line(f"{printable(each.path)}  {each.recorded:%Y-%m-%d %H:%M:%S}{seconds}{note}")
    if not found:
        click.echo(f"Nothing is pending in {printable(base)}.", err=True)
    return 0


def finish_pending(settings: Settings, *, as_json: bool) -> int:
    """0 when nothing that could be done is left, 1 when something failed, 128 and its number after a signal."""
    from ..audio.pending import waiting

    paths = [each.path for each in waiting(settings.base_dir)]
    if not paths:
        click.echo(f"Nothing is pending in {printable(settings.base_dir)}.", err=True)
        return 0
    return trio.run(_finish_all, settings, paths, as_json)


async def _finish_all(settings: Settings, paths: Sequence[Path], as_json: bool) -> int:
    from ..speech.recognising import recognising

    failed, done = False, 0
    async with heeding_signals() as signals, recognising(settings) as engine:
        with trio.CancelScope() as scope:
            signals.stop = lambda: scope.cancel("stopped by a signal")
            for path in paths:
                failed |= not await _finish(path, settings, engine, as_json)
                done += 1
    if signals.received is not None:
        click.echo(
            f"voicemode: stopped; {len(paths) - done} of {len(paths)} recordings are left as they were", err=True
        )
        return exit_code_of(signals.received)
    return 1 if failed else 0


async def _finish(path: Path, settings: Settings, engine: SpeechToText, as_json: bool) -> bool:
    """Tell what became of it, and whether that is no failure."""
    from ..audio.pending import claim, load_pending

    try:
        held = claim(path)
        if held is None:
            _tell(Finished(file=path, state="in use"), as_json)
            return True
        with held:
            sound = await load_pending(path, RATE)
            store = DirectoryStore(settings.base_dir, keep=settings.save_audio and sound is not None)
            told = Finished(file=path, state="empty")
            if sound is not None:
                transcript = await engine.transcribe(sound.pcm, sound.rate, phrases=settings.phrases)
                tell_stand_ins(transcript)
                told = evolve(
                    told,
                    state="transcribed",
                    transcript=transcript.text.strip(),
                    engine=transcript.engine,
                    audio_ms=round(sound.seconds * 1000, 3),
                    stt_ms=round(transcript.seconds * 1000, 3),
                )
            _tell(told, as_json)
            return await _settled(store, path)
    except VoiceError as error:
        if not await trio.Path(path).exists():
            return True  # somebody else has finished it meanwhile
        _tell(Finished(file=path, state="failed", error=printable(error)), as_json)
        return False


async def _settled(store: DirectoryStore, path: Path) -> bool:
    with trio.move_on_after(SETTLING, shield=True):
        try:
            await store.settle(path)
        except VoiceError as error:
            click.echo(f"voicemode: {printable(error)}", err=True)
            return False
    return True


def _tell(finished: Finished, as_json: bool) -> None:
    name = printable(finished.file)
    if not finished.transcript:
        notes = {
            "transcribed": "nobody spoke, or nothing was understood",
            "empty": "there is no sound in it, and it is removed",
            "in use": "is being recorded, or finished by another program, and is left alone",
            "failed": finished.error,
        }
        click.echo(f"voicemode: {name}: {notes[finished.state]}", err=True)
    if as_json:
        write_json(asdict(finished))
    elif finished.transcript:
        write_line(f"{name}: {printable(finished.transcript)}")
