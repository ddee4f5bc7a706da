"""``voicemode transcribe``: a recording in, what is said in it out; with ``--pending`` all those that wait for it."""

from __future__ import annotations

from pathlib import Path

import click
import trio
from attrs import asdict, evolve, frozen
from click.core import ParameterSource

from actors.messages import ProviderFailure

from ..session import RATE
from ..settings import Settings
from . import options
from .defaults import configured
from .output import printable, write_json, write_line
from .recognising import tell_stand_ins
from .signals import heeding_signals
from .transcribe_pending import finish_pending, list_pending
from .turn import NO_SPEECH

OF_PENDING = {"only_list": "--list", "base_dir": "--base-dir", "save_audio": "--save-audio"}


@frozen(kw_only=True)
class Transcription:
    """``audio_ms`` is how long the file lasts, ``stt_ms`` the engine's own time; ``failures`` are the engines that were
    asked before it."""

    transcript: str
    engine: str
    failures: tuple[ProviderFailure, ...]
    audio_ms: float
    stt_ms: float


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--pending",
    is_flag=True,
    help="Finish what could not be transcribed when it was said, oldest first; what is being recorded is left alone.",
)
@click.option("--list", "only_list", is_flag=True, help="With --pending: only say what is waiting.")
@options.together(options.stt, options.phrase, options.save_audio, options.base_dir)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on stdout; with --pending a line of it for each recording."
)
def transcribe(
    file: Path | None,
    pending: bool,
    only_list: bool,
    stt: str,
    phrases: tuple[str, ...],
    save_audio: bool,
    base_dir: Path,
    as_json: bool,
) -> int:
    """Print what is said in FILE: WAV, FLAC, Ogg, MP3 or whatever else libsndfile reads.

    The whole file is taken for speech; an empty transcript is exit code 3.  With --pending that is no failure, and the
    exit code is 1 when something still waits because it could not be transcribed.
    """
    settings = evolve(configured(), stt=stt, phrases=phrases, save_audio=save_audio, base_dir=base_dir)
    if pending:
        if file is not None:
            raise click.UsageError(f"--pending is about the recordings in {base_dir}: leave out FILE.")
        return list_pending(base_dir, as_json=as_json) if only_list else finish_pending(settings, as_json=as_json)
    if file is None:
        raise click.UsageError("Nothing to transcribe is named: give a FILE, or --pending.")
    _refuse_options_of_pending()
    transcription = trio.run(_transcribe, file, settings)
    if as_json:
        write_json(asdict(transcription))
    else:
        if transcription.transcript:
            write_line(printable(transcription.transcript))
        else:
            click.echo("Nobody spoke, or nothing was understood.", err=True)
        click.echo(
            f"{transcription.engine}: {transcription.audio_ms / 1000:.1f} s of sound in {transcription.stt_ms:.0f} ms",
            err=True,
        )
    return 0 if transcription.transcript else NO_SPEECH


def _refuse_options_of_pending() -> None:
    context = click.get_current_context()
    for name, option in OF_PENDING.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} goes with --pending.")


async def _transcribe(file: Path, settings: Settings) -> Transcription:
    from ..audio.files import load_audio
    from ..speech.recognising import recognising

    async with heeding_signals(), recognising(settings) as engine:
        sound = await load_audio(file, RATE)
        transcript = await engine.transcribe(sound.pcm, sound.rate, phrases=settings.phrases)
        tell_stand_ins(transcript)
    return Transcription(
        transcript=transcript.text.strip(),
        engine=transcript.engine,
        failures=transcript.failures,
        audio_ms=round(sound.seconds * 1000, 3),
        stt_ms=round(transcript.seconds * 1000, 3),
    )
