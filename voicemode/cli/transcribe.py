"""``voicemode transcribe FILE``: a recording in, what is said in it out."""

from __future__ import annotations

from pathlib import Path

import click
import trio
from attrs import asdict, frozen

from ..session import RATE
from . import options
from .output import printable, write_json, write_line
from .signals import heeding_signals
from .turn import NO_SPEECH


@frozen(kw_only=True)
class Transcription:
    """``audio_ms`` is how long the file lasts, ``stt_ms`` the engine's own time."""

    transcript: str
    engine: str
    audio_ms: float
    stt_ms: float


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.together(options.stt, options.phrase, options.as_json)
def transcribe(file: Path, stt: str, phrases: tuple[str, ...], as_json: bool) -> int:
    """Print what is said in FILE: WAV, FLAC, Ogg, MP3 or whatever else libsndfile reads.

    The whole file is taken for speech; an empty transcript is exit code 3.
    """
    transcription = trio.run(_transcribe, file, stt, phrases)
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


async def _transcribe(file: Path, stt: str, phrases: tuple[str, ...]) -> Transcription:
    from ..audio.files import load_audio
    from ..speech.registry import load_speech_to_text, release

    async with heeding_signals():
        engine = await load_speech_to_text(stt)
        try:
            sound = await load_audio(file, RATE)
            transcript = await engine.transcribe(sound.pcm, sound.rate, phrases=phrases)
        finally:
            await release(engine)
    return Transcription(
        transcript=transcript.text.strip(),
        engine=transcript.engine,
        audio_ms=round(sound.seconds * 1000, 3),
        stt_ms=round(transcript.seconds * 1000, 3),
    )
