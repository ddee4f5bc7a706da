"""An utterance on its way to an endpoint while it is being said.  In: its audio as it comes.  Out: what was heard.

The file of the form is sent in chunks as it grows (RFC 9112, 7.1), so that at the end of the utterance only its last
tenth of a second is still to be sent.  All of it is kept too: an endpoint that does not take it so gets it whole.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Self

import trio

from actors.errors import ProviderError, ProviderUnavailable
from actors.messages import SAMPLE_BYTES, seconds_of

from ..groups import unwrapped
from ..http_client import Answer
from ..streamed_form import StreamedForm
from .endpoint import NotTaken
from .live_file import NAME, TYPE, LiveFile
from .transcript_body import TranscriptBody
from .transcription import SHORTEST, Partial, Transcription
from .uploads import Uploads


class OpenAIHearing:
    """One utterance, at ``rate`` Hz, from ``open`` on."""

    def __init__(
        self, asked: Transcription, uploads: Uploads, rate: int, phrases: Sequence[str], partial: Partial | None
    ) -> None:
        self._asked, self._uploads, self._rate = asked, uploads, rate
        self._phrases, self._partial = phrases, partial
        self._live = uploads.live
        self._sound = _GrowingSound(round(SHORTEST * rate) * SAMPLE_BYTES)
        self._done = trio.Event()
        self._answer: Answer | None = None
        self._failure: ProviderError | NotTaken | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, asked: Transcription, uploads: Uploads, rate: int, phrases: Sequence[str], partial: Partial | None
    ) -> AsyncGenerator[Self]:
        """What is written is sent as it comes, if the endpoint takes it so.  Leaving closes the connection, unless an
        answer has been read to its end."""
        hearing = cls(asked, uploads, rate, phrases, partial)
        try:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    if hearing._live:
                        nursery.start_soon(hearing._send)
                    try:
                        yield hearing
                    finally:
                        nursery.cancel_scope.cancel("nobody wants the answer any longer")
        finally:
            # not before: the answer may have come together with the cancel
            await hearing._close()

    def write(self, pcm: bytes) -> None:
        self._sound.add(pcm)

    async def finish(self) -> TranscriptBody:
        """What was heard, with an answer that begins in time after this call.

        Raises ProviderUnavailable and ProviderRefused."""
        self._sound.end()
        pcm = bytes(self._sound.pcm)
        if seconds_of(pcm, self._rate) < SHORTEST:
            return TranscriptBody("text/plain")
        deadline = self._asked.deadline(pcm, self._rate) if self._live else None
        refused = False
        if deadline is not None:
            try:
                body = await self._heard(deadline)
            except NotTaken as refusal:
                refused = not refusal.about_wishes
            else:
                # who cannot read a file of unknown length may find nothing in it
                refused = not (body.text.strip() or self._uploads.proven)
                if not refused:
                    self._uploads.proven = True
                    return body
        body = await self._asked.of(pcm, self._rate, self._phrases, self._partial, deadline)
        if refused and body.text.strip():
            self._uploads.refused = True
        return body

    async def _heard(self, deadline: float) -> TranscriptBody:
        """Raises NotTaken, ProviderUnavailable and ProviderRefused."""
        began = trio.current_time()
        with trio.move_on_at(deadline):
            await self._done.wait()
        answer, self._answer = self._answer, None
        if self._failure is not None:
            raise self._failure
        if answer is None:
            # the next utterance is not to wait as long because of how this one was sent
            self._uploads.refused = not self._uploads.proven
            raise self._asked.endpoint.silent(deadline - began)
        try:
            return await self._asked.read(answer, self._partial, deadline)
        except ProviderUnavailable as error:
            if error.code == "no_transcript":
                raise NotTaken from error
            raise

    async def _send(self) -> None:
        """The request, from when there is enough to be worth one."""
        await self._sound.more.wait()
        if len(self._sound.pcm) >= self._sound.step:
            wishes = self._asked.wishes(self._partial)
            parts = _Parts(self._sound, LiveFile(self._rate), self._asked.limiter)
            form = StreamedForm(self._asked.form(self._phrases, *(wish.now for wish in wishes)), (NAME, parts, TYPE))
            try:
                self._answer = await self._asked.endpoint.upload(form, *wishes)
            except (NotTaken, ProviderError) as error:
                self._failure = error
        self._done.set()

    async def _close(self) -> None:
        """Let go of an answer that nobody has read."""
        if self._answer is not None:
            async with self._answer:
                pass


class _GrowingSound:
    """``more`` is set when there are ``step`` bytes that were not ``taken``, and at the end."""

    def __init__(self, step: int) -> None:
        self.step, self.pcm = step, bytearray()
        self.more = trio.Event()
        self.ended = False
        self._taken = 0

    def add(self, pcm: bytes) -> None:
        self.pcm += pcm
        if len(self.pcm) - self._taken >= self.step:
            self.more.set()

    def end(self) -> None:
        self.ended = True
        self.more.set()

    def take(self) -> bytes:
        pcm = bytes(memoryview(self.pcm)[self._taken :])
        self._taken += len(pcm)
        if not self.ended:
            self.more = trio.Event()
        return pcm


class _Parts:
    """The parts of a file, each as soon as it can be made; a plain iterator, so that it may be dropped half-way."""

    def __init__(self, sound: _GrowingSound, file: LiveFile, limiter: trio.CapacityLimiter) -> None:
        self._sound, self._file, self._limiter = sound, file, limiter
        self._last = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        part = b""
        while not part:
            if self._last:
                raise StopAsyncIteration
            await self._sound.more.wait()
            self._last = self._sound.ended
            pcm = self._sound.take()
            part = await trio.to_thread.run_sync(self._feed, pcm, self._last, limiter=self._limiter)
        return part

    def _feed(self, pcm: bytes, last: bool) -> bytes:
        return self._file.feed(pcm, last=last)
