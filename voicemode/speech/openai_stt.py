"""Text from an OpenAI-compatible endpoint: one utterance in, what it heard out.

``POST …/audio/transcriptions`` as in OpenAI's API reference, "Create transcription": a form with a WAV file.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import soxr
import trio
from numpy.typing import NDArray

from actors.errors import ProviderUnavailable, SettingsError
from actors.messages import SAMPLE_BYTES, Transcript, seconds_of

from ..http_client import Answer
from .endpoint import Patience, Request, SpeechEndpoint
from .endpoint_faults import words_of
from .endpoint_name import STT_KEY, EndpointName

PATH = "/audio/transcriptions"
FORMATS = ("json", "text")
MODEL = "whisper-1"
RATE = 16_000
"""Of the sound that is sent, in Hz: what the recognisers work at."""

PER_SECOND = 1.0
"""Seconds more that an answer may take for each second of the utterance: a large model on a small machine is as slow as
speech, and so is a slow way there."""

SHORTEST = 0.1
"""Seconds in which there is no word; less is not sent, because endpoints refuse it."""

LONGEST_ANSWER = 1 << 20
"""Bytes of a transcript, about a day's speech."""

SILENCE = "[BLANK_AUDIO]"
"""What whisper.cpp writes for silence."""


class OpenAIRecogniser:
    """Implements ``SpeechToText``.  It hears freely: ``phrases`` are made known to the endpoint, and what it heard is
    given as one of them if the words are the same."""

    def __init__(
        self,
        endpoint: SpeechEndpoint,
        *,
        model: str = MODEL,
        language: str | None = None,
        per_second: float = PER_SECOND,
    ) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint
        self._fields = {"model": model} | ({} if language is None else {"language": language})
        self._per_second = per_second
        self.limiter = trio.CapacityLimiter(1)

    @classmethod
    async def open(
        cls,
        name: EndpointName,
        *,
        environment: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
        per_second: float = PER_SECOND,
    ) -> OpenAIRecogniser:
        """Nothing is asked yet.  ``name`` may choose model and language.  Raises SettingsError."""
        name.check("model", "language")
        endpoint = await SpeechEndpoint.open(
            name.url, ending=PATH, variable=STT_KEY, environment=environment, formats=FORMATS, patience=patience
        )
        return cls(
            endpoint,
            model=name.choices.get("model", MODEL),
            language=name.choices.get("language"),
            per_second=per_second,
        )

    async def aclose(self) -> None:
        """Close the connections, in bounded time.  Idempotent."""
        await self._endpoint.aclose()

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port; the text is empty when nothing was understood.

        Raises ProviderUnavailable, at the latest some 10 s and the length of the utterance after the call,
        ProviderRefused, and SettingsError for a rate that is none.
        """
        if rate <= 0:
            raise SettingsError(f"Audio has a rate of at least 1 Hz, not {rate}.")
        began = trio.current_time()
        length = seconds_of(pcm, rate)
        text = ""
        if length >= SHORTEST:
            wav = await trio.to_thread.run_sync(_wav, pcm, rate, limiter=self.limiter)
            deadline = began + self._endpoint.patience.first_byte + self._per_second * length
            text = await self._text(wav, phrases, deadline)
        return Transcript(text=_as_given(text, phrases), engine=self.name, seconds=trio.current_time() - began)

    async def _text(self, wav: bytes, phrases: Sequence[str], deadline: float) -> str:
        fields = self._fields | ({"prompt": ", ".join(phrases)} if phrases else {})

        def request(wanted: str) -> Request:
            return Request(form=fields | {"response_format": wanted}, file=("utterance.wav", wav, "audio/wav"))

        async with await self._endpoint.ask(PATH, request, deadline=deadline) as answer:
            return self._transcript(await self._whole(answer, deadline), answer.header("Content-Type"))

    async def _whole(self, answer: Answer, deadline: float) -> bytes:
        whole = b""
        between = self._endpoint.patience.between
        last = deadline + between
        data = await self._endpoint.next(answer, deadline - trio.current_time())
        while data is not None and len(whole) <= LONGEST_ANSWER:
            whole += data
            data = await self._endpoint.next(answer, min(between, last - trio.current_time()))
        return whole

    def _transcript(self, body: bytes, kind: str) -> str:
        """Whatever was asked for, a body is JSON or text as it looks.  Raises ProviderUnavailable if it is neither."""
        label = kind.partition(";")[0].strip().lower()
        if len(body) > LONGEST_ANSWER:
            raise self._no_transcript("an answer without an end")
        if label == "text/html" or body.lstrip().startswith(b"<"):
            raise self._no_transcript("a page")
        if not (label.endswith("json") or body.lstrip().startswith(b"{")):
            if label not in {"", "text/plain"}:
                raise self._no_transcript(f"something called {self._endpoint.quoted(label[:40])}")
            return body.decode(errors="replace")
        try:
            return msgspec.json.decode(body, type=_Heard).text
        except msgspec.ValidationError as error:
            words = self._endpoint.quoted(words_of(body, kind))
            raise self._no_transcript(f"JSON of another kind{f' ({words})' if words else ''}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._no_transcript("broken JSON") from error

    def _no_transcript(self, what: str) -> ProviderUnavailable:
        return self._endpoint.broken(
            f"sent no transcript but {what}. Is this the address of an OpenAI-compatible endpoint?",
            code="no_transcript",
        )


class _Heard(msgspec.Struct):
    text: str


def _wav(pcm: bytes, rate: int) -> bytes:
    """A WAV file at 16 kHz.  Takes about 1 ms for 5 s of audio at another rate."""
    samples: NDArray[np.int16] = np.frombuffer(pcm, "<i2", len(pcm) // SAMPLE_BYTES)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE, quality="HQ")
    sound = samples.astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, SAMPLE_BYTES * RATE, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    chunks = b"WAVE" + form + struct.pack("<4sI", b"data", len(sound)) + sound
    return struct.pack("<4sI", b"RIFF", len(chunks)) + chunks


def _as_given(text: str, phrases: Sequence[str]) -> str:
    heard = text.replace(SILENCE, "").strip()
    words = _words(heard)
    return next((phrase for phrase in phrases if _words(phrase) == words), heard) if words else heard


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.casefold().replace("\u2019", "'"))
