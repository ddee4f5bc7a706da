"""The sound in a voice's answer, as it comes.  In: a content type and bytes, cut anywhere.  Out: mono at one rate."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Protocol

import trio
from attrs import define

from ..audio.resampler import StreamResampler
from ..groups import unwrapped
from .coded_sound import CodedSound
from .sound_kind import kind_of
from .wav_stream import NotSpeech as NotSpeech, Samples, WavStream

RAW_RATE = 24_000
"""Hz of raw samples when the content type does not say, OpenAI's."""

PIECE = 0.1
"""Seconds of sound converted at a time, so that the loop is not held up."""

BARREN = 1 << 22
"""Bytes without a sound in them, as they may stand before it; what goes on is no speech."""


class Source(Protocol):
    """Takes sound out of what it is in; ``rate`` is in Hz, known with the first sound.

    ``failure`` is why there is no more after what it has given.
    """

    failure: NotSpeech | None

    @property
    def rate(self) -> int: ...

    async def feed(self, data: bytes) -> bytes: ...

    async def end(self) -> bytes: ...


class SpeechBody:
    """One answer on its way; what comes out is signed 16-bit mono at ``rate`` Hz, in pieces of up to 0.1 s."""

    def __init__(self, content_type: str, rate: int, nursery: trio.Nursery) -> None:
        self._type, self._rate, self._nursery = content_type, rate, nursery
        self._begin = b""
        self._source: Source | None = None
        self._resampler: StreamResampler | None = None
        self._barren = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, content_type: str, rate: int) -> AsyncGenerator[SpeechBody]:
        """Leaving it lets go of what decodes the sound."""
        with unwrapped():
            async with trio.open_nursery() as nursery:
                body = cls(content_type, rate, nursery)
                try:
                    yield body
                finally:
                    if isinstance(body._source, CodedSound):
                        body._source.close()

    async def feed(self, data: bytes) -> Iterable[bytes]:
        """The sound that is certain now.  Raises NotSpeech, as going through what is given back does at its end."""
        return await self._heard(data, whole=False)

    async def end(self) -> Iterable[bytes]:
        """The rest, now that nothing more comes.  Raises NotSpeech as ``feed`` does."""
        begin = await self._heard(b"", whole=True) if self._source is None else ()
        if self._source is None:
            return ()
        return chain(begin, self._pieces(self._source, await self._source.end(), last=True))

    async def _heard(self, data: bytes, *, whole: bool) -> Iterable[bytes]:
        if self._source is None:
            self._begin += data
            self._source = self._found(whole=whole)
            if self._source is None:
                return ()
            data, self._begin = self._begin, b""
        pcm = await self._source.feed(data)
        self._barren = 0 if pcm else self._barren + len(data)
        if self._barren > BARREN:
            raise NotSpeech(f"{self._barren >> 20} MB without a sound")
        return self._pieces(self._source, pcm)

    def _found(self, *, whole: bool) -> Source | None:
        kind = kind_of(self._type, self._begin, whole=whole) if self._begin else None
        if kind is None:
            return None
        if kind == "WAV":
            return _Plain(WavStream())
        if kind == "raw":
            return _Plain(Samples(_number(self._type, "rate", RAW_RATE), _number(self._type, "channels", 1)))
        sound = CodedSound(kind)
        self._nursery.start_soon(sound.run)
        return sound

    def _pieces(self, source: Source, pcm: bytes, *, last: bool = False) -> Iterator[bytes]:
        if pcm and self._resampler is None:
            self._resampler = StreamResampler(source.rate, self._rate)
        if self._resampler is not None:
            step = 2 * int(PIECE * source.rate)
            for start in range(0, len(pcm), step):
                if piece := self._resampler.convert(pcm[start : start + step]):
                    yield piece
            if last and (piece := self._resampler.convert(b"", last=True)):
                yield piece
        if source.failure is not None:
            raise source.failure


@define
class _Plain:
    """What needs no decoder."""

    sound: Samples | WavStream
    failure: NotSpeech | None = None

    @property
    def rate(self) -> int:
        return self.sound.rate

    async def feed(self, data: bytes) -> bytes:
        return self.sound.feed(data)

    async def end(self) -> bytes:
        return b""


def _number(content_type: str, name: str, usual: int) -> int:
    found = re.search(rf";\s*(?:.*[;\s])?{name}\s*=\s*\"?(\d{{1,9}})\b", content_type.lower())
    return int(found[1]) if found else usual
