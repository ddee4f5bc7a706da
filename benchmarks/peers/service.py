"""The speech service that both servers use: OpenAI's protocol on this machine, as slow as it is told to be.

It speaks with a marked voice, whose samples know their words, and hears those words of what the user says of which the
sound is in what it was sent.  What it was asked, and when, is kept.
"""

from __future__ import annotations

import io
import json
from typing import Literal

import numpy as np
import soundfile  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import define, field
from marked_voice import RATE, MarkedVoice

from tests.speech.speech_server import Asked, Reply, SpeechServer, hang, streamed, whole
from voicemode.audio.files import Sound, resampled

from .sounds import LOUD, Said, Samples, Word, words_in

FIRST_BYTE, TRANSCRIBING = 0.1, 0.15
"""Seconds from the request to the first sound, and to the words."""

PART = 0.1
"""Seconds of sound in a part."""

Manner = Literal["fast", "in real time", "never answers", "dies midway"]


@define
class Spoke:
    """A request for speech on the Trio clock; ``begun`` is when the first sound was sent."""

    text: str
    asked: float
    begun: float | None = None
    said: Said | None = None

    @property
    def audible(self) -> float:
        """Seconds from the first audible sample to the last.  Raises RuntimeError when nothing has been said."""
        if self.said is None:
            raise RuntimeError(f"{self.text!r} has not been said")
        loud = np.flatnonzero(np.abs(self.said.samples.astype(int)) > LOUD)
        return int(loud[-1] - loud[0]) / RATE


@define
class Listened:
    """A request for words; ``heard`` is what was sent, at ``rate``."""

    asked: float
    heard: Samples
    rate: int
    answered: float | None = None
    words: list[str] = field(factory=list)


@define(eq=False)
class Service(SpeechServer):
    """``user`` is what the user may say; ``speaks`` and ``listens`` say how it does either."""

    voice: MarkedVoice = field(kw_only=True)
    speaks: Manner = "fast"
    listens: Manner = "fast"
    user: Said | None = None
    spoke: list[Spoke] = field(factory=list)
    listened: list[Listened] = field(factory=list)

    def begin(self, user: Said | None = None) -> None:
        """What comes next: forget what was."""
        self.user, self.spoke, self.listened = user, [], []
        self.asked.clear()

    def reply_to(self, asked: Asked) -> Reply:
        path = asked.line.rsplit(" ", 1)[-1]
        if path.endswith("/models"):
            return whole(json.dumps({"object": "list", "data": [{"id": "tts-1"}, {"id": "whisper-1"}]}).encode())
        if path.endswith("/voices"):
            return whole(json.dumps({"voices": ["af_sky", "alloy"]}).encode())
        if path.endswith("/audio/transcriptions"):
            return self._words(asked)
        if path.endswith("/audio/speech"):
            return self._speech(asked)
        return whole(b'{"error": {"message": "There is no such thing."}}', "application/json", "404 Not Found")

    def _speech(self, asked: Asked) -> Reply:
        spoke = Spoke(asked.json["input"], trio.current_time())
        self.spoke.append(spoke)
        if self.speaks == "never answers":
            return hang

        async def reply(stream: trio.SocketStream) -> None:
            pcm, times = await self.voice.say(spoke.text)
            words = tuple(Word(spoke.text[time.start : time.end], time.begin, time.finish) for time in times)
            spoke.said = Said(spoke.text, RATE, np.frombuffer(pcm, "<i2").astype(np.int16), words)
            await trio.sleep_until(spoke.asked + FIRST_BYTE)
            spoke.begun = trio.current_time()
            size = 2 * round(PART * RATE)
            parts = [pcm[at : at + size] for at in range(0, len(pcm), size)]
            if self.speaks == "fast":
                await streamed(*parts)(stream)
                return

            async def in_time(number: int) -> None:
                await trio.sleep_until(spoke.asked + FIRST_BYTE + number * PART)

            dies = self.speaks == "dies midway"
            await streamed(*(parts[: len(parts) // 2] if dies else parts), ends=not dies, before=in_time)(stream)

        return reply

    def _words(self, asked: Asked) -> Reply:
        now = trio.current_time()
        if self.listens == "never answers":
            return hang

        async def reply(stream: trio.SocketStream) -> None:
            listened = await trio.to_thread.run_sync(self._listen, asked, now)
            self.listened.append(listened)
            await trio.sleep_until(now + TRANSCRIBING)
            text = " ".join(listened.words)
            if text:
                text = text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")
            listened.answered = trio.current_time()
            if asked.form.get("response_format") == b"text":
                await whole(text.encode() + b"\n", "text/plain; charset=utf-8")(stream)
            else:
                await whole(json.dumps({"text": text}).encode())(stream)

        return reply

    def _listen(self, asked: Asked, now: float) -> Listened:
        samples, rate = soundfile.read(io.BytesIO(asked.form["file"]), dtype="int16", always_2d=True)
        heard = np.ascontiguousarray(samples[:, 0])
        wanted = rate if self.user is None else self.user.rate
        if rate != wanted:
            sound = resampled(Sound(pcm=heard.astype("<i2").tobytes(), rate=rate), wanted)
            heard = np.frombuffer(sound.pcm, "<i2").astype(np.int16)
        if self.user is None:
            return Listened(now, heard, wanted)
        words = words_in(self.user, heard)
        return Listened(now, heard, wanted, words=words)
