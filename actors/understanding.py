"""The texts that are made of the user's words in one turn: utterances and drafts in, transcripts reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import trio

from .messages import DraftId, Utterance
from .orders import Input
from .request import Outside, Request
from .transcriber import draft, transcribe


class Understanding:
    """``start`` runs something in the turn's nursery; ``reports`` is told what comes of it, and is not closed."""

    def __init__(
        self,
        request: Request,
        outside: Outside,
        reports: trio.MemorySendChannel[Input],
        start: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self._request, self._outside, self._reports, self._start = request, outside, reports, start
        self._running: dict[DraftId, tuple[trio.CancelScope, trio.MemorySendChannel[float]]] = {}

    def transcribe(self, utterance: Utterance) -> None:
        self._start(partial(self._transcribe, utterance))

    def follow(self, number: DraftId) -> None:
        """Give the recogniser what is being said while it is said, for the draft ``number``."""
        self._begin(number)

    def draft(self, number: DraftId, until: float) -> None:
        """The draft ``number`` is of what was said ``until`` then."""
        # it may be over already: that has been reported
        with suppress(trio.BrokenResourceError):
            self._begin(number).send_nowait(until)

    def drop(self, number: DraftId) -> None:
        self._running[number][0].cancel("the user went on")

    async def _transcribe(self, utterance: Utterance) -> None:
        if self._outside.stt is None:
            raise RuntimeError("the dialogue asked for a transcript without an engine to make it")
        await transcribe(
            utterance,
            self._reports.clone(),
            turn=self._request.turn,
            engine=self._outside.stt,
            phrases=self._request.phrases,
        )

    def _begin(self, number: DraftId) -> trio.MemorySendChannel[float]:
        """Have it made, unless that is so already; the moment at which it ends is sent to what is returned."""
        if number not in self._running:
            scope, (end, ends) = trio.CancelScope(), trio.open_memory_channel[float](1)
            self._running[number] = scope, end
            self._start(partial(self._draft, number, scope, ends))
        return self._running[number][1]

    async def _draft(self, number: DraftId, scope: trio.CancelScope, ends: trio.MemoryReceiveChannel[float]) -> None:
        if self._outside.stt is None:
            raise RuntimeError("the dialogue asked for a draft without an engine to make it")
        with scope:
            await draft(
                self._outside.recordings,
                ends,
                self._reports.clone(),
                turn=self._request.turn,
                number=number,
                engine=self._outside.stt,
                judge=self._outside.judge,
                phrases=self._request.phrases,
                publish=self._outside.publish,
            )
