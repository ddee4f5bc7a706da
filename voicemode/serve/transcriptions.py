"""``POST /v1/audio/transcriptions``: a recording in, its words out, as OpenAI's "Create transcription" has it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec
import soundfile
import trio

from actors.errors import AudioFileError

from ..audio.files import Sound, read_audio
from ..speech.canonical import RATE
from .engines import TRANSCRIBING, Engines
from .exchange import Exchange
from .form import Form
from .refusal import Refusal
from .stretches import stretches
from .timestamps import GRANULARITIES, Timestamps

MOST = 25 * 1024 * 1024
"""Bytes of an upload, OpenAI's own bound."""

SMALL = 512 * 1024
"""Bytes of an upload, 16 s at 16 kHz, that need no place among the recordings in memory while they come: what is sent
while it is being said comes slowly, and is not to keep others waiting."""

MOST_SAMPLES = 64 * 1024 * 1024
"""Samples in a recording, all channels together: 256 MB while decoded, 11 minutes of stereo at 48 kHz."""

FORMATS = ("json", "text", "verbose_json")

_decoding = trio.CapacityLimiter(2)


async def create_transcription(exchange: Exchange, engines: Engines) -> None:
    """Raises Refusal and VoiceError."""
    async with AsyncExitStack() as held:
        room = partial(held.enter_async_context, engines.uploads)
        form = await Form.read(exchange, most=MOST, small=SMALL, room=room)
        engine = engines.transcribing(form.text("model") or TRANSCRIBING[0])
        wanted = form.text("response_format") or "json"
        if wanted not in FORMATS:
            choices = ", ".join(FORMATS)
            raise Refusal(
                400, f"There is no response_format {wanted!r} here; there is {choices}.", param="response_format"
            )
        language = form.text("language") or "en"
        if language.lower().replace("_", "-").partition("-")[0] not in {"en", "english", "auto"}:
            raise Refusal(400, f"{engine.name} knows English (en) only, not {language!r}.", param="language")
        if not (recording := form.data("file")):
            raise Refusal(400, "There is no recording in the field 'file'.", param="file")
        phrases = form.texts("phrases")
        granularities = form.texts("timestamp_granularities") or ["segment"]
        if unknown := sorted(set(granularities) - set(GRANULARITIES)):
            raise Refusal(
                400,
                f"There is no timestamp granularity {unknown[0]!r}; there is {' and '.join(GRANULARITIES)}.",
                param="timestamp_granularities",
            )
        sounds = await trio.to_thread.run_sync(decoded, recording, limiter=_decoding, abandon_on_cancel=True)
        streams = (form.text("stream") or "").lower() in {"true", "1"}
        text, times, duration = "", Timestamps(), 0.0
        for sound in sounds:
            transcript = await engine.transcribe(sound.pcm, sound.rate, phrases=phrases)
            times.add(transcript, duration)
            duration += sound.seconds
            heard = transcript.text.strip()
            more = f" {heard}" if text and heard else heard
            text += more
            if more and streams:
                await _tell(exchange, {"type": "transcript.text.delta", "delta": more})
    if streams:
        await _tell(exchange, {"type": "transcript.text.done", "text": text}, last=True)
    elif wanted == "text":
        await exchange.reply(f"{text}\n".encode(), b"text/plain; charset=utf-8")
    elif wanted == "json":
        await exchange.reply_json({"text": text})
    else:
        known = {"task": "transcribe", "language": "english", "duration": round(duration, 3), "text": text}
        await exchange.reply_json(known | times.told(granularities))


async def _tell(exchange: Exchange, event: Mapping[str, str], *, last: bool = False) -> None:
    """A server-sent event, as in OpenAI's "Create transcription" with ``stream``."""
    if not exchange.answered:
        await exchange.begin(b"text/event-stream")
    await exchange.write(b"data: " + msgspec.json.encode(event) + b"\n\n", last=last)


def decoded(recording: Sequence[bytes]) -> list[Sound]:
    """An uploaded file as mono audio at the recogniser's rate, in stretches.  Blocks.

    Raises Refusal and AudioFileError.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        with path.open("xb") as file:
            file.writelines(recording)
        try:
            _refuse_too_long(path)
            return stretches(read_audio(path, RATE))
        except AudioFileError as error:
            raise AudioFileError(str(error).replace(str(path), "The recording")) from error


def _refuse_too_long(path: Path) -> None:
    """A compressed file of a few megabytes may hold days of silence."""
    try:
        header = soundfile.info(path)
    except soundfile.LibsndfileError:
        return  # reading it will tell what is wrong
    if header.frames * header.channels > MOST_SAMPLES:
        raise Refusal(
            413,
            f"The recording is too long, or does not say how long it is: at most {MOST_SAMPLES} samples of audio are "
            "taken. Send it in parts, or as WAV.",
            param="file",
        )
