"""What is asked of an endpoint for an utterance.  In: its audio.  Out: the transcript as it was sent.

``POST …/audio/transcriptions`` as in OpenAI's API reference, "Create transcription": a form with a file of audio.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import trio

from actors.messages import seconds_of

from ..http_client import Answer
from .endpoint import Request, SpeechEndpoint
from .transcript_body import NotATranscript, TranscriptBody
from .upload import upload_of
from .wish import Wish

FORMAT, STREAM, FILE = "response_format", r"\bstream\b", r"flac|\bwav\b|decod|(file|audio) format|file type"
"""How endpoints name what they refuse."""

SHORTEST = 0.1
"""Seconds in which there is no word; less is not sent, because endpoints refuse it."""

Partial = Callable[[str], object]
"""Is given the text as far as it is known, each time it has grown."""


class Transcription:
    """How one endpoint is asked, and what has been learnt of it.

    ``prompt`` is made known to it, that of the moment when an utterance is sent.  ``per_second`` is how many seconds
    more it has for each second of an utterance; with ``flac`` files are compressed as long as that is taken.
    """

    def __init__(
        self,
        endpoint: SpeechEndpoint,
        fields: Mapping[str, str],
        *,
        prompt: str | None,
        words: bool,
        per_second: float,
        flac: bool,
    ) -> None:
        self.endpoint = endpoint
        self.prompt = prompt
        self._fields, self._per_second = dict(fields), per_second
        self._format = Wish(FORMAT, *(("verbose_json",) if words else ()), "json", "text")
        self._stream = Wish(STREAM, "true", "false")
        self._file = Wish(FILE, *(("flac",) if flac else ()), "wav", status=415)
        self.limiter = trio.CapacityLimiter(1)

    @property
    def kind(self) -> str:
        """Of the file that is sent."""
        return self._file.now

    def wishes(self, partial: Partial | None) -> list[Wish]:
        """What a form is made for; it takes their values."""
        return [self._format, *([self._stream] if partial else [])]

    def form(self, phrases: Sequence[str], wanted: str, stream: str = "false") -> dict[str, str]:
        """The fields that go with the file."""
        prompt = ", ".join([*([self.prompt] if self.prompt else []), *phrases])
        form = self._fields | ({"prompt": prompt} if prompt else {}) | {"response_format": wanted}
        if wanted == "verbose_json":
            form["timestamp_granularities[]"] = "word"
        if stream == "true":
            form["stream"] = stream
        return form

    def deadline(self, pcm: bytes, rate: int) -> float:
        """When an answer to what is asked now has to begin, on the Trio clock."""
        patience = self.endpoint.patience.first_byte
        return trio.current_time() + patience + self._per_second * seconds_of(pcm, rate)

    async def of(
        self,
        pcm: bytes,
        rate: int,
        phrases: Sequence[str],
        partial: Partial | None = None,
        deadline: float | None = None,
    ) -> TranscriptBody:
        """Of an utterance that is sent whole.  Raises ProviderUnavailable and ProviderRefused."""
        files: dict[str, tuple[str, bytes, str]] = {}

        async def upload(kind: str) -> tuple[str, bytes, str]:
            if kind not in files:
                files[kind] = await trio.to_thread.run_sync(upload_of, pcm, rate, kind, limiter=self.limiter)
            return files[kind]

        async def request(kind: str, wanted: str, stream: str = "false") -> Request:
            return Request(form=self.form(phrases, wanted, stream), file=await upload(kind))

        # the endpoint is not waited for while its file is made
        await upload(self._file.now)
        deadline = self.deadline(pcm, rate) if deadline is None else deadline
        answer = await self.endpoint.ask(request, self._file, *self.wishes(partial), deadline=deadline)
        return await self.read(answer, partial, deadline)

    async def read(self, answer: Answer, partial: Partial | None, deadline: float) -> TranscriptBody:
        """What an answer says, to its end.  Raises ProviderUnavailable."""
        async with answer:
            body = TranscriptBody(answer.header("Content-Type"))
            try:
                await self._read(answer, body, partial, deadline)
            except NotATranscript as error:
                words = self.endpoint.quoted(error.words)
                raise self.endpoint.broken(
                    f"sent no transcript but {self.endpoint.quoted(str(error))}{f' ({words})' if words else ''}. "
                    "Is this the address of an OpenAI-compatible endpoint?",
                    code="no_transcript",
                ) from error
        return body

    async def _read(self, answer: Answer, body: TranscriptBody, partial: Partial | None, deadline: float) -> None:
        between = self.endpoint.patience.between
        last = deadline + between
        data = await self.endpoint.next(answer, deadline - trio.current_time())
        while data is not None:
            if body.feed(data) and partial is not None:
                partial(body.text)
            data = await self.endpoint.next(answer, min(between, last - trio.current_time()))
        body.end()
