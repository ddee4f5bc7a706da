"""One of several recognisers, which hears an utterance while it is being said.  In: the audio as it comes.  Out: its
transcript, or its failure, when the utterance has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from .errors import VoiceError
from .failover import Candidate
from .machines.board import Board
from .machines.record import Call
from .messages import Transcript
from .ports import Hearing, LiveSpeechToText, SpeechToText


@define(kw_only=True)
class LiveCandidate:
    """``run`` is its task; cancelling that gives up what it was sent.

    On the board it is asked from the first sound on, so that others know that it has something to do, and ``taken`` in
    the end: how long it takes to answer counts from there.
    """

    candidate: Candidate[SpeechToText]
    engine: LiveSpeechToText
    board: Board
    sound: bytearray
    """All that was said before ``run`` and, with ``write``, all that was said."""
    rate: int
    phrases: Sequence[str]
    partial: Callable[[str], None] | None
    _call: Call | None = field(default=None, init=False)
    _hearing: Hearing | None = field(default=None, init=False)
    _ended: trio.Event = field(factory=trio.Event, init=False)
    _over: trio.Event = field(factory=trio.Event, init=False)
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _outcome: Transcript | VoiceError | None = field(default=None, init=False)

    def begin(self) -> None:
        """It is asked from now on."""
        self._call = self.board.began("stt", self.candidate.name, trio.current_time())

    @property
    def is_down(self) -> bool:
        """Whether others have found out meanwhile that it does not answer."""
        return self.board.status("stt", self.candidate.name).health == "down"

    async def run(self) -> None:
        with self._scope:
            try:
                async with self.engine.listen(self.rate, phrases=self.phrases, partial=self.partial) as hearing:
                    hearing.write(bytes(self.sound))
                    self._hearing = hearing
                    await self._ended.wait()
                    self._outcome = await hearing.finish()
            except VoiceError as error:
                self._outcome = error
            finally:
                self._hearing = None
        self._over.set()

    def write(self, pcm: bytes) -> None:
        if self._hearing is not None:
            self._hearing.write(pcm)

    def taken(self) -> Call | None:
        """Its call on the board, for whoever waits for its answer from now on; None when that is somebody already."""
        call, self._call = self._call, None
        return None if call is None else self.board.asked(call, trio.current_time())

    async def finish(self) -> Transcript:
        """Raises VoiceError.  Once this was cancelled nothing is left of the request."""
        self._ended.set()
        try:
            await self._over.wait()
        finally:
            self._scope.cancel("nobody waits for it any longer")
        if isinstance(self._outcome, VoiceError):
            raise self._outcome
        assert self._outcome is not None  # noqa: S101 - it is cancelled by nobody else
        return self._outcome

    def give_up(self) -> None:
        """Nobody wants its answer.  Idempotent."""
        self._scope.cancel("nobody wants its answer")
        if self._call is not None:
            self.board.cancelled(self._call, trio.current_time())
            self._call = None
