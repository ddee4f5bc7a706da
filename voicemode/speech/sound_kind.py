"""What a voice's answer is.  In: its content type and its first bytes.  Out: the kind of sound, or what it is instead.

Either alone may be wrong: servers send what they like under any label, and raw samples look like anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from .mpeg_frames import frame_at, frames_of
from .wav_stream import NotSpeech

Kind: TypeAlias = Literal["raw", "WAV", "MP3", "AAC", "FLAC", "Ogg"]

RAW = {"audio/pcm", "audio/x-pcm", "audio/l16", "audio/raw", "audio/x-raw"}
"""``audio/L16`` is big-endian by RFC 2586; servers of speech use the name for little-endian samples all the same."""
UNTOLD = {"", "application/octet-stream", "binary/octet-stream"}

DECISIVE = 12
"""Bytes of the beginning that are looked at, if there are as many; more where MP3 and raw samples look alike."""

BEGINNINGS: Mapping[bytes, Kind] = {b"ID3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC"}
TEXTS = {rb"\s*[{\[]\s*[\"{\[]": "JSON", rb"\s*<[!?a-zA-Z]": "a page"}
LABELS = {
    "audio/wav": "WAV",
    "audio/x-wav": "WAV",
    "audio/wave": "WAV",
    "audio/vnd.wave": "WAV",
    "audio/mpeg": "MP3",
    "audio/mp3": "MP3",
    "audio/opus": "Opus",
    "audio/ogg": "Ogg",
    "audio/flac": "FLAC",
    "audio/x-flac": "FLAC",
    "audio/aac": "AAC",
    "audio/x-aac": "AAC",
    "audio/aacp": "AAC",
}
OTHERS = {"application/json": "JSON", "text/html": "a page"}


def label_of(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def kind_of(content_type: str, begin: bytes, *, whole: bool) -> Kind | None:
    """None as long as ``begin`` does not tell; it does at the latest when it is the ``whole``.  Raises NotSpeech."""
    if len(begin) < DECISIVE and not whole:
        return None
    label = label_of(content_type)
    if begin.startswith(b"RIFF") and begin[8:12] == b"WAVE":
        return "WAV"
    if begin.startswith(b"RF64"):
        raise NotSpeech("WAV of 64 bits")
    for magic, kind in BEGINNINGS.items():
        if begin.startswith(magic):
            return kind
    for pattern, name in TEXTS.items():
        if re.match(pattern, begin):
            raise NotSpeech(name)
    frame = frame_at(begin)
    if frame is not None and label in LABELS:
        return frame[0]
    if label in LABELS:
        raise NotSpeech(f"something else under the name of {LABELS[label]}")
    if label not in RAW | UNTOLD:
        raise NotSpeech(OTHERS.get(label, f"something called {label[:40]}"))
    frames = frames_of(begin, whole=whole)
    if frames == "undecided":
        return None
    return frames or "raw"
