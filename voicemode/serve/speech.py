"""``POST /v1/audio/speech``: a text in, its speech out while it is made, as OpenAI's "Create speech" has it."""

from __future__ import annotations

import struct

import msgspec

from actors.errors import ProviderRefused
from actors.machines.sentences import Sentences

from ..audio.resampler import StreamResampler
from ..speech.espeak import FASTEST, SLOWEST
from .engines import OPENAI_VOICES, Engines
from .exchange import Exchange
from .refusal import Refusal

LONGEST = 4096
"""Characters of text in a request, OpenAI's own bound."""

MOST = 256 * 1024
"""Bytes of a request: the longest text with every character escaped, and as much again for what else clients send."""

RATE = 24_000
"""Hz of the audio in an answer, as OpenAI documents for pcm."""

CONTENT_TYPES = {"wav": b"audio/wav", "pcm": b"audio/pcm"}

_UNTOLD = 0xFFFFFFFF
"""Stands for a size in the header of a WAV file whose end is not known yet."""

WAV_HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", _UNTOLD, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", _UNTOLD
)


class SpeechRequest(msgspec.Struct):
    """The fields that are heeded; the others of OpenAI's are for its own models."""

    input: str
    model: str = "tts-1"
    voice: str = "alloy"
    speed: float | None = None
    response_format: str | None = None
    stream_format: str | None = None


async def create_speech(exchange: Exchange, engines: Engines) -> None:
    """Raises Refusal and VoiceError, also after the answer has begun.

    The text is said piece by piece and a piece is begun when the last has been taken, so that a slow client keeps no
    other waiting for the engine.
    """
    request = await _read(exchange)
    engine = engines.speaking(request.model)
    speech = _Speech(exchange, engine.rate, request.response_format or "wav")
    voice = OPENAI_VOICES.get(request.voice, request.voice)
    sentences = Sentences()
    try:
        for piece in sentences.feed(request.input) + sentences.flush():
            async with engine.speak(piece.text, voice=voice, speed=request.speed) as parts:
                async for part in parts:
                    await speech.write(part.pcm)
    except ProviderRefused as error:
        if error.code != "voice":
            raise
        raise Refusal(
            400,
            f"There is no voice {request.voice!r}; GET /v1/audio/voices lists those there are.",
            code="invalid_value",
            param="voice",
        ) from error
    await speech.write(b"", last=True)


async def _read(exchange: Exchange) -> SpeechRequest:
    body = bytearray()
    await exchange.read_body(body.extend, most=MOST)
    try:
        request = msgspec.json.decode(body, type=SpeechRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, f"The request is not the JSON of a speech request: {error}.") from error
    if not request.input:
        raise Refusal(400, "There is no text in 'input'.", code="string_below_min_length", param="input")
    if (length := len(request.input)) > LONGEST:
        raise Refusal(
            400,
            f"The text in 'input' has {length} characters; {LONGEST} are taken at most.",
            code="string_above_max_length",
            param="input",
        )
    if request.response_format not in {None, *CONTENT_TYPES}:
        raise _wrong("response_format", request.response_format, "wav and pcm")
    if request.stream_format not in {None, "audio"}:
        raise _wrong("stream_format", request.stream_format, "audio")
    if request.speed is not None and not SLOWEST <= request.speed <= FASTEST:
        raise _wrong("speed", request.speed, f"{SLOWEST} to {FASTEST}")
    return request


def _wrong(param: str, value: object, choices: str) -> Refusal:
    return Refusal(400, f"{param!r} cannot be {value!r} here; there is {choices}.", code="invalid_value", param=param)


class _Speech:
    """An answer that begins with the first sound, so that what fails before can still be told."""

    def __init__(self, exchange: Exchange, rate: int, response_format: str) -> None:
        self._exchange, self._format = exchange, response_format
        self._resampler = StreamResampler(rate, RATE)

    async def write(self, pcm: bytes, *, last: bool = False) -> None:
        pcm = self._resampler.convert(pcm, last=last)
        if not self._exchange.answered:
            await self._exchange.begin(CONTENT_TYPES[self._format])
            pcm = WAV_HEADER + pcm if self._format == "wav" else pcm
        if pcm or last:
            await self._exchange.write(pcm, last=last)
