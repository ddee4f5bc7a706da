"""Engines behind endpoints that ask their service what it has.  In: an endpoint's name and the user's preferences.
Out: recogniser and voice, with a model and voices that the service really has.

As long as the service has not said what it has, the usual names are asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar, Generic, TypeVar

import trio
from attrs import evolve

from actors.errors import ProviderError
from actors.messages import Service, Synthesis, Transcript
from actors.ports import Hearing

from ..settings import AUTO, Settings
from .choices import OPENAI_VOICES, closest_voice, model_for, preferred_voice
from .endpoint_name import OPENAI, EndpointName
from .offer import Offer
from .openai_stt import MODEL as STT_MODEL, OpenAIRecogniser
from .openai_tts import MODEL as TTS_MODEL, OpenAIVoice

Engine = TypeVar("Engine", OpenAIRecogniser, OpenAIVoice)


class Serviced(Generic[Engine]):
    """Implements ``Probe``.  ``offer`` is what the service has, if that is ``known``.  It is asked for that
    again when it has failed, because who is back may be another."""

    service: ClassVar[Service]
    usual: ClassVar[str]

    def __init__(self, asked: EndpointName, settings: Settings, environment: Mapping[str, str]) -> None:
        self.offer = Offer()
        self.known = False
        self._asked, self._settings, self._environment = asked, settings, environment
        self._opened: list[Engine] = []
        # nothing has failed since it said what it has
        self._fresh = False
        self._cut_off = trio.Event()
        self._fitted = self._fitting()

    async def open(self, offer: Offer | None = None) -> None:
        """Nothing is asked yet; ``offer`` is what is known already.  Raises SettingsError."""
        if offer is None:
            self._opened.append(await self._open())
        else:
            await self._learn(offer)

    async def aclose(self) -> None:
        """Close the connections, in bounded time."""
        for engine in self._opened:
            await engine.aclose()

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def model(self) -> str:
        """The one that is asked for."""
        return self._fitted.choices.get("model", self.usual)

    @property
    def about(self) -> Mapping[str, str]:
        """How it is asked at present, in the words of exchanges."""
        return {"model": self.model, "provider_url": self.name, "audio_format": self._engine.sound}

    async def probe(self) -> None:
        """Return when the service is there, and know from then on what it has."""
        try:
            offer = await self._ask()
        except BaseException:
            # also a deadline's cancel
            self._fresh = False
            raise
        if not self.known or offer != self.offer:
            await self._learn(offer)
        self._fresh = True

    def adapt(self, settings: Settings) -> None:
        """Keep to ``settings`` from the next request on.  Raises SettingsError for what cannot be."""
        self._settings = settings
        self._fitted = self._fitting()

    async def given_up(self) -> None:
        """Wait until a request fails, or somebody gives it up, with which its connection goes."""
        await self._cut_off.wait()
        self._cut_off = trio.Event()

    async def _learn(self, offer: Offer) -> None:
        """What is under way goes on with what it began with."""
        before, self.offer = self._fitted, offer
        self._fitted = self._fitting()
        if self._fitted != before or not self._opened:
            self._opened.append(await self._open())
        self.known = self._fresh = True

    @contextmanager
    def _heeding_failures(self) -> Generator[None]:
        try:
            yield
        except ProviderError:
            self._fresh = False
            self._cut_off.set()
            raise

    def _fitting(self) -> EndpointName:
        """What was asked for, with a model."""
        model = model_for(self.usual, self._preferred, self.offer.models(self.service))
        return evolve(self._asked, choices={"model": model, **self._asked.choices})

    @property
    def _engine(self) -> Engine:
        return self._opened[-1]

    @property
    def _preferred(self) -> Sequence[str]:
        raise NotImplementedError

    async def _ask(self) -> Offer:
        raise NotImplementedError

    async def _open(self) -> Engine:
        raise NotImplementedError


class ServiceRecogniser(Serviced[OpenAIRecogniser]):
    """Implements ``SpeechToText`` and ``LiveSpeechToText``."""

    service = "stt"
    usual = STT_MODEL

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        try:
            with self._heeding_failures():
                return await self._engine.transcribe(pcm, rate, phrases=phrases)
        except trio.Cancelled:
            self._cut_off.set()
            raise

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[Hearing]:
        try:
            with self._heeding_failures():
                async with self._engine.listen(rate, phrases=phrases, partial=partial) as hearing:
                    yield hearing
        except trio.Cancelled:
            self._cut_off.set()
            raise

    def adapt(self, settings: Settings) -> None:
        super().adapt(settings)
        self._engine.adapt(prompt=self._fitted.choices.get("prompt", settings.stt_prompt))

    @property
    def _preferred(self) -> Sequence[str]:
        return () if self._settings.stt_model is None else (self._settings.stt_model,)

    async def _ask(self) -> Offer:
        return Offer.of(await self._engine.models())

    async def _open(self) -> OpenAIRecogniser:
        # what was learnt of the endpoint is true whichever model is asked for
        uploads = self._engine.uploads if self._opened else None
        return await OpenAIRecogniser.open(
            self._fitted,
            environment=self._environment,
            prompt=self._settings.stt_prompt,
            language=None if self._settings.stt_language == AUTO else self._settings.stt_language,
            uploads=uploads,
            compress=self._settings.stt_compress,
        )


class ServiceVoice(Serviced[OpenAIVoice]):
    """Implements ``TextToSpeech``.  ``cast`` has every voice that some service is known to have; all share it."""

    service = "tts"
    usual = TTS_MODEL
    rate = OpenAIVoice.rate

    def __init__(self, asked: EndpointName, settings: Settings, environment: Mapping[str, str], cast: set[str]) -> None:
        super().__init__(asked, settings, environment)
        self._cast = cast

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        """``voice``, or the one that is most like it of those that the service has."""
        chosen = self.voice_for(voice)
        with self._heeding_failures():
            async with self._engine.speak(text, voice=chosen, speed=speed) as parts:
                try:
                    yield parts
                finally:
                    if parts.statistics().open_send_channels:
                        self._cut_off.set()

    def voice_for(self, asked: str | None) -> str | None:
        """What is said to the service for ``asked``; None is the endpoint's usual voice."""
        voices = self.offer.voices
        usual = preferred_voice(self._asked.choices.get("voice"), self._settings.voices, voices)
        if asked is None:
            return usual
        return closest_voice(asked, voices, self._cast) or usual

    def adapt(self, settings: Settings) -> None:
        super().adapt(settings)
        asked = self._fitted.choices
        sound = asked.get("format", settings.tts_format)
        self._engine.adapt(model=asked["model"], instructions=asked.get("instructions"), sound=sound)

    def _fitting(self) -> EndpointName:
        """What is to be said about the manner goes before what stands in the endpoint's name."""
        fitted, manner = super()._fitting(), self._settings.tts_instructions
        return evolve(fitted, choices={**fitted.choices, "instructions": manner}) if manner else fitted

    async def _learn(self, offer: Offer) -> None:
        await super()._learn(offer)
        self._cast.update(offer.voices)

    @property
    def _preferred(self) -> Sequence[str]:
        return self._settings.tts_models

    async def _ask(self) -> Offer:
        models = await self._engine.models()
        if self._fresh and Offer.of(models, self.offer.voices) == self.offer:
            return self.offer
        # OpenAI has voices, and no way to list them
        voices = OPENAI_VOICES if self._engine.name == OPENAI else await self._engine.voices()
        return Offer.of(models, voices)

    async def _open(self) -> OpenAIVoice:
        return await OpenAIVoice.open(self._fitted, environment=self._environment, sound=self._settings.tts_format)
