"""Several recognisers as one.  In: an utterance.  Out: its transcript from the first engine that makes one.

The whole utterance is replayed to each engine that is asked, so that nothing of it is lost with one that fails.  One
may hear it while it is being said, and is then the first whose answer is waited for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from math import inf
from typing import TypeAlias

import trio
from attrs import define, evolve, field, frozen

from .errors import ProviderError, VoiceError
from .failover import (
    Candidate,
    FailoverPolicy,
    all_failed,
    failure_of,
    found_down,
    next_of,
    passed_over,
    silent,
    until_down,
    usable,
)
from .failover_live import LiveCandidate
from .machines.board import Board
from .machines.remedy import remedy_for
from .messages import ProviderFailure, Transcript, seconds_of
from .ports import Hearing, LiveSpeechToText, SpeechToText

SLOWER = 3.0
"""Times its own 95th percentile that an engine which is known to be slow but good may take."""

Outcome: TypeAlias = Transcript | VoiceError | None
"""None when it is for the next engine."""


class FailoverRecogniser:
    """Implements ``SpeechToText`` and ``LiveSpeechToText``.

    ``candidates`` are on the board, in the order in which they are asked; they may be replaced between two utterances.
    """

    def __init__(
        self, candidates: Sequence[Candidate[SpeechToText]], board: Board, *, policy: FailoverPolicy | None = None
    ) -> None:
        """Raises ValueError when there are no candidates."""
        if not candidates:
            raise ValueError("a recogniser of no candidates")
        self.candidates = candidates
        self.name = candidates[0].name
        self._board, self._policy = board, policy or FailoverPolicy()

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port.  ``Transcript.engine`` is who did it, ``failures`` are those that were asked before.

        Raises AllProvidersFailed, at the latest when the budget is spent, ProviderRefused for what no engine would
        take, and SettingsError as the engines do.
        """
        return await self._answer(pcm, rate, phrases)

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[Hearing]:
        """Implements the port.  Who would be asked first hears it while it is being said, if it can.  For its answer it
        then has as long as for that to a whole utterance; when it fails, the others are given all of it.

        ``finish`` raises as ``transcribe`` does.
        """
        sound = bytearray()
        live = self._live(sound, rate, phrases, partial)
        try:
            async with trio.open_nursery() as nursery:
                if live is not None:
                    live.begin()
                    nursery.start_soon(live.run)
                try:
                    yield _Listening(sound, live, lambda: self._answer(bytes(sound), rate, phrases, live))
                finally:
                    if live is not None:
                        live.give_up()
                nursery.cancel_scope.cancel("the utterance has been heard, or nobody wants it")
        except BaseExceptionGroup as group:
            # what whoever listens raises comes out as it is, and not as a group of this nursery's; beside it there may
            # be the Cancelled of the engine that hears along, which no other kind of group can hold
            errors = [error for error in group.exceptions if not isinstance(error, trio.Cancelled)]
            if len(errors) != 1:
                raise
            raise errors[0] from errors[0].__cause__

    def _live(
        self, sound: bytearray, rate: int, phrases: Sequence[str], partial: Callable[[str], None] | None
    ) -> LiveCandidate | None:
        """Who hears it while it is being said; None when who would be asked first cannot."""
        first = next_of(self._board, "stt", usable(self.candidates, self._policy), trio.current_time())
        if first is None or not isinstance(first.engine, LiveSpeechToText):
            return None
        return LiveCandidate(
            candidate=first,
            engine=first.engine,
            board=self._board,
            sound=sound,
            rate=rate,
            phrases=phrases,
            partial=partial,
        )

    async def _answer(
        self, pcm: bytes, rate: int, phrases: Sequence[str], live: LiveCandidate | None = None
    ) -> Transcript:
        length = seconds_of(pcm, rate) if rate > 0 else 0.0
        untried = usable(self.candidates, self._policy)
        if live is not None and live.is_down:
            live.give_up()
            live = None
        if live is not None and live.candidate not in untried:
            untried.insert(0, live.candidate)
        replay = _Replay(
            pcm=pcm,
            rate=rate,
            phrases=phrases,
            board=self._board,
            policy=self._policy,
            untried=untried,
            live=live,
            length=length,
            over=trio.current_time() + self._policy.budget + length,
        )
        transcript = await replay.run()
        self.name = transcript.engine
        return transcript


@frozen
class _Listening:
    """Implements ``Hearing``."""

    sound: bytearray
    live: LiveCandidate | None
    answer: Callable[[], Awaitable[Transcript]]

    def write(self, pcm: bytes) -> None:
        self.sound.extend(pcm)
        if self.live is not None:
            self.live.write(pcm)

    async def finish(self) -> Transcript:
        return await self.answer()


@define(kw_only=True)
class _Replay:
    """One utterance on its way.  One engine has it at a time, or with hedging two."""

    pcm: bytes
    rate: int
    phrases: Sequence[str]
    board: Board
    policy: FailoverPolicy
    untried: list[Candidate[SpeechToText]]
    live: LiveCandidate | None
    length: float
    over: float
    failures: list[ProviderFailure] = field(factory=list[ProviderFailure], init=False)
    errors: list[ProviderError] = field(factory=list[ProviderError], init=False)
    asked: bool = field(default=False, init=False)

    async def run(self) -> Transcript:
        found: Outcome = None
        done, outcomes = trio.open_memory_channel[Outcome](inf)
        with done, outcomes:
            async with trio.open_nursery() as nursery:
                running, another = 0, True
                while found is None:
                    asked = self._next() if another else None
                    if asked is not None:
                        nursery.start_soon(self._ask, asked, done)
                        running += 1
                    if not running:
                        break
                    another = True
                    with trio.move_on_after(self._hedge_after(asked) if running == 1 else inf):
                        found = await outcomes.receive()
                        running -= 1
                        another = not running
                nursery.cancel_scope.cancel("there is an answer")
        if found is None:
            raise all_failed("stt", self.errors, (each.name for each in self.untried))
        if isinstance(found, VoiceError):
            raise found
        return evolve(found, failures=tuple(self.failures))

    def _next(self) -> Candidate[SpeechToText] | None:
        now = trio.current_time()
        asked = None
        if self.live is not None and not self.asked:
            asked = self.live.candidate
        elif now < self.over:
            asked = next_of(self.board, "stt", self.untried, now)
        if asked is not None:
            if not self.asked:
                self.failures += passed_over(self.board, "stt", self.untried, asked, now)
            self.asked = True
            self.untried.remove(asked)
        return asked

    def _hedge_after(self, asked: Candidate[SpeechToText] | None) -> float:
        """Seconds after which a second engine is asked as well."""
        if asked is None or not self.policy.hedge:
            return inf
        return self.board.patience("stt", asked.name, inf)

    def _patience(self, asked: Candidate[SpeechToText]) -> float:
        """Seconds in which ``asked`` has to answer."""
        now = trio.current_time()
        if not self._has_another():
            return self.over - now
        usual = self.policy.first_byte + self.policy.per_second * self.length
        return min(max(usual, SLOWER * self.board.patience("stt", asked.name, 0.0)), self.over - now)

    def _has_another(self) -> bool:
        return next_of(self.board, "stt", self.untried, trio.current_time()) is not None

    async def _ask(self, asked: Candidate[SpeechToText], done: trio.MemorySendChannel[Outcome]) -> None:
        outcome: Outcome = None
        for attempt in count(1):
            began = trio.current_time()
            try:
                outcome = await self._attempt(asked)
            except ProviderError as error:
                self.errors.append(error)
                self.failures.append(failure_of("stt", error, asked.name, trio.current_time() - began))
                remedy = remedy_for(error, attempt)
                if remedy == "retry" and trio.current_time() < self.over:
                    continue
                outcome = error if remedy == "stop" else None
            except VoiceError as error:
                outcome = error
            break
        done.send_nowait(outcome)

    async def _attempt(self, asked: Candidate[SpeechToText]) -> Transcript:
        """Raises VoiceError."""
        patience = self._patience(asked)
        live = self.live if self.live is not None and self.live.candidate is asked else None
        call = None if live is None else live.taken()
        if live is None or call is None:
            live, call = None, self.board.began("stt", asked.name, trio.current_time())
        try:
            with trio.fail_after(patience), until_down(self.board, "stt", asked, self._has_another) as watch:
                if live is not None:
                    transcript = await live.finish()
                else:
                    transcript = await asked.engine.transcribe(self.pcm, self.rate, phrases=self.phrases)
        except ProviderError as error:
            self.board.failed(call, trio.current_time(), error)
            raise
        except trio.TooSlowError as late:
            silence = silent(asked.name, patience)
            self.board.failed(call, trio.current_time(), silence)
            raise silence from late
        except BaseException:
            # also a cancel: a call that is never ended would keep a trial from all others
            self.board.cancelled(call, trio.current_time())
            raise
        now = trio.current_time()
        if watch.cancelled_caught:
            self.board.cancelled(call, now)
            raise found_down(self.board, "stt", asked.name)
        self.board.answered(call, now)
        self.board.ended(call, now)
        return evolve(transcript, engine=asked.name)
