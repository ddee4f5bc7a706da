"""The sound in the answer of a voice, as it comes.  In: a content type and bytes, cut anywhere.  Out: mono at one rate.

What it is, is decided by the first bytes together with the content type, because either alone may be wrong: servers
send what they like under any label, and raw samples look like anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..audio.resampler import StreamResampler
from .wav_stream import NotSpeech as NotSpeech, Samples, WavStream

RAW_RATE = 24_000
"""Hz of raw samples when the content type does not say, OpenAI's."""

RAW = {"audio/pcm", "audio/x-pcm", "audio/l16", "audio/raw", "audio/x-raw"}
"""``audio/L16`` is big-endian by RFC 2586; servers of speech use the name for little-endian samples all the same."""
WAV = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}
UNTOLD = {"", "application/octet-stream", "binary/octet-stream"}

DECISIVE = 12
"""Bytes of the beginning that are looked at, if there are as many."""

KNOWN = {b"ID3": "MP3", b"OggS": "Ogg (Opus or Vorbis)", b"fLaC": "FLAC", b"RF64": "WAV of 64 bits"}
TEXTS = {rb"\s*[{\[]\s*[\"{\[]": "JSON", rb"\s*<[!?a-zA-Z]": "a page"}
LABELS = {
    "audio/mpeg": "MP3",
    "audio/mp3": "MP3",
    "audio/opus": "Opus",
    "audio/ogg": "Ogg (Opus or Vorbis)",
    "audio/flac": "FLAC",
    "audio/aac": "AAC",
    "application/json": "JSON",
    "text/html": "a page",
}
FRAME = re.compile(rb"\xff[\xe3\xf1\xf2\xf3\xf9\xfa\xfb]", re.DOTALL)
"""How MP3 and AAC without a head begin.  Samples may begin so as well, but hardly ever do, as speech begins softly."""

PIECE = 0.1
"""Seconds of sound converted at a time, so that the loop is not held up."""


class SpeechBody:
    """One answer on its way; what comes out is signed 16-bit mono at ``rate`` Hz, in pieces of up to 0.1 s."""

    def __init__(self, content_type: str, rate: int) -> None:
        self._type, self._rate = content_type, rate
        self._begin = b""
        self._source: Samples | WavStream | None = None
        self._resampler: StreamResampler | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The sound that is certain now.  Raises NotSpeech."""
        if self._source is None:
            self._begin += data
            if len(self._begin) < DECISIVE:
                return
            data, self._begin = self._begin, b""
            self._source = _source(self._type, data)
        yield from self._pieces(self._source.feed(data))

    def end(self) -> Iterator[bytes]:
        """The rest, now that nothing more comes.  Raises NotSpeech."""
        if self._begin:
            self._source = _source(self._type, self._begin)
            yield from self._pieces(self._source.feed(self._begin))
        if self._resampler is not None and (rest := self._resampler.convert(b"", last=True)):
            yield rest

    def _pieces(self, pcm: bytes) -> Iterator[bytes]:
        if not pcm:
            return
        assert self._source is not None  # noqa: S101 - the sound came out of it
        if self._resampler is None:
            self._resampler = StreamResampler(self._source.rate, self._rate)
        step = 2 * int(PIECE * self._source.rate)
        for start in range(0, len(pcm), step):
            if piece := self._resampler.convert(pcm[start : start + step]):
                yield piece


def _source(content_type: str, begin: bytes) -> Samples | WavStream:
    """Raises NotSpeech, with a name for what is there."""
    label, _, parameters = content_type.lower().partition(";")
    label = label.strip()
    if begin.startswith(b"RIFF") and begin[8:12] == b"WAVE":
        return WavStream()
    for magic, name in KNOWN.items():
        if begin.startswith(magic):
            raise NotSpeech(name)
    for pattern, name in TEXTS.items():
        if re.match(pattern, begin):
            raise NotSpeech(name)
    if label in WAV:
        raise NotSpeech("something else under the name of WAV")
    if label not in RAW | UNTOLD:
        raise NotSpeech(LABELS.get(label, f"something called {label[:40]}"))
    if label in UNTOLD and FRAME.match(begin):
        raise NotSpeech("MP3 or AAC")
    return Samples(_number(parameters, "rate", RAW_RATE), _number(parameters, "channels", 1))


def _number(parameters: str, name: str, usual: int) -> int:
    found = re.search(rf"(?:^|[;\s]){name}\s*=\s*\"?(\d{{1,9}})\b", parameters)
    return int(found[1]) if found else usual
