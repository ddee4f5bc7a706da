"""Text from pocketsphinx: one utterance in, what it heard out and when each word was said.

It is a small recogniser that needs no download.  With open vocabulary it gets about one word in three wrong on read
human speech; with the phrases it is to expect it is exact, but then it answers with one of them whatever was said.
"""

from __future__ import annotations

import os
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import trio
from attrs import frozen
from numpy.typing import NDArray

from actors.errors import ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import HeardWord, Transcript, seconds_of

from .canonical import RATE, canonical
from .exclusive import Exclusive

NAME = "pocketsphinx"

BLOCK = RATE // 100
"""Samples decoded between two looks at whether the answer is still wanted; the worst takes 30 ms."""

FRAME = 0.01
"""Seconds of the decoder's frames, in which it counts where words begin and end."""

CEPSTRAL_MEAN = "40,3,-1"
"""Where each utterance's normalisation begins: the decoder's own start, whatever was decoded before."""

HEARINGS = 3
"""How often an utterance is gone through for its own cepstral mean, at 0.6 % of its length each, before it is decoded.
The decoder counts what it knew before as five seconds of speech, so once is not enough; without, one word more in ten
is wrong."""

MEAN = "mean"
"""The search for that: a grammar of one word, which costs nothing."""

GRAMMARS = 16
"""Sets of phrases whose grammars are kept."""

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

NO_WORD = ("<", "[", "+")
"""How the decoder's names for silence and noise begin, and none of its words."""


class PocketsphinxSpeech:
    """Implements ``SpeechToText`` with the English model that comes with the package.

    The same utterance gives the same text, whatever was decoded before and however much silence is round it.
    """

    name = NAME

    def __init__(self, recogniser: _Recogniser) -> None:
        self._recogniser = recogniser
        self.limiter = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls) -> PocketsphinxSpeech:
        """Raises ProviderUnavailable when the package is not installed.  The decoder is one for the process."""
        return cls(await trio.to_thread.run_sync(_recogniser))

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port; the text is empty when nothing was understood.  Words have their times to 10 ms.

        Raises ProviderRefused for phrases with words that the dictionary does not have, SettingsError for a rate that
        is none.  When cancelled, returns within the time of one block, and the decoder can be used again at once.
        """
        if rate <= 0:
            raise SettingsError(f"Audio has a rate of at least 1 Hz, not {rate}.")
        return await trio.to_thread.run_sync(
            self._recogniser.transcribe, pcm, rate, tuple(phrases), limiter=self.limiter
        )


@frozen
class _Grammar:
    search: str
    originals: Mapping[str, str]
    """The phrases as they were given, by the words the decoder answers with."""


class _Recogniser:
    """The decoder, which has one state.  Its methods block, for worker threads only."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._turn = Exclusive()
        self._grammars: OrderedDict[tuple[str, ...], _Grammar] = OrderedDict()
        self._made = 0
        decoder.add_jsgf_string(MEAN, "#JSGF V1.0; grammar mean; public <word> = yes;")

    def transcribe(self, pcm: bytes, rate: int, phrases: tuple[str, ...]) -> Transcript:
        """Raises Cancelled, with the decoder in order, when the task that waits is cancelled."""
        with self._turn.hold():
            began = time.perf_counter()
            try:
                text, words = self._heard(pcm, rate, phrases)
            except (RuntimeError, ValueError) as error:
                raise ProviderUnavailable(
                    NAME, f"pocketsphinx failed on this utterance ({error}). Try another engine.", code="failed"
                ) from error
            return Transcript(text=text, engine=NAME, seconds=time.perf_counter() - began, words=words)

    def _heard(self, pcm: bytes, rate: int, phrases: tuple[str, ...]) -> tuple[str, tuple[HeardWord, ...]]:
        grammar = self._grammar(phrases) if phrases else None
        form = canonical(pcm, rate)
        sound = form.samples
        if not len(sound):
            return "", ()
        self._decoder.set_cmn(CEPSTRAL_MEAN)
        self._decoder.activate_search(MEAN)
        for _ in range(HEARINGS):
            self._hear(sound)
        if grammar is None:
            self._decoder.activate_search()
        else:
            self._decoder.activate_search(grammar.search)
        self._hear(sound)
        hypothesis = self._decoder.hyp()
        text: str = hypothesis.hypstr if hypothesis else ""
        parts = [part for part in self._decoder.seg() or () if not part.word.startswith(NO_WORD)]
        if grammar is None:
            spelt = [part.word.partition("(")[0] for part in parts]
        else:
            text = grammar.originals.get(text, "")
            spelt = _words(text)
        ends = seconds_of(pcm, rate)
        return text, tuple(_timed(word, part, form.begin, ends) for word, part in zip(spelt, parts, strict=False))

    def _hear(self, sound: NDArray[np.int16]) -> None:
        self._decoder.start_utt()
        try:
            for start in range(0, len(sound), BLOCK):
                trio.from_thread.check_cancelled()
                self._decoder.process_raw(sound[start : start + BLOCK].tobytes())
        finally:
            self._decoder.end_utt()

    def _grammar(self, phrases: tuple[str, ...]) -> _Grammar:
        if phrases in self._grammars:
            self._grammars.move_to_end(phrases)
            return self._grammars[phrases]
        originals: dict[str, str] = {}
        for phrase in phrases:
            originals.setdefault(self._spelt(phrase), phrase)
        if len(self._grammars) >= GRAMMARS:
            _, oldest = self._grammars.popitem(last=False)
            self._decoder.remove_search(oldest.search)
        self._made += 1
        grammar = _Grammar(f"phrases{self._made}", originals)
        self._decoder.add_jsgf_string(
            grammar.search, f"#JSGF V1.0; grammar phrases; public <phrase> = {' | '.join(originals)};"
        )
        self._grammars[phrases] = grammar
        return grammar

    def _spelt(self, phrase: str) -> str:
        """``phrase`` as the dictionary writes it: lower case, words only."""
        words = _words(phrase.lower())
        if not words:
            raise ProviderRefused(
                NAME, f"pocketsphinx cannot listen for {phrase!r}: there is no word in it.", code="no_words"
            )
        if unknown := [word for word in words if self._decoder.lookup_word(word) is None]:
            raise ProviderRefused(
                NAME,
                f"pocketsphinx cannot listen for {phrase!r}: its dictionary does not have {', '.join(unknown)}. "
                "Spell numbers out and use English words.",
                code="unknown_words",
            )
        return " ".join(words)


def _timed(word: str, part: Any, begin: float, ends: float) -> HeardWord:
    """``part`` is the decoder's segment, ``begin`` when its first frame was and ``ends`` when the utterance is over."""
    start, stop = (min(max(begin + frame * FRAME, 0.0), ends) for frame in (part.start_frame, part.end_frame + 1))
    return HeardWord(text=word, begin=start, finish=stop)


def _words(text: str) -> list[str]:
    return WORD.findall(text.replace("’", "'"))


_loading = Exclusive()
_loaded: list[_Recogniser] = []


def _recogniser() -> _Recogniser:
    with _loading.hold():
        if not _loaded:
            _loaded.append(_Recogniser(_decoder()))
        return _loaded[0]


def _decoder() -> Any:
    try:
        package: Any = import_module("pocketsphinx")
    except (ImportError, OSError) as error:
        raise ProviderUnavailable(
            NAME,
            f"The recogniser pocketsphinx cannot be loaded ({error}). "
            "Install it with: pip install pocketsphinx (the extra voicemode[pocketsphinx]).",
            code="not_installed",
        ) from error
    model = package.get_model_path("en-us")
    try:
        return package.Decoder(
            hmm=f"{model}/en-us",
            lm=f"{model}/en-us.lm.bin",
            dict=f"{model}/cmudict-en-us.dict",
            samprate=RATE,
            fwdflat=False,  # no more is right with a second search, and a cancel would have to wait for it
            loglevel="FATAL",
            logfn=os.devnull,
        )
    except (RuntimeError, ValueError) as error:
        raise ProviderUnavailable(
            NAME,
            f"pocketsphinx is installed but cannot load its English model ({error}). "
            "Install it anew with: pip install --force-reinstall pocketsphinx.",
            code="no_model",
        ) from error
