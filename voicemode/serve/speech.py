"""``POST /v1/audio/speech``: a text in, its speech out while it is made, as OpenAI's "Create speech" has it.

``POST /dev/captioned_speech`` is the same with word times, as Kokoro-FastAPI has it: a line of JSON for each stretch.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.errors import ProviderRefused
from actors.machines.sentences import Sentences
from actors.messages import WordTime, seconds_of

from ..audio.resampler import StreamResampler
from ..speech.espeak import FASTEST, SLOWEST
from .engines import OPENAI_VOICES, Engines, Speaking
from .exchange import JSON, Exchange
from .refusal import Refusal
from .sound_formats import CONTENT_TYPES, RATE, sound_format

LONGEST = 4096
"""Characters of text in a request, OpenAI's own bound."""

MOST = 256 * 1024
"""Bytes of a request: the longest text with every character escaped, and as much again for what else clients send."""


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
    await _say(exchange, engines, captions=False)


async def create_captioned_speech(exchange: Exchange, engines: Engines) -> None:
    """The same with the words that begin in each stretch of sound, in seconds of the whole."""
    await _say(exchange, engines, captions=True)


async def _say(exchange: Exchange, engines: Engines, *, captions: bool) -> None:
    request = await _read(exchange)
    engine = engines.speaking(request.model)
    speech = _Speech(exchange, engine.rate, request.response_format or "wav", captions=captions)
    try:
        await _say_all(speech, engine, request)
    except ProviderRefused as error:
        if error.code != "voice":
            raise
        raise Refusal(
            400,
            f"There is no voice {request.voice!r}; GET /v1/audio/voices lists those there are.",
            code="invalid_value",
            param="voice",
        ) from error
    finally:
        speech.close()


async def _say_all(speech: _Speech, engine: Speaking, request: SpeechRequest) -> None:
    voice = OPENAI_VOICES.get(request.voice, request.voice)
    sentences = Sentences()
    for piece in sentences.feed(request.input) + sentences.flush():
        speech.begin(piece.text)
        async with engine.speak(piece.text, voice=voice, speed=request.speed) as parts:
            async for part in parts:
                await speech.write(part.pcm, part.words)
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
        raise _wrong("response_format", request.response_format, ", ".join(CONTENT_TYPES))
    if request.stream_format not in {None, "audio"}:
        raise _wrong("stream_format", request.stream_format, "audio")
    if request.speed is not None and not SLOWEST <= request.speed <= FASTEST:
        raise _wrong("speed", request.speed, f"{SLOWEST} to {FASTEST}")
    return request


def _wrong(param: str, value: object, choices: str) -> Refusal:
    return Refusal(400, f"{param!r} cannot be {value!r} here; there is {choices}.", code="invalid_value", param=param)


class _Speech:
    """An answer that begins with the first sound, so that what fails before can still be told."""

    def __init__(self, exchange: Exchange, rate: int, response_format: str, *, captions: bool) -> None:
        self._exchange, self._captions = exchange, captions
        self._kind, self._format = CONTENT_TYPES[response_format], sound_format(response_format)
        self._rate, self._resampler = rate, StreamResampler(rate, RATE)
        self._text, self._begin, self._seconds = "", 0.0, 0.0

    def begin(self, text: str) -> None:
        """What follows says ``text``."""
        self._text, self._begin = text, self._seconds

    async def write(self, pcm: bytes, words: Sequence[WordTime] = (), *, last: bool = False) -> None:
        self._seconds += seconds_of(pcm, self._rate)
        sound = await self._format.take(self._resampler.convert(pcm, last=last), last=last)
        if not self._exchange.answered:
            await self._exchange.begin(JSON if self._captions else self._kind.encode())
        if self._captions and (sound or words):
            timestamps = [self._timed(word) for word in words]
            line = {"audio": sound, "audio_format": self._kind, "timestamps": timestamps}
            sound = msgspec.json.encode(line) + b"\n"
        if sound or last:
            await self._exchange.write(sound, last=last)

    def close(self) -> None:
        self._format.close()

    def _timed(self, word: WordTime) -> dict[str, object]:
        begin, end = self._begin + word.begin, self._begin + word.finish
        return {"word": self._text[word.start : word.end], "start_time": begin, "end_time": end}
