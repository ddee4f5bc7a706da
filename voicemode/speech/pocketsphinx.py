"""Text from pocketsphinx: one utterance in, what it heard out.  A small recogniser that needs no download.

With open vocabulary it gets about one word in three wrong on read human speech; with the phrases it is to expect it is
exact, but then it always answers with one of them.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import soxr
import trio
from numpy.typing import NDArray

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.messages import Transcript

NAME = "pocketsphinx"
RATE = 16_000

STILL = 4
"""Samples no louder than this around an utterance are no part of it: rounding, not sound."""
PADDING = 0.25
"""Seconds of quiet put before and after, so that it does not matter how much there was."""
NOISE = 16.0
"""Standard deviation, in steps of 16 bits, of the noise floor laid under everything: digital silence breaks the decoder."""
SEED = 1
"""Of the noise floor: the same utterance always gives the same text."""
CEPSTRAL_MEAN = "40,3,-1"
"""Where each utterance's normalisation begins: the decoder's own start, whatever was decoded before."""

BLOCK = RATE // 10
"""Samples decoded between two looks at whether the answer is still wanted."""

GRAMMARS = 16
"""Sets of phrases whose grammars are kept."""


class PocketsphinxSpeech:
    """Implements ``SpeechToText`` with the English model that comes with the package."""

    name = NAME

    def __init__(self, recogniser: _Recogniser) -> None:
        self._recogniser = recogniser
        self._threads = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls) -> PocketsphinxSpeech:
        """Raises ProviderUnavailable when the package is not installed."""
        return cls(await trio.to_thread.run_sync(_recogniser))

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port.  Raises ProviderRefused for phrases with words the engine does not know."""
        began = time.perf_counter()
        text = await trio.to_thread.run_sync(
            self._recogniser.transcribe, pcm, rate, tuple(phrases), limiter=self._threads
        )
        return Transcript(text=text, engine=NAME, seconds=time.perf_counter() - began)


class _Recogniser:
    """The decoder, which has one state and is used by one thread at a time."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._lock = threading.Lock()
        self._open_search: str = decoder.current_search()
        self._grammars: dict[tuple[str, ...], tuple[str, Mapping[str, str]]] = {}
        self._made = 0

    def transcribe(self, pcm: bytes, rate: int, phrases: tuple[str, ...]) -> str:
        """Decode; raises whatever cancels the task that waits."""
        with self._lock:
            originals: Mapping[str, str] = {}
            if phrases:
                search, originals = self._grammar(phrases)
                self._decoder.activate_search(search)
            else:
                self._decoder.activate_search(self._open_search)
            sound = _prepared(pcm, rate)
            if not len(sound):
                return ""
            self._decoder.reinit_feat()
            self._decoder.set_cmn(CEPSTRAL_MEAN)
            self._decoder.start_utt()
            try:
                for start in range(0, len(sound), BLOCK):
                    trio.from_thread.check_cancelled()
                    self._decoder.process_raw(sound[start : start + BLOCK].tobytes())
            finally:
                self._decoder.end_utt()
            hypothesis = self._decoder.hyp()
        text = re.sub(r"\(\d+\)|<[^>]*>|\[[^]]*\]", "", hypothesis.hypstr if hypothesis else "").strip()
        return originals.get(text, text)

    def _grammar(self, phrases: tuple[str, ...]) -> tuple[str, Mapping[str, str]]:
        if phrases in self._grammars:
            return self._grammars[phrases]
        originals = {_normal(phrase): phrase for phrase in phrases}
        if "" in originals:
            raise ProviderRefused(
                NAME, f"pocketsphinx cannot expect the phrase {originals['']!r}: it has no words in it."
            )
        words = {word for phrase in originals for word in phrase.split()}
        if unknown := sorted(word for word in words if self._decoder.lookup_word(word) is None):
            raise ProviderRefused(
                NAME,
                f"pocketsphinx does not know the word {', '.join(map(repr, unknown))} of the phrases it is to expect; "
                "spell numbers out and use words of an English dictionary.",
                code="unknown_word",
            )
        if len(self._grammars) >= GRAMMARS:
            search, _ = self._grammars.pop(next(iter(self._grammars)))
            self._decoder.remove_search(search)
        self._made += 1
        search = f"phrases{self._made}"
        self._decoder.add_jsgf_string(search, f"#JSGF V1.0; grammar g; public <phrase> = {' | '.join(originals)};")
        self._grammars[phrases] = search, originals
        return self._grammars[phrases]


def _prepared(pcm: bytes, rate: int) -> NDArray[np.int16]:
    """The utterance at 16 kHz without the stillness round it, padded alike at both ends, on a floor of noise."""
    samples: NDArray[np.float32] = np.frombuffer(pcm, "<i2").astype(np.float32)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE, quality="HQ")
    loud = np.flatnonzero(np.abs(samples) > STILL)
    if not len(loud):
        return np.zeros(0, np.int16)
    quiet = np.zeros(round(PADDING * RATE), np.float32)
    sound = np.concatenate([quiet, samples[loud[0] : loud[-1] + 1], quiet])
    sound += np.random.default_rng(SEED).normal(0, NOISE, len(sound)).astype(np.float32)
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def _normal(phrase: str) -> str:
    """A phrase as the engine's dictionary writes it: lower case, words only."""
    return " ".join(re.findall(r"[a-z]+(?:'[a-z]+)*", phrase.lower().replace("’", "'")))


@cache
def _recogniser() -> _Recogniser:
    try:
        from pocketsphinx import Decoder, get_model_path
    except ImportError as error:
        raise ProviderUnavailable(
            NAME,
            "The recogniser pocketsphinx is not installed. Install it with: pip install 'voicemode[pocketsphinx]'.",
            code="not_installed",
        ) from error
    model = get_model_path("en-us")
    return _Recogniser(
        Decoder(
            hmm=f"{model}/en-us",
            lm=f"{model}/en-us.lm.bin",
            dict=f"{model}/cmudict-en-us.dict",
            samprate=RATE,
            loglevel="FATAL",
            logfn=os.devnull,
        )
    )
