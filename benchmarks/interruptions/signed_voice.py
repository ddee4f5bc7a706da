"""An assistant whose every sample is known again.  In: texts.  Out: noise of one loudness, with word times.

The signs of the samples are drawn, and are recognised in a recording also where it is softer (``tests/traceable.py``).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf

import numpy as np
import trio
from numpy.typing import NDArray

from actors.messages import Synthesis, WordTime
from tests.traceable import Signs

LOUDNESS = 8_000
CHARACTER = 0.06
"""Seconds that a letter takes, and the space after a word."""

Samples = NDArray[np.int16]

SENTENCE = "Nobody had seen a light in the old house. "


class SignedVoice:
    """Implements ``TextToSpeech``, at once.  ``begin`` forgets what was said before."""

    name, rate = "signed voice", 8_000

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)
        self._said: list[Samples] = []

    def begin(self) -> None:
        self._said.clear()

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](inf)
        finish = 0.0
        with receive:
            for word in re.finditer(r"\S+", text):
                samples = round(CHARACTER * (len(word.group()) + 1) * self.rate)
                sound = (LOUDNESS * self._dice.choice(np.array([-1, 1]), samples)).astype("<i2")
                self._said.append(sound)
                begin, finish = finish, finish + samples / self.rate
                time = WordTime(start=word.start(), end=word.end(), begin=begin, finish=finish)
                send.send_nowait(Synthesis(pcm=sound.tobytes(), rate=self.rate, words=(time,)))
            send.close()
            await trio.lowlevel.checkpoint()
            yield receive

    @property
    def seconds(self) -> float:
        """How long all that was said is."""
        return sum(map(len, self._said)) / self.rate

    def missing(self, recording: Samples) -> int:
        """How many samples of what was said, from the first that is not in ``recording`` on."""
        said = np.concatenate(self._said)
        return len(said) - Signs(said).unbroken(recording)


def text_of(seconds: float) -> str:
    """Sentences that take so long at least."""
    return SENTENCE * -int(-seconds // (CHARACTER * len(SENTENCE)))
