"""Speech models for tests: whatever is loud is speech."""

from __future__ import annotations

from array import array

import trio


class LoudnessModel:
    """Probability 1.0 for windows whose samples are ``loud`` on average, 0.0 for others."""

    rate = 16_000
    window = 512

    def __init__(self, loud: int = 1_000) -> None:
        self._loud = loud
        self.streams = 0

    def stream(self) -> LoudnessStream:
        self.streams += 1
        return LoudnessStream(self._loud)


class LoudnessStream:
    def __init__(self, loud: int) -> None:
        self._loud = loud

    async def probability(self, window: bytes) -> float:
        await trio.lowlevel.checkpoint()
        samples = array("h", window)
        assert len(samples) == LoudnessModel.window
        return 1.0 if sum(map(abs, samples)) >= self._loud * len(samples) else 0.0


MURMUR = 500
"""A level that is noise to ``MurmurModel``."""


class MurmurModel(LoudnessModel):
    """To it half as loud is nearly speech: too little to begin, too much to be over."""

    def stream(self) -> MurmurStream:
        return MurmurStream(self._loud)


class MurmurStream(LoudnessStream):
    async def probability(self, window: bytes) -> float:
        loud = await super().probability(window)
        return loud or 0.4 * await LoudnessStream(self._loud // 2).probability(window)
