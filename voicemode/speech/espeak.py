"""Speech from espeak-ng: text in, 22 kHz audio with word times out, as it is made.

The library is used through its C interface (espeak-ng/speak_lib.h) in synchronous mode: it calls back with each stretch
of audio and the words that begin in it, and stops when the callback returns 1.  It is one engine per process and not
re-entrant, so all its work is done by one thread at a time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import threading
from array import array
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import trio

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.messages import Synthesis, WordTime

NAME = "espeak-ng"
DEFAULT_VOICE = "en-us"
USUAL_PACE = 175
"""Words a minute at speed 1; the engine takes 80 to 450 and is held to that."""
SLOWEST, FASTEST = 80, 450

BLOCK = 60
"""Milliseconds of audio the engine hands over at a time."""

QUIET = 64
"""A word's sound ends with its last sample louder than this: -54 dB of full scale, above the engine's own noise."""

SYNCHRONOUS, DONT_EXIT = 2, 0x8000
UTF8, BY_CHARACTER, END_PAUSE = 1, 1, 0x1000
RATE_PARAMETER = 1
WORD_EVENT = 1


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))

_one_at_a_time = threading.Lock()


class EspeakSpeech:
    """Implements ``TextToSpeech``."""

    name = NAME

    def __init__(self, engine: _Engine) -> None:
        self._engine = engine
        self.rate = engine.rate
        self._threads = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls) -> EspeakSpeech:
        """Raises ProviderUnavailable when there is no espeak-ng library on this machine."""
        return cls(await trio.to_thread.run_sync(_engine))

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        """Implements the port.  A word is delivered once its sound has ended, with the last audio at the latest.

        The engine makes a thousand seconds of speech in one, and others wait for it meanwhile: it is never held up by
        whoever listens, so the sound of the whole ``text`` may wait in memory.  Give it a sentence at a time.
        Raises ProviderRefused for a voice the engine does not have.
        """
        pace = min(FASTEST, max(SLOWEST, round(USUAL_PACE * (speed or 1.0))))
        send, receive = trio.open_memory_channel[Synthesis](math.inf)
        refusals: list[ProviderRefused] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run, text, voice or DEFAULT_VOICE, pace, send, refusals)
            with receive:
                yield receive
            nursery.cancel_scope.cancel()
        if refusals:
            raise refusals[0]

    async def _run(
        self, text: str, voice: str, pace: int, send: trio.MemorySendChannel[Synthesis], refusals: list[ProviderRefused]
    ) -> None:
        def hand_over(part: Synthesis) -> bool:
            try:
                trio.from_thread.run_sync(send.send_nowait, part)
            except (trio.Cancelled, trio.BrokenResourceError):
                return False
            return True

        with send:
            try:
                await trio.to_thread.run_sync(
                    self._engine.synthesise, text, voice, pace, hand_over, limiter=self._threads
                )
            except ProviderRefused as refusal:
                refusals.append(refusal)


class _Engine:
    """The library, set up once.  Its methods block and are called from one thread at a time."""

    def __init__(self, library: Any, data: bytes | None) -> None:
        self._library = library
        self.rate: int = library.espeak_Initialize(SYNCHRONOUS, BLOCK, data, DONT_EXIT)
        if self.rate <= 0:
            raise ProviderUnavailable(NAME, "espeak-ng is installed but cannot find its voice data. Reinstall it.")
        self._known: dict[str, str] | None = None
        self._on_audio: Callable[[bytes, list[tuple[int, int, int]]], bool] = lambda _, __: False
        self._callback = _Callback(self._called)
        library.espeak_SetSynthCallback(self._callback)

    def synthesise(self, text: str, voice: str, pace: int, hand_over: Callable[[Synthesis], bool]) -> None:
        """Speak ``text`` until it ends or ``hand_over`` returns False."""
        text = "".join(" " if _unspeakable(letter) else letter for letter in text)
        with _one_at_a_time:
            self._choose(voice)
            self._library.espeak_SetParameter(RATE_PARAMETER, pace, 0)
            words = _Words(text, self.rate)

            def on_audio(pcm: bytes, begun: list[tuple[int, int, int]]) -> bool:
                return hand_over(Synthesis(pcm=pcm, rate=self.rate, words=words.take(pcm, begun)))

            self._on_audio = on_audio
            encoded = text.encode() + b"\0"
            flags = UTF8 | END_PAUSE
            self._library.espeak_Synth(encoded, len(encoded), 0, BY_CHARACTER, 0, flags, None, None)
            if left := words.finish():
                hand_over(Synthesis(pcm=b"", rate=self.rate, words=left))

    def _choose(self, voice: str) -> None:
        """By name, by file, or by language, as ``en-gb``; a variant may follow, as in ``en-us+f3``."""
        language, plus, variant = voice.partition("+")
        for name in (voice, self._languages().get(language.lower(), "") + plus + variant):
            if name and self._library.espeak_SetVoiceByName(name.encode(errors="replace")) == 0:
                return
        raise ProviderRefused(
            NAME, f"espeak-ng has no voice {voice!r}. Name a language such as en-us, en-gb or de.", code="voice"
        )

    def _languages(self) -> dict[str, str]:
        """The voice file for each language the engine speaks."""
        if self._known is None:
            self._known = {}
            listed = self._library.espeak_ListVoices(None)
            index = 0
            while listed[index]:
                voice = listed[index].contents
                # a priority byte stands before the name of the language
                self._known.setdefault(voice.languages[1:].decode().lower(), voice.identifier.decode())
                index += 1
        return self._known

    def _called(self, wave: int | None, samples: int, events: Any) -> int:
        begun: list[tuple[int, int, int]] = []
        index = 0
        while events[index].type:
            event = events[index]
            if event.type == WORD_EVENT:
                begun.append((event.text_position - 1, event.length, event.sample))
            index += 1
        pcm = ctypes.string_at(wave, 2 * samples) if wave and samples > 0 else b""
        return 0 if not (pcm or begun) or self._on_audio(pcm, begun) else 1


class _Words:
    """Where the words are: in the text as the engine says, in the sound as it says and where the sound ends."""

    def __init__(self, text: str, rate: int) -> None:
        self._text, self._rate = text, rate
        self._sound = array("h")
        self._open: tuple[int, int, int] | None = None
        self._waiting: list[tuple[int, int, int]] = []
        self._end = 0

    def take(self, pcm: bytes, begun: list[tuple[int, int, int]]) -> tuple[WordTime, ...]:
        """Add a stretch of sound and the words that begin in it; returns those whose end is known now."""
        self._sound.frombytes(pcm)
        self._waiting += begun
        done: list[WordTime] = []
        while self._waiting and self._waiting[0][2] <= len(self._sound):
            position, length, sample = self._waiting.pop(0)
            start = max(position, self._end)
            end = min(len(self._text), position + max(length, 1))
            if start >= end or not self._text[start:end].strip():
                continue
            if self._open is not None:
                done.append(self._close(sample))
            self._open = (start, end, sample)
            self._end = end
        return tuple(done)

    def finish(self) -> tuple[WordTime, ...]:
        if self._open is None:
            return ()
        word, self._open = self._close(len(self._sound)), None
        return (word,)

    def _close(self, until: int) -> WordTime:
        assert self._open is not None  # noqa: S101  # callers have looked
        start, end, begin = self._open
        last = next(
            (at for at in range(min(until, len(self._sound)) - 1, begin - 1, -1) if abs(self._sound[at]) > QUIET), begin
        )
        return WordTime(start=start, end=end, begin=begin / self._rate, finish=(last + 1) / self._rate)


def _unspeakable(letter: str) -> bool:
    """Control characters would end or confuse the engine's text, and lone surrogates cannot be encoded."""
    return ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 or 0xD800 <= ord(letter) < 0xE000


@cache
def _engine() -> _Engine:
    library, data = _find_library()
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_ListVoices.argtypes = [ctypes.c_void_p]
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    return _Engine(library, data)


def _find_library() -> tuple[Any, bytes | None]:
    try:
        import espeakng_loader
    except ImportError:
        pass
    else:
        return ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path().encode()
    for name in (ctypes.util.find_library("espeak-ng"), "libespeak-ng.so.1", "libespeak-ng.dylib"):
        try:
            if name:
                return ctypes.CDLL(name), None
        except OSError:
            continue
    raise ProviderUnavailable(
        NAME,
        "The voice espeak-ng is not installed. Install it with: pip install 'voicemode[espeak]' (or the espeak-ng package "
        "of your system).",
        code="not_installed",
    )
