"""Engines by name.  In: the name a setting gives.  Out: the engine, loaded, behind its port.

An engine's module is imported only when the engine is wanted, so that what is not installed is not missed.  Engines
behind an endpoint have names of their own kind (see ``endpoint_name``), and connections: give what was loaded to
``release`` when the conversation is over.  Other distributions add theirs (see ``third_parties``).
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import trio

from actors.errors import SettingsError
from actors.messages import Service
from actors.ports import SpeechModel, SpeechToText, TextToSpeech, TurnModel

from . import third_parties
from .endpoint_name import RECOGNISERS, VOICES, EndpointName
from .third_parties import Group

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


async def _smart_turn() -> TurnModel:
    from .smart_turn import SmartTurn

    return await SmartTurn.load()


SPEECH_MODELS: Mapping[str, Callable[[], Awaitable[SpeechModel]]] = {"silero": _silero}
TEXT_TO_SPEECH: Mapping[str, Callable[[], Awaitable[TextToSpeech]]] = {"espeak-ng": _espeak, "espeak": _espeak}
SPEECH_TO_TEXT: Mapping[str, Callable[[], Awaitable[SpeechToText]]] = {"pocketsphinx": _pocketsphinx}
TURN_MODELS: Mapping[str, Callable[[], Awaitable[TurnModel]]] = {"smart-turn": _smart_turn}

ALIASES: Mapping[str, str] = {"espeak": "espeak-ng"}

EMBEDDED_VOICE, EMBEDDED_RECOGNISER = "espeak-ng", "pocketsphinx"
"""What is there when nothing else is."""


async def load_speech_model(name: str) -> SpeechModel:
    """Raises SettingsError for an unknown name, ProviderUnavailable when the engine cannot be had."""
    return await _load("voice detector", name, SPEECH_MODELS, "voicemode.vad")


async def load_turn_model(name: str | None) -> TurnModel | None:
    """``name`` is one of the models known, or the path of a Smart Turn v3 file, which ends in .onnx; None for none.

    Raises SettingsError for an unknown name and for a model that is not on this machine, ProviderUnavailable when it
    is of no use.
    """
    if name is None:
        return None
    if name.endswith(".onnx"):
        from .smart_turn import SmartTurn

        return await SmartTurn.load(Path(name))
    return await _load("turn model", name, TURN_MODELS, "voicemode.turn")


async def load_text_to_speech(name: str, *, environment: Mapping[str, str] = os.environ) -> TextToSpeech:
    """Raises SettingsError for an unknown name, ProviderUnavailable when the engine cannot be had.

    An endpoint is not asked for anything before it is to speak; its key is in ``environment``.
    """
    endpoint = EndpointName.parse(name, VOICES)
    if endpoint is None:
        return await _load("engine that speaks", name, TEXT_TO_SPEECH, "voicemode.tts", VOICES)
    from .openai_tts import OpenAIVoice

    return await OpenAIVoice.open(endpoint, environment=environment)


async def load_speech_to_text(name: str, *, environment: Mapping[str, str] = os.environ) -> SpeechToText:
    """Raises SettingsError for an unknown name, ProviderUnavailable when the engine cannot be had.

    An endpoint is not asked for anything before it is to transcribe; its key is in ``environment``.
    """
    endpoint = EndpointName.parse(name, RECOGNISERS)
    if endpoint is None:
        return await _load("engine that listens", name, SPEECH_TO_TEXT, "voicemode.stt", RECOGNISERS)
    from .openai_stt import OpenAIRecogniser

    return await OpenAIRecogniser.open(endpoint, environment=environment)


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


async def release(engine: object) -> None:
    """Close the connections of ``engine``, if it has any, in bounded time; also while being cancelled."""
    if isinstance(engine, _Closable):
        await engine.aclose()


async def check_name(name: str, service: Service) -> None:
    """Raises SettingsError for the name of an engine in this process that there is none of.  Nothing is loaded."""
    if service == "tts":
        await _check("engine that speaks", name, TEXT_TO_SPEECH, "voicemode.tts", VOICES)
    else:
        await _check("engine that listens", name, SPEECH_TO_TEXT, "voicemode.stt", RECOGNISERS)


async def _load(
    kind: str,
    name: str,
    engines: Mapping[str, Callable[[], Awaitable[Engine]]],
    group: Group,
    endpoints: Collection[str] = (),
) -> Engine:
    if name in engines:
        return await engines[name]()
    await _check(kind, name, engines, group, endpoints)
    engine: Engine = await third_parties.load(group, name)
    return engine


async def _check(kind: str, name: str, engines: Collection[str], group: Group, endpoints: Collection[str]) -> None:
    if name in engines:
        return
    theirs = await trio.to_thread.run_sync(third_parties.names, group)
    if name in theirs:
        return
    known = ", ".join((*engines, *theirs, *endpoints))
    address = ", or an address as in http://127.0.0.1:8000/v1" if endpoints else ""
    # what should have been an address may hold a password
    raise SettingsError(f"There is no {kind} called {name.rpartition('@')[2]!r}; there is {known}{address}.")
