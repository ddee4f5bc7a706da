"""Speech with captions as it comes.  In: bytes, cut anywhere.  Out: parts of sound, each with the words said in it.

Kokoro-FastAPI answers ``POST /dev/captioned_speech`` with a line of JSON for each stretch it has made: ``audio`` in
base64, and ``timestamps`` in seconds of the whole, of the words as it says them.  Where there is no such endpoint, an
answer is all sound and comes without words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import msgspec
from attrs import frozen

from .registry import EMBEDDED_VOICE
from .wav_stream import NotSpeech

PATH = "../dev/captioned_speech"
"""Beside the API's ``/v1``."""

KOKOROS = re.compile(r"[abefhijpz][fm]_[a-z]+")
"""How Kokoro's voices are called: a letter for the language and one for the sex before the name."""

LONGEST_LINE = 1 << 25
"""Bytes: eight minutes of raw samples in base64."""


def may_caption(model: str, voice: str) -> bool:
    """Whether this is Kokoro, or our own service, by the name of the model or the voice."""
    return model == EMBEDDED_VOICE or "kokoro" in model.lower() or KOKOROS.match(voice) is not None


@frozen
class SaidWord:
    """A word as the engine says it, from ``begin`` to ``finish`` seconds; numbers and signs are words too."""

    text: str
    begin: float
    finish: float


@frozen
class Part:
    """Bytes of the sound's file, cut anywhere, and the words that begin in them."""

    sound: bytes
    words: tuple[SaidWord, ...] = ()


class Parts(Protocol):
    """Takes an answer apart.  Raises NotSpeech."""

    def feed(self, data: bytes) -> Iterator[Part]: ...

    def end(self) -> Iterator[Part]: ...


class SoundOnly:
    def feed(self, data: bytes) -> Iterator[Part]:
        yield Part(data)

    def end(self) -> Iterator[Part]:
        yield from ()


class _Word(msgspec.Struct):
    word: str
    start_time: float
    end_time: float


class _Line(msgspec.Struct):
    audio: bytes
    timestamps: list[_Word] | None = None


class Captions:
    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Part]:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._rest += line
            yield from self.end()
        self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            raise NotSpeech("a line without an end")

    def end(self) -> Iterator[Part]:
        line = bytes(self._rest).strip()
        self._rest.clear()
        if line:
            yield _part(line)


def _part(line: bytes) -> Part:
    try:
        said = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotSpeech("JSON without sound" if line.startswith(b"{") else "something else than captions") from error
    words = (SaidWord(each.word, each.start_time, each.end_time) for each in said.timestamps or ())
    return Part(said.audio, tuple(word for word in words if 0 <= word.begin <= word.finish))
