"""Engines by name.  In: the name a setting gives.  Out: the engine, loaded, behind its port.

An engine's module is imported only when the engine is wanted, so that what is not installed is not missed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from actors.errors import SettingsError
from actors.ports import SpeechModel, SpeechToText, TextToSpeech

Engine = TypeVar("Engine")


async def _silero() -> SpeechModel:
    from .silero import SileroModel

    return await SileroModel.load()


async def _espeak() -> TextToSpeech:
    from .espeak import EspeakSpeech

    return await EspeakSpeech.load()


async def _pocketsphinx() -> SpeechToText:
    from .pocketsphinx import PocketsphinxSpeech

    return await PocketsphinxSpeech.load()


SPEECH_MODELS: Mapping[str, Callable[[], Awaitable[SpeechModel]]] = {"silero": _silero}
TEXT_TO_SPEECH: Mapping[str, Callable[[], Awaitable[TextToSpeech]]] = {"espeak-ng": _espeak, "espeak": _espeak}
SPEECH_TO_TEXT: Mapping[str, Callable[[], Awaitable[SpeechToText]]] = {"pocketsphinx": _pocketsphinx}


async def load_speech_model(name: str) -> SpeechModel:
    """Raises SettingsError for an unknown name, ProviderUnavailable when the engine cannot be had."""
    return await _load("voice detector", name, SPEECH_MODELS)


async def load_text_to_speech(name: str) -> TextToSpeech:
    """Raises SettingsError for an unknown name, ProviderUnavailable when the engine cannot be had."""
    return await _load("voice", name, TEXT_TO_SPEECH)


async def load_speech_to_text(name: str) -> SpeechToText:
    """Raises SettingsError for an unknown name, ProviderUnavailable when the engine cannot be had."""
    return await _load("recogniser", name, SPEECH_TO_TEXT)


async def _load(kind: str, name: str, engines: Mapping[str, Callable[[], Awaitable[Engine]]]) -> Engine:
    if name not in engines:
        raise SettingsError(f"There is no {kind} called {name!r}; there is {', '.join(engines)}.")
    return await engines[name]()
