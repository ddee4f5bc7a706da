"""What the assistant said of late, with its sound: chunks in as they are made, utterances out, to be said again."""

from __future__ import annotations

from collections import deque

import trio
from attrs import define, evolve, field

from .messages import SpeechChunk, TurnId

UTTERANCES = 8

MOST_BYTES = 32_000_000
"""Eleven minutes at 24 kHz."""


@define(kw_only=True)
class RecentUtterance:
    """What was made of one turn's speech, heard or not; its last piece may have broken off."""

    turn: TurnId
    rate: int
    chunks: list[SpeechChunk] = field(factory=list[SpeechChunk], repr=False)
    size: int = 0
    """Bytes of sound."""

    @property
    def text(self) -> str:
        pieces = {chunk.piece.index: chunk.piece.text for chunk in self.chunks}
        return "".join(pieces.values())


class Recent:
    """Keeps the last ``utterances``, none with 0, fewer when they are more than ``most_bytes`` of sound.

    One that alone is more loses its first pieces, all but the last.
    """

    def __init__(self, utterances: int = UTTERANCES, most_bytes: int = MOST_BYTES) -> None:
        self._utterances, self._most_bytes = utterances, most_bytes
        self._kept: deque[RecentUtterance] = deque()

    def add(self, chunk: SpeechChunk) -> None:
        """``chunk`` follows what its turn has said already."""
        if not self._utterances:
            return
        if not self._kept or self._kept[-1].turn != chunk.turn:
            self._kept.append(RecentUtterance(turn=chunk.turn, rate=chunk.rate))
        latest = self._kept[-1]
        latest.chunks.append(chunk)
        latest.size += len(chunk.pcm)
        while len(self._kept) > self._utterances or (len(self._kept) > 1 and self._size > self._most_bytes):
            self._kept.popleft()
        if latest.size > self._most_bytes:
            _shorten(latest)

    def forget(self, turn: TurnId) -> None:
        """What ``turn`` has said is said anew."""
        self._kept = deque(kept for kept in self._kept if kept.turn != turn)

    @property
    def utterances(self) -> list[RecentUtterance]:
        """The latest last, the turn that is being said included."""
        return list(self._kept)

    def before(self, turn: TurnId, rate: int) -> list[list[SpeechChunk]]:
        """The chunks of the utterances before ``turn`` that can be played at ``rate``, the latest last."""
        return [kept.chunks for kept in self._kept if kept.turn != turn and kept.rate == rate]

    @property
    def _size(self) -> int:
        return sum(kept.size for kept in self._kept)


def _shorten(utterance: RecentUtterance) -> None:
    first = utterance.chunks[0].piece.index
    kept = [chunk for chunk in utterance.chunks if chunk.piece.index != first]
    if kept:
        utterance.chunks = kept
        utterance.size = sum(len(chunk.pcm) for chunk in kept)


async def replay(utterance: RecentUtterance, chunks: trio.MemorySendChannel[SpeechChunk], *, turn: TurnId) -> None:
    """Hand ``utterance`` to a player as speech of ``turn``, at the player's pace, without asking an engine."""
    with chunks:
        for chunk in list(utterance.chunks):
            await chunks.send(evolve(chunk, turn=turn, piece=evolve(chunk.piece, turn=turn)))
