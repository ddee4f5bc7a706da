"""Speech from an OpenAI-compatible endpoint: text in, 24 kHz audio out while it is still being made.

``POST …/audio/speech`` as in OpenAI's API reference, "Create speech".  There are no word times.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

import msgspec
import trio

from actors.errors import ProviderError
from actors.messages import Synthesis, seconds_of

from ..groups import unwrapped
from .endpoint import Patience, Request, SpeechEndpoint
from .endpoint_faults import words_of
from .endpoint_name import TTS_KEY, EndpointName
from .speech_body import NotSpeech, SpeechBody

PATH = "/audio/speech"
FORMATS = ("pcm", "wav")
MODEL, VOICE = "tts-1", "alloy"
RATE = 24_000
"""Hz of what is handed on; what comes at another rate is converted."""

LONGEST = 600.0
"""Seconds of sound in one answer; what goes on is no speech."""

AHEAD = 600
"""Parts, a minute of audio and 3 MB, that the endpoint may be ahead of whoever takes them."""


class OpenAIVoice:
    """Implements ``TextToSpeech``.  Each text is a request of its own; several may be under way at once."""

    rate = RATE

    def __init__(
        self,
        endpoint: SpeechEndpoint,
        *,
        model: str = MODEL,
        voice: str = VOICE,
        instructions: str | None = None,
        longest: float = LONGEST,
    ) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint
        self._model, self._voice, self._instructions = model, voice, instructions
        self._longest = longest

    @classmethod
    async def open(
        cls,
        name: EndpointName,
        *,
        environment: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
        longest: float = LONGEST,
    ) -> OpenAIVoice:
        """Nothing is asked yet.  ``name`` may choose model, voice and instructions.  Raises SettingsError."""
        name.check("model", "voice", "instructions")
        endpoint = await SpeechEndpoint.open(
            name.url, ending=PATH, variable=TTS_KEY, environment=environment, formats=FORMATS, patience=patience
        )
        return cls(
            endpoint,
            model=name.choices.get("model", MODEL),
            voice=name.choices.get("voice", VOICE),
            instructions=name.choices.get("instructions"),
            longest=longest,
        )

    async def aclose(self) -> None:
        """Close the connections, in bounded time.  Idempotent."""
        await self._endpoint.aclose()

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
        if self._instructions is not None:
            usual["instructions"] = self._instructions

        def request(wanted: str) -> Request:
            return Request(json=msgspec.json.encode(usual | {"response_format": wanted}))

        seconds = 0.0

        async def hand_on(pieces: Iterable[bytes]) -> None:
            nonlocal seconds
            for piece in pieces:
                seconds += seconds_of(piece, RATE)
                await send.send(Synthesis(pcm=piece, rate=RATE))

        deadline = trio.current_time() + self._endpoint.patience.first_byte
        async with await self._endpoint.ask(PATH, request, deadline=deadline) as answer:
            kind = answer.header("Content-Type")
            body = SpeechBody(kind, RATE)
            last = b""
            data = await self._endpoint.next(answer, deadline - trio.current_time())
            try:
                while data is not None and seconds < self._longest:
                    last = data
                    await hand_on(body.feed(data))
                    data = await self._endpoint.next(answer, self._endpoint.patience.between)
                await hand_on(body.end())
            except NotSpeech as error:
                words = self._endpoint.quoted(words_of(last, kind)) if "json" in kind.lower() else ""
                raise self._endpoint.broken(
                    f"sent no speech that can be played but {error}{f' ({words})' if words else ''}. "
                    "Choose an endpoint that answers with PCM or WAV.",
                    code="not_speech",
                ) from error
        if data is not None:
            raise self._endpoint.broken(f"went on after {self._longest:g} s of sound and was stopped.", code="endless")
        if not seconds:
            raise self._endpoint.broken("sent no sound at all.", code="empty", retryable=True)
