"""A voice's answer on its way to whoever listens.  In: the answer to a text.  Out: Synthesis, or what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import trio
from attrs import evolve

from actors.errors import ProviderUnavailable
from actors.messages import SAMPLE_BYTES, Synthesis, WordTime

from ..http_client import Answer
from .caption_words import CaptionWords
from .captioned_speech import Part, Parts, SoundOnly
from .endpoint import SpeechEndpoint
from .endpoint_faults import words_of
from .speech_body import NotSpeech, SpeechBody

RATE = 24_000
"""Hz of what is handed on; what comes at another rate is converted."""


class SpeechAnswer:
    """One answer, to be handed on once.  More than ``longest`` seconds of sound are no speech."""

    def __init__(self, endpoint: SpeechEndpoint, answer: Answer, parts: Parts, text: str, longest: float) -> None:
        self._endpoint, self._answer, self._parts, self._longest = endpoint, answer, parts, longest
        self._words = CaptionWords(text)
        self._found: list[WordTime] = []
        self._samples = 0
        self._last = b""

    @property
    def _seconds(self) -> float:
        return self._samples / RATE

    async def hand_on(self, send: trio.MemorySendChannel[Synthesis], deadline: float) -> None:
        """Send the sound as it comes, and each word with that in which it begins.

        The first bytes are waited for until ``deadline``.  Raises ProviderUnavailable.
        """
        kind = self._answer.header("Content-Type") if isinstance(self._parts, SoundOnly) else ""
        try:
            async with SpeechBody.open(kind, RATE) as body:
                patience = deadline - trio.current_time()
                while (data := await self._endpoint.next(self._answer, patience)) is not None:
                    if self._seconds >= self._longest:
                        said = f"went on after {self._longest:g} s of sound and was stopped."
                        raise self._endpoint.broken(said, code="endless")
                    self._last = data
                    await self._feed(body, self._parts.feed(data), send)
                    patience = self._endpoint.patience.between
                await self._feed(body, self._parts.end(), send)
                self._found += self._words.end()
                await self._send(await body.end(), send)
        except NotSpeech as error:
            raise self._not_speech(error) from error
        if not self._samples:
            raise self._endpoint.broken("sent no sound at all.", code="empty", retryable=True)
        if self._found:
            until = self._seconds
            rest = (evolve(each, begin=min(each.begin, until), finish=min(each.finish, until)) for each in self._found)
            await send.send(Synthesis(pcm=b"", rate=RATE, words=tuple(rest)))

    async def _feed(self, body: SpeechBody, parts: Iterator[Part], send: trio.MemorySendChannel[Synthesis]) -> None:
        for part in parts:
            self._found += self._words.add(part.words)
            await self._send(await body.feed(part.sound), send)

    async def _send(self, pieces: Iterable[bytes], send: trio.MemorySendChannel[Synthesis]) -> None:
        for piece in pieces:
            self._samples += len(piece) // SAMPLE_BYTES
            begun = [word for word in self._found if word.begin < self._seconds]
            del self._found[: len(begun)]
            await send.send(Synthesis(pcm=piece, rate=RATE, words=tuple(begun)))

    def _not_speech(self, error: NotSpeech) -> ProviderUnavailable:
        words = self._endpoint.quoted(words_of(self._last, "")) if self._last.lstrip().startswith(b"{") else ""
        return self._endpoint.broken(
            f"sent no speech that can be played but {error}{f' ({words})' if words else ''}. "
            "Choose an endpoint that answers with PCM or WAV.",
            code="not_speech",
        )
