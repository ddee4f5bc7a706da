"""The assistant's sound, kept beside the user's.  In: what was made of a turn's speech.  Out: a WAV file of what was
heard of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen
from msgspec.structs import replace

from actors.messages import SAMPLE_BYTES, TurnId
from actors.recent import RecentUtterance

from ..audio.store import make_private
from ..audio.wav_writer import WavWriter
from .exchange import Exchange


@frozen(kw_only=True)
class Made:
    """What an engine made of one turn's speech, heard or not, at ``rate`` Hz."""

    pcm: tuple[bytes, ...] = field(repr=False)
    rate: int


def made_in(turn: TurnId, utterances: Sequence[RecentUtterance]) -> Made | None:
    """None where nothing was made in ``turn``, or where it was so long that its beginning is forgotten."""
    for utterance in utterances:
        if utterance.turn == turn and utterance.chunks and utterance.chunks[0].piece.index == 0:
            return Made(pcm=tuple(chunk.pcm for chunk in utterance.chunks), rate=utterance.rate)
    return None


def with_sound(exchange: Exchange, made: Made, base: Path) -> Exchange:
    """``exchange``, which now names the file in which as much of ``made`` is as was heard.  Blocks.  Raises
    AudioFileError and OSError."""
    pcm = b"".join(made.pcm)
    if not exchange.known("complete"):
        pcm = pcm[: SAMPLE_BYTES * round((exchange.duration_ms or 0) * made.rate / 1000)]
    at = exchange.at
    month = base / "audio" / f"{at:%Y}" / f"{at:%m}"
    make_private(month)
    path = month / f"{at:%Y%m%d_%H%M%S}_{at.microsecond // 1000:03}_{secrets.token_hex(3)}_tts.wav"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    writer = WavWriter(path, made.rate)
    try:
        writer.write(pcm)
    finally:
        writer.close()
    return replace(exchange, audio_file=str(path))
