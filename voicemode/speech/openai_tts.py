"""Speech from an OpenAI-compatible endpoint: text in, 24 kHz audio out while it is still being made.

``POST …/audio/speech`` as in OpenAI's API reference, "Create speech"; Kokoro's captions where there are any.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import msgspec
import trio

from actors.errors import ProviderError, ProviderRefused, SettingsError
from actors.messages import Synthesis

from ..groups import unwrapped
from ..http_client import Answer
from .captioned_speech import PATH as CAPTIONED, Captions, Parts, SoundOnly, may_caption
from .decoders import has_ffmpeg
from .endpoint import Patience, Request, SpeechEndpoint, Use
from .endpoint_engine import EndpointEngine
from .endpoint_lists import names_in
from .endpoint_name import TTS_KEY, EndpointName
from .speech_answer import RATE as RATE, SpeechAnswer
from .wish import Wish

FORMATS = ("pcm", "wav", "flac", "mp3", "opus", *(("aac",) if has_ffmpeg() else ()))
"""To ask for: what needs no decoder begins first, what follows sounds worse or begins later."""

USE = Use(path="/audio/speech", key=TTS_KEY, choices=("model", "voice", "instructions", "captions", "format"))
VOICES = "/audio/voices"
"""No endpoint of OpenAI's, but Kokoro-FastAPI and others have it."""
MODEL, VOICE = "tts-1", "alloy"

LONGEST = 600.0
"""Seconds of sound in one answer; what goes on is no speech."""

AHEAD = 600
"""Parts, a minute of audio and 3 MB, that the endpoint may be ahead of whoever takes them."""


class OpenAIVoice(EndpointEngine):
    """Implements ``TextToSpeech`` and ``Probe``.  Each text is a request of its own; several may be under way."""

    rate = RATE

    def __init__(
        self,
        endpoint: SpeechEndpoint,
        *,
        model: str = MODEL,
        voice: str = VOICE,
        instructions: str | None = None,
        captions: bool | None = None,
        longest: float = LONGEST,
        sound: str = FORMATS[0],
    ) -> None:
        super().__init__(endpoint)
        self._model, self._voice, self._instructions = model, voice, instructions
        self._longest = longest
        self._sound, self._format = sound, _wish_for(sound)
        self._told = _told()
        self._captions = captions

    @classmethod
    async def open(
        cls,
        name: EndpointName,
        *,
        environment: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
        longest: float = LONGEST,
        sound: str = FORMATS[0],
    ) -> OpenAIVoice:
        """Nothing is asked yet.  ``name`` may choose model, voice, instructions, the format to ask for first, otherwise
        ``sound``, and whether to ask for captions, otherwise done when it looks like Kokoro.  Raises SettingsError."""
        captions = _choice(name.choices.get("captions"))
        endpoint = await SpeechEndpoint.open(name, USE, environment=environment, patience=patience)
        return cls(
            endpoint,
            model=name.choices.get("model", MODEL),
            voice=name.choices.get("voice", VOICE),
            instructions=name.choices.get("instructions"),
            captions=captions,
            longest=longest,
            sound=_format(name.choices.get("format", sound)),
        )

    @property
    def sound(self) -> str:
        """What is asked for at present: one of ``FORMATS``."""
        return self._format.now

    def adapt(self, *, model: str, instructions: str | None, sound: str) -> None:
        """What the next text is asked for with.  Raises SettingsError for a format that there is not."""
        if sound != self._sound:
            self._sound, self._format = sound, _wish_for(_format(sound))
        if model != self._model:
            self._told = _told()
        self._model, self._instructions = model, instructions

    async def voices(self) -> tuple[str, ...]:
        """The voices that the endpoint lists; none where it lists none.  Raises as ``probe`` does."""
        return names_in(await self._endpoint.get(VOICES))

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        """Implements the port.  Text without a letter or a digit gives no audio, and nobody is asked.

        Raises ProviderUnavailable and ProviderRefused from the context, after all that was received has been handed on.
        """
        send, receive = trio.open_memory_channel[Synthesis](AHEAD)
        failures: list[ProviderError] = []

        async def fetch() -> None:
            with send:
                try:
                    await self._fetch(text, voice or self._voice, speed, send)
                except ProviderError as error:
                    failures.append(error)
                except trio.BrokenResourceError:
                    return

        with receive, unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fetch)
                yield receive
                nursery.cancel_scope.cancel("whoever listened is done")
        if failures:
            raise failures[0]

    async def _fetch(self, text: str, voice: str, speed: float | None, send: trio.MemorySendChannel[Synthesis]) -> None:
        said = "".join(" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text)
        if not any(letter.isalnum() for letter in said):
            return
        usual: dict[str, object] = {"model": self._model, "input": said, "voice": voice}
        if speed is not None:
            usual["speed"] = speed
        manner = {} if self._instructions is None else {"instructions": self._instructions}

        deadline = trio.current_time() + self._endpoint.patience.first_byte
        answer, parts = await self._asked(usual, manner, deadline)
        async with answer:
            await SpeechAnswer(self._endpoint, answer, parts, text, self._longest).hand_on(send, deadline)

    async def _asked(self, usual: dict[str, object], manner: dict[str, str], deadline: float) -> tuple[Answer, Parts]:
        """The answer, and what takes it apart: with captions if the endpoint has them.  ``manner`` is left out for one
        that refuses to be told how to speak."""
        captioned = self._captions
        if captioned is None:
            captioned = may_caption(str(usual["model"]), str(usual["voice"]))

        async def request(wanted: str, told: str = "untold") -> Request:
            captions = {"stream": True, "return_timestamps": True} if captioned else {}
            how = manner if told == "told" else {}
            return Request(json=msgspec.json.encode(usual | how | {"response_format": wanted} | captions))

        wishes = (self._format, self._told) if manner else (self._format,)

        if captioned:
            try:
                answer = await self._endpoint.ask(request, *wishes, deadline=deadline, path=CAPTIONED)
            except ProviderRefused as error:
                if error.code != "not_found":
                    raise
                self._captions = captioned = False
            else:
                is_sound = answer.header("Content-Type").startswith("audio/")
                return answer, SoundOnly() if is_sound else Captions()
        return await self._endpoint.ask(request, *wishes, deadline=deadline), SoundOnly()


def _wish_for(sound: str) -> Wish:
    """``sound`` first, and then what else there is."""
    return Wish("response_format", *sorted(FORMATS, key=lambda each: each != sound))


def _told() -> Wish:
    """Whether it is told how to speak, which some models refuse."""
    return Wish("instruction", "told", "untold")


def _choice(word: str | None) -> bool | None:
    if word not in {None, "yes", "no"}:
        raise SettingsError(f"Whether there are captions is 'yes' or 'no', not {word!r}.")
    return None if word is None else word == "yes"


def _format(word: str) -> str:
    if word not in FORMATS:
        missing = " AAC needs: pip install 'voicemode[codecs]'." if word == "aac" else ""
        raise SettingsError(f"Speech can be asked for as {', '.join(FORMATS)}, not as {word!r}.{missing}")
    return word
