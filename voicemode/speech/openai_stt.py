"""Text from an OpenAI-compatible endpoint: one utterance in, what it heard out.

``POST …/audio/transcriptions`` as in OpenAI's API reference, "Create transcription": a form with a file of audio.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

import trio

from actors.errors import SettingsError
from actors.messages import Transcript, seconds_of

from ..http_client import Answer
from ..settings import Compress
from .endpoint import Patience, Request, SpeechEndpoint, Use
from .endpoint_engine import EndpointEngine
from .endpoint_name import STT_KEY, EndpointName
from .transcript_body import NotATranscript, TranscriptBody
from .upload import upload_of
from .wish import Wish

USE = Use(path="/audio/transcriptions", key=STT_KEY, choices=("model", "language", "prompt"))
MODEL = "whisper-1"

PER_SECOND = 1.0
"""Seconds more that an answer may take for each second of the utterance: a large model on a small machine is as slow as
speech, and so is a slow way there."""

SHORTEST = 0.1
"""Seconds in which there is no word; less is not sent, because endpoints refuse it."""

SILENCE = "[BLANK_AUDIO]"
"""What whisper.cpp writes for silence."""

FORMAT, STREAM, FILE = "response_format", r"\bstream\b", r"flac|\bwav\b|decod|(file|audio) format|file type"
"""How endpoints name what they refuse."""

Partial = Callable[[str], object]
"""Is given the text as far as it is known, each time it has grown."""


class OpenAIRecogniser(EndpointEngine):
    """Implements ``SpeechToText`` and ``Probe``.  It hears freely: ``phrases`` are made known to the endpoint, and what
    it heard is given as one of them if the words are the same."""

    def __init__(
        self,
        endpoint: SpeechEndpoint,
        *,
        model: str = MODEL,
        language: str | None = None,
        prompt: str | None = None,
        words: bool = False,
        per_second: float = PER_SECOND,
        compress: Compress = "auto",
    ) -> None:
        super().__init__(endpoint)
        self._fields = {"model": model} | ({} if language is None else {"language": language})
        self._prompt, self._words, self._per_second = prompt, words, per_second
        self._format = Wish(FORMAT, *(("verbose_json",) if words else ()), "json", "text")
        self._stream = Wish(STREAM, "true", "false")
        flac = compress == "always" or (compress == "auto" and not endpoint.loopback)
        self._file = Wish(FILE, *(("flac",) if flac else ()), "wav", status=415)
        self.limiter = trio.CapacityLimiter(1)

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
        compress: Compress = "auto",
    ) -> OpenAIRecogniser:
        """Nothing is asked yet.  ``name`` may choose model, language and prompt, which go before ``language`` and
        ``prompt``; with ``words`` their times are asked for, which takes some engines longer.  Raises SettingsError."""
        endpoint = await SpeechEndpoint.open(name, USE, environment=environment, patience=patience)
        return cls(
            endpoint,
            model=name.choices.get("model", MODEL),
            language=name.choices.get("language", language),
            prompt=name.choices.get("prompt", prompt),
            words=words,
            per_second=per_second,
            compress=compress,
        )

    async def transcribe(
        self, pcm: bytes, rate: int, *, phrases: Sequence[str] = (), partial: Partial | None = None
    ) -> Transcript:
        """Implements the port; the text is empty when nothing was understood.

        With ``partial`` the endpoint is asked to send the text while it hears; not all do.

        Raises ProviderUnavailable, at the latest some 10 s and the length of the utterance after the call,
        ProviderRefused, and SettingsError for a rate that is none.
        """
        if rate <= 0:
            raise SettingsError(f"Audio has a rate of at least 1 Hz, not {rate}.")
        began = trio.current_time()
        body = TranscriptBody("text/plain")
        if seconds_of(pcm, rate) >= SHORTEST:
            body = await self._heard(pcm, rate, phrases, partial)
        return Transcript(
            text=_as_given(body.text, phrases),
            engine=self.name,
            seconds=trio.current_time() - began,
            words=body.words if self._words else (),
        )

    async def _heard(self, pcm: bytes, rate: int, phrases: Sequence[str], partial: Partial | None) -> TranscriptBody:
        prompt = ", ".join([*([self._prompt] if self._prompt else []), *phrases])
        fields = self._fields | ({"prompt": prompt} if prompt else {})

        files: dict[str, tuple[str, bytes, str]] = {}

        async def upload(kind: str) -> tuple[str, bytes, str]:
            if kind not in files:
                files[kind] = await trio.to_thread.run_sync(upload_of, pcm, rate, kind, limiter=self.limiter)
            return files[kind]

        async def request(wanted: str, kind: str, stream: str = "false") -> Request:
            form = fields | {"response_format": wanted}
            if wanted == "verbose_json":
                form["timestamp_granularities[]"] = "word"
            if stream == "true":
                form["stream"] = stream
            return Request(form=form, file=await upload(kind))

        # the endpoint is not waited for while its file is made
        await upload(self._file.now)
        deadline = trio.current_time() + self._endpoint.patience.first_byte + self._per_second * seconds_of(pcm, rate)
        wishes = [self._format, self._file, *([self._stream] if partial else [])]
        async with await self._endpoint.ask(request, *wishes, deadline=deadline) as answer:
            body = TranscriptBody(answer.header("Content-Type"))
            try:
                await self._read(answer, body, partial, deadline)
            except NotATranscript as error:
                words = self._endpoint.quoted(error.words)
                raise self._endpoint.broken(
                    f"sent no transcript but {self._endpoint.quoted(str(error))}{f' ({words})' if words else ''}. "
                    "Is this the address of an OpenAI-compatible endpoint?",
                    code="no_transcript",
                ) from error
        return body

    async def _read(self, answer: Answer, body: TranscriptBody, partial: Partial | None, deadline: float) -> None:
        between = self._endpoint.patience.between
        last = deadline + between
        data = await self._endpoint.next(answer, deadline - trio.current_time())
        while data is not None:
            if body.feed(data) and partial is not None:
                partial(body.text)
            data = await self._endpoint.next(answer, min(between, last - trio.current_time()))
        body.end()


def _as_given(text: str, phrases: Sequence[str]) -> str:
    heard = text.replace(SILENCE, "").strip()
    words = _words(heard)
    return next((phrase for phrase in phrases if _words(phrase) == words), heard) if words else heard


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.casefold().replace("\u2019", "'"))
