"""The engines that a speech server offers, as models and voices.  In: clients' names for them.  Out: the engines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import trio
from attrs import field, frozen

from actors.errors import ProviderUnavailable, VoiceError
from actors.ports import SpeechToText, TextToSpeech

from ..speech.espeak import DEFAULT_VOICE, EspeakSpeech
from ..speech.espeak_library import NAME as ESPEAK
from ..speech.pocketsphinx import NAME as POCKETSPHINX, PocketsphinxSpeech
from .refusal import Refusal

SPEAKING = (ESPEAK, "tts-1")
TRANSCRIBING = (POCKETSPHINX, "whisper-1")
"""Models: the engine's own name first, then OpenAI's, which clients ask for that were not told otherwise."""

OPENAI_VOICES: Mapping[str, str] = {
    "alloy": DEFAULT_VOICE,
    "ash": "en-us+m1",
    "ballad": "en-gb+m2",
    "cedar": "en-us+m3",
    "coral": "en-us+f1",
    "echo": "en-us+m4",
    "fable": "en-gb",
    "marin": "en-us+f2",
    "nova": "en-us+f3",
    "onyx": "en-us+m7",
    "sage": "en-us+f4",
    "shimmer": "en-us+f5",
    "verse": "en-us+m5",
}
"""What is said in each of OpenAI's voices: American or British English, men's and women's variants."""


class Speaking(TextToSpeech, Protocol):
    """A voice that can tell which voices it has."""

    async def voices(self) -> list[str]: ...


Engine = TypeVar("Engine")


@frozen(kw_only=True)
class Engines:
    """What was loaded; in place of an engine that cannot be had, the error that says why."""

    speech: Speaking | ProviderUnavailable
    recogniser: SpeechToText | ProviderUnavailable
    uploads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(4))
    """Recordings held in memory at a time; further ones wait outside, all but their first 512 KB."""

    @classmethod
    async def load(cls) -> Engines:
        """Raises VoiceError when there is none at all."""
        speech: Speaking | ProviderUnavailable = await _loaded(EspeakSpeech.load)
        recogniser: SpeechToText | ProviderUnavailable = await _loaded(PocketsphinxSpeech.load)
        if isinstance(speech, ProviderUnavailable) and isinstance(recogniser, ProviderUnavailable):
            raise VoiceError(f"There is no engine to serve. {speech} {recogniser}")
        return cls(speech=speech, recogniser=recogniser)

    @property
    def missing(self) -> list[ProviderUnavailable]:
        """Why each of the engines is missing that are."""
        return [engine for engine in (self.speech, self.recogniser) if isinstance(engine, ProviderUnavailable)]

    @property
    def models(self) -> list[str]:
        """What clients may call the engines that are there."""
        speaking = () if isinstance(self.speech, ProviderUnavailable) else SPEAKING
        return [*speaking, *(() if isinstance(self.recogniser, ProviderUnavailable) else TRANSCRIBING)]

    def speaking(self, model: str) -> Speaking:
        """The engine that speaks as ``model``.  Raises Refusal, and ProviderUnavailable when it is missing."""
        return _chosen(self.speech, model, SPEAKING, "speaks")

    def transcribing(self, model: str) -> SpeechToText:
        """The engine that transcribes as ``model``.  Raises Refusal, and ProviderUnavailable when it is missing."""
        return _chosen(self.recogniser, model, TRANSCRIBING, "transcribes")


async def _loaded(load: Callable[[], Awaitable[Engine]]) -> Engine | ProviderUnavailable:
    try:
        return await load()
    except ProviderUnavailable as error:
        return error


def _chosen(engine: Engine | ProviderUnavailable, model: str, models: tuple[str, ...], does: str) -> Engine:
    if model not in models:
        raise Refusal(
            404,
            f"There is no model {model!r} here that {does}; there is {' and '.join(models)}.",
            code="model_not_found",
            param="model",
        )
    if isinstance(engine, ProviderUnavailable):
        raise engine
    return engine
