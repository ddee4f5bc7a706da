"""The espeak-ng library through its C interface, speak_lib.h.  In: text.  Out: blocks of audio with word events.

The library has one state per process and is not re-entrant: every call holds ``Espeak.turn``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Sequence
from typing import Any

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.messages import SAMPLE_BYTES

from .espeak_words import WordEvent
from .exclusive import Exclusive

NAME = "espeak-ng"

BLOCK = 60
"""Milliseconds of audio the library makes at a time."""

SYNCHRONOUS, DONT_EXIT = 2, 0x8000
UTF8, BY_CHARACTER, PAUSE_AT_END = 1, 1, 0x1000
PACE = 1
NO_EVENT, WORD = 0, 1

Take = Callable[[bytes, Sequence[WordEvent]], None]
"""Takes a block; what it raises stops the engine at once."""


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library, set up.  Its methods block, for worker threads only."""

    def __init__(self, library: Any, data: bytes | None) -> None:
        """Raises ProviderUnavailable when the library cannot find its voices."""
        self.turn = Exclusive()
        self._library = library
        library.espeak_Initialize.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
        library.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
        library.espeak_SetParameter.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
        library.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        library.espeak_ListVoices.argtypes = (ctypes.c_void_p,)
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self.rate: int = library.espeak_Initialize(SYNCHRONOUS, BLOCK, data, DONT_EXIT)
        if self.rate <= 0:
            raise ProviderUnavailable(
                NAME,
                "espeak-ng is installed but cannot find its voice data. Reinstall espeakng-loader with pip, or the "
                "package espeak-ng-data of your system.",
                code="no_voices",
            )
        self._take: Take = _nobody
        self._failure: BaseException | None = None
        self._callback = _Callback(self._called)  # kept, because the library keeps only its address
        library.espeak_SetSynthCallback(self._callback)

    def synthesise(self, text: str, voice: str, words_a_minute: int, take: Take) -> None:
        """Say ``text``, calling ``take`` with every block.  Raises what ``take`` raises, and ProviderError."""
        self._choose(voice)
        self._library.espeak_SetParameter(PACE, words_a_minute, 0)
        self._take, self._failure = take, None
        encoded = text.encode()
        flags = UTF8 | PAUSE_AT_END
        status = self._library.espeak_Synth(encoded, len(encoded) + 1, 0, BY_CHARACTER, 0, flags, None, None)
        failure, self._take, self._failure = self._failure, _nobody, None
        if failure is not None:
            raise failure
        if status != 0:
            raise ProviderUnavailable(
                NAME, f"espeak-ng failed with status {status}. Say it again.", code="failed", retryable=True
            )

    def voices(self) -> dict[str, str]:
        """The voice file for each language the library speaks."""
        files: dict[str, str] = {}
        listed = self._library.espeak_ListVoices(None)
        index = 0
        while listed[index]:
            voice = listed[index].contents
            # One byte of priority stands before the name of the language.
            files.setdefault(voice.languages[1:].decode(errors="replace").lower(), voice.identifier.decode())
            index += 1
        return files

    def _choose(self, voice: str) -> None:
        """By name, by file or by language, as en-gb; a variant may follow, as in en-us+f3."""
        if self._library.espeak_SetVoiceByName(voice.encode()) == 0:
            return
        language, plus, variant = voice.partition("+")
        file = self.voices().get(language.lower())
        if file is None or self._library.espeak_SetVoiceByName(f"{file}{plus}{variant}".encode()) != 0:
            raise ProviderRefused(
                NAME,
                f"espeak-ng has no voice {voice!r}; try en-us, or en-us+f3.",
                code="voice",
            )

    def _called(self, wave: int | None, samples: int, events: Any) -> int:
        """Called by the library, to which nothing may be raised; 1 stops it."""
        try:
            begun: list[WordEvent] = []
            index = 0
            while (event := events[index]).type != NO_EVENT:
                if event.type == WORD:
                    position = event.text_position - 1
                    begun.append(WordEvent(position=position, length=event.length, sample=event.sample))
                index += 1
            self._take(ctypes.string_at(wave, SAMPLE_BYTES * samples) if wave else b"", begun)
        except BaseException as failure:  # noqa: BLE001 - also Cancelled: raised again when the library has returned
            self._failure = failure
            return 1
        return 0


def _nobody(_pcm: bytes, _events: Sequence[WordEvent]) -> None:
    """What comes while nothing is being said is of no use."""


_loading = Exclusive()
_loaded: list[Espeak] = []


def load_espeak() -> Espeak:
    """The library, loaded once for the process.  Blocks, for worker threads only.  Raises ProviderUnavailable."""
    with _loading.hold():
        if not _loaded:
            _loaded.append(Espeak(*find_library()))
        return _loaded[0]


def find_library() -> tuple[Any, bytes | None]:
    """The library of espeakng-loader and where its voices are, or else the system's."""
    try:
        import espeakng_loader

        return ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path().encode()
    except (ImportError, OSError, RuntimeError) as error:
        reason: Exception = error
    for name in (ctypes.util.find_library("espeak-ng"), "libespeak-ng.so.1", "libespeak-ng.dylib"):
        if name:
            try:
                return ctypes.CDLL(name), None
            except OSError as error:
                reason = error
    raise ProviderUnavailable(
        NAME,
        "The voice espeak-ng is not installed. Install it with: pip install espeakng-loader (the extra "
        "voicemode[espeak]; or apt install espeak-ng, or brew install espeak-ng).",
        code="not_installed",
    ) from reason
