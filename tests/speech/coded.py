"""Sound in the formats in which services send it, made here."""

from __future__ import annotations

import io
from functools import cache

import av
import numpy as np
import soundfile
from av.audio.resampler import AudioResampler

from tests.speech.speech_server import RATE, tone

SECONDS = 2.0

FORMATS = {"MP3": "MPEG_LAYER_III", "FLAC": "PCM_16", "OGG": "OPUS"}
TYPES = {"MP3": "audio/mpeg", "FLAC": "audio/flac", "Opus": "audio/ogg; codecs=opus", "AAC": "audio/aac"}


@cache
def coded(kind: str, seconds: float = SECONDS, rate: int = RATE, channels: int = 1) -> bytes:
    """A tone of 440 Hz, fading in: as MP3, FLAC, Opus, Vorbis or AAC."""
    sound = np.frombuffer(tone(seconds, rate, channels), "<i2").reshape(-1, channels)
    ramp = np.minimum(1.0, np.arange(len(sound)) / 1000)[:, None]
    faded = (sound * ramp).astype("<i2")
    if kind == "AAC":
        return _aac(faded, rate)
    out = io.BytesIO()
    container = "OGG" if kind in {"Opus", "Vorbis"} else kind
    subtype = "VORBIS" if kind == "Vorbis" else FORMATS[container]
    soundfile.write(out, faded, rate, format=container, subtype=subtype)
    return out.getvalue()


def _aac(sound: np.ndarray, rate: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="adts") as file:
        stream = file.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, :1].T), format="s16", layout="mono")
        frame.sample_rate = rate
        in_blocks = AudioResampler(stream.format, "mono", rate, frame_size=1024)
        for block in [*in_blocks.resample(frame), *in_blocks.resample(None), None]:
            file.mux(stream.encode(block))
    return out.getvalue()
