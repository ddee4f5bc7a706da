"""Text from an OpenAI-compatible endpoint: one utterance in, whole or while it is being said, what it heard out."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from actors.errors import SettingsError
from actors.messages import Transcript, seconds_of
from actors.ports import Hearing

from ..settings import Compress
from .endpoint import Patience, SpeechEndpoint, Use
from .endpoint_engine import EndpointEngine
from .endpoint_lists import takes_live_uploads
from .endpoint_name import STT_KEY, EndpointName
from .openai_live import OpenAIHearing
from .transcript_body import TranscriptBody
from .transcription import SHORTEST, Transcription
from .uploads import Uploads

USE = Use(path="/audio/transcriptions", key=STT_KEY, choices=("model", "language", "prompt", "upload"))
MODEL = "whisper-1"

PER_SECOND = 1.0
"""Seconds more that an answer may take for each second of the utterance: a large model on a small machine is as slow as
speech, and so is a slow way there."""

SILENCE = "[BLANK_AUDIO]"
"""What whisper.cpp writes for silence."""


class OpenAIRecogniser(EndpointEngine):
    """Implements ``SpeechToText``, ``LiveSpeechToText`` and ``Probe``.  It hears freely: ``phrases`` are made known to
    the endpoint, and what it heard is given as one of them if the words are the same.

    ``uploads`` is whether utterances are sent while they are being said.
    """

    def __init__(
        self,
        endpoint: SpeechEndpoint,
        *,
        model: str = MODEL,
        language: str | None = None,
        prompt: str | None = None,
        words: bool = False,
        per_second: float = PER_SECOND,
        uploads: Uploads | None = None,
        compress: Compress = "auto",
    ) -> None:
        super().__init__(endpoint)
        flac = compress == "always" or (compress == "auto" and not endpoint.loopback)
        fields = {"model": model} | ({} if language is None else {"language": language})
        self._asked = Transcription(endpoint, fields, prompt=prompt, words=words, per_second=per_second, flac=flac)
        self._words = words
        self.uploads = uploads or Uploads()

    @classmethod
    async def open(
        cls,
        name: EndpointName,
        *,
        environment: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
        prompt: str | None = None,
        language: str | None = None,
        words: bool = False,
        per_second: float = PER_SECOND,
        uploads: Uploads | None = None,
        compress: Compress = "auto",
    ) -> OpenAIRecogniser:
        """Nothing is asked yet.  ``name`` may choose model, language, prompt, which go before ``language`` and
        ``prompt``, and upload,
        unless ``uploads`` are those of another recogniser for the same endpoint; with ``words`` their times are asked
        for, which takes some engines longer.  Raises SettingsError."""
        uploads = uploads or Uploads.parse(name.choices.get("upload", "auto"))
        endpoint = await SpeechEndpoint.open(name, USE, environment=environment, patience=patience)
        return cls(
            endpoint,
            model=name.choices.get("model", MODEL),
            language=name.choices.get("language", language),
            prompt=name.choices.get("prompt", prompt),
            words=words,
            per_second=per_second,
            uploads=uploads,
            compress=compress,
        )

    @property
    def sound(self) -> str:
        """What utterances are sent as at present: ``wav`` or ``flac``."""
        return self._asked.kind

    def adapt(self, *, prompt: str | None) -> None:
        """What is made known to the endpoint with the next utterance."""
        self._asked.prompt = prompt

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port; the text is empty when nothing was understood.

        Raises ProviderUnavailable, at the latest some 10 s and the length of the utterance after the call,
        ProviderRefused, and SettingsError for a rate that is none.
        """
        _check(rate)
        began = trio.current_time()
        body = TranscriptBody("text/plain")
        if seconds_of(pcm, rate) >= SHORTEST:
            body = await self._asked.of(pcm, rate, phrases)
        return self._transcript(body, phrases, began)

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[Hearing]:
        """Implements the port.  With ``partial`` the endpoint is asked to send the text while it hears; not all do.

        ``finish`` raises as ``transcribe`` does; raises SettingsError for a rate that is none.
        """
        _check(rate)
        async with OpenAIHearing.open(self._asked, self.uploads, rate, phrases, partial) as hearing:
            yield _Hearing(hearing, lambda body, began: self._transcript(body, phrases, began))

    def _noticed(self, models: bytes) -> None:
        self.uploads.announced = takes_live_uploads(models)

    def _transcript(self, body: TranscriptBody, phrases: Sequence[str], began: float) -> Transcript:
        return Transcript(
            text=_as_given(body.text, phrases),
            engine=self.name,
            seconds=trio.current_time() - began,
            words=body.words if self._words else (),
        )


@frozen
class _Hearing:
    """Implements ``Hearing``."""

    hearing: OpenAIHearing
    transcript: Callable[[TranscriptBody, float], Transcript]

    def write(self, pcm: bytes) -> None:
        self.hearing.write(pcm)

    async def finish(self) -> Transcript:
        began = trio.current_time()
        return self.transcript(await self.hearing.finish(), began)


def _check(rate: int) -> None:
    if rate <= 0:
        raise SettingsError(f"Audio has a rate of at least 1 Hz, not {rate}.")


def _as_given(text: str, phrases: Sequence[str]) -> str:
    heard = text.replace(SILENCE, "").strip()
    words = _words(heard)
    return next((phrase for phrase in phrases if _words(phrase) == words), heard) if words else heard


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.casefold().replace("\u2019", "'"))
