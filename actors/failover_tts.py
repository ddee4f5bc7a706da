"""Several voices as one.  In: a text.  Out: its speech, begun by one engine and, if need be, ended by another.

When an engine breaks off, the next one goes on with the first text whose sound was not delivered.  Where the broken one
gave word times nothing is lost or said twice; where it did not, its sound is looked at for the words that are in it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import trio

from .errors import VoiceError
from .failover import Candidate, FailoverPolicy, usable
from .failover_delivery import Converter, Delivery, FindWords, Outfit
from .failover_text import say_text
from .machines.board import Board
from .messages import Synthesis
from .ports import TextToSpeech


class FailoverVoice:
    """Implements ``TextToSpeech``.  ``candidates`` are on the board, in the order in which they are asked; they may be
    replaced between two texts.  ``name`` is who spoke last, or the first of them.

    ``rate`` is fixed, and the highest of the first candidates' if none is given; ``convert`` makes a converter for an
    engine of another (from, to).  ``find_words`` looks into the sound of engines that have no word times; without it,
    or when it fails, the words in it are guessed from the pace of the voice.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate[TextToSpeech]],
        board: Board,
        *,
        policy: FailoverPolicy | None = None,
        convert: Callable[[int, int], Converter] | None = None,
        find_words: FindWords | None = None,
        rate: int | None = None,
    ) -> None:
        """Raises ValueError when there are no candidates."""
        if not candidates:
            raise ValueError("a voice of no candidates")
        self.candidates = candidates
        self.name = candidates[0].name
        self.rate = rate or max(each.engine.rate for each in candidates)
        self._outfit = Outfit(
            rate=self.rate,
            board=board,
            policy=policy or FailoverPolicy(),
            convert=convert,
            find_words=find_words,
            spoke=self._spoke,
        )

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        """Implements the port.  ``Synthesis.engine`` is who made it, ``failures`` come with the first sound after them.

        A candidate that is known not to have ``voice`` speaks with its own.  Raises from the context, after all that
        was received has been handed on: AllProvidersFailed, ProviderRefused for what no engine would take, and
        ValueError for an engine of another rate when there is no ``convert``.
        """
        send, receive = trio.open_memory_channel[Synthesis](0)
        failures: list[VoiceError] = []
        delivery = Delivery(text=text, voice=voice, speed=speed, out=send, outfit=self._outfit)
        candidates = usable(self.candidates, self._outfit.policy)

        async def deliver() -> None:
            with send:
                try:
                    await say_text(delivery, candidates)
                except VoiceError as error:
                    failures.append(error)

        with receive:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(deliver)
                    yield receive
                    nursery.cancel_scope.cancel("whoever listened is done")
            except BaseExceptionGroup as group:
                # what whoever listens raises comes out as it is, and not as a group of this nursery's
                errors = [error for error in group.exceptions if not isinstance(error, trio.Cancelled)]
                if len(errors) != 1:
                    raise
                raise errors[0] from errors[0].__cause__
        if failures:
            raise failures[0]

    def choose(self, candidates: Sequence[Candidate[TextToSpeech]]) -> None:
        """Ask these from the next text on."""
        self.candidates = candidates
        if self.name not in {each.name for each in candidates}:
            self.name = candidates[0].name

    def _spoke(self, provider: str) -> None:
        self.name = provider
