"""The assistant's side of one turn: words in; sound at the speaker, or sentences to read, and the account of them out.

Everything that is being said lives in one cancel scope: agent, sentences, engine, player.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from .messages import SpeechChunk, Spoken, TextPiece
from .orders import Input
from .player import play_speech
from .ports import Playback
from .reader import read_words
from .reading import show_words
from .recent import Recent, replay
from .request import Outside, Request
from .streamer import stream_speech

PIECES = 2
"""Sentences read ahead of the engine."""

CHUNKS = 8
"""Stretches of audio made ahead of the speaker: with 60 ms each, half a second."""


class Assistant:
    """Says the words of ``request``, or again what it said last; one of the two at a time.

    ``speak`` and ``repeat`` return what is to be run in the turn's nursery; ``hush`` ends it, also before it has begun.
    ``reports`` is told the account, and is not closed.
    """

    def __init__(self, request: Request, outside: Outside, reports: trio.MemorySendChannel[Input]) -> None:
        self._request, self._outside, self._reports = request, outside, reports
        self._scope = trio.CancelScope()
        self._text = request.words if isinstance(request.words, str) else ""

    @property
    def text(self) -> str:
        """What was to be said, as far as it is known."""
        return self._text

    def speak(self) -> Callable[[], Awaitable[None]]:
        return self._show if self._outside.shown else self._speak

    def repeat(self) -> Callable[[], Awaitable[None]]:
        """A text that was cut short is said anew, and to its end; an agent's words cannot be asked for twice."""
        cut = self._scope.cancel_called
        self._scope = trio.CancelScope()
        whole = cut and isinstance(self._request.words, str) and self._outside.playback is not None
        return self._speak_anew if whole else self._repeat

    def hush(self, reason: str) -> None:
        self._scope.cancel(reason)

    async def _repeat(self) -> None:
        """What was said last is played from what was kept of its sound."""
        said = self._outside.recent.utterances[-1:]
        if self._outside.playback is None or not said:
            with self._reports.clone() as reports:
                now = trio.current_time()
                again = self._text if self._outside.shown else ""
                await reports.send(
                    Spoken(turn=self._request.turn, text=again, heard=again, complete=True, samples=0, at=now)
                )
            return
        if said[0].turn != self._request.turn:
            self._text = said[0].text
        chunks_in, chunks_out = trio.open_memory_channel[SpeechChunk](CHUNKS)
        makers = (partial(replay, said[0], chunks_in, turn=self._request.turn),)
        await self._play(chunks_out, makers, self._outside.playback)

    async def _play(
        self,
        chunks: trio.MemoryReceiveChannel[SpeechChunk],
        makers: Sequence[Callable[[], Awaitable[None]]],
        playback: Playback,
        recent: Recent | None = None,
    ) -> None:
        with self._scope, chunks:
            async with trio.open_nursery() as nursery:
                for make in makers:
                    nursery.start_soon(make)
                all_came = await play_speech(
                    chunks.clone(),
                    self._reports.clone(),
                    turn=self._request.turn,
                    playback=playback,
                    transport=self._outside.transport,
                    recent=recent,
                )
                if not all_came:
                    nursery.cancel_scope.cancel("nobody plays what is still to come")

    async def _speak_anew(self) -> None:
        self._outside.recent.forget(self._request.turn)
        await self._speak(lambda _: None)

    async def _speak(self, publish: Callable[[TextPiece], None] | None = None) -> None:
        request, outside = self._request, self._outside
        if request.words is None or outside.tts is None or outside.playback is None:
            raise RuntimeError("the dialogue asked for words that nobody gave")
        pieces_in, pieces_out = trio.open_memory_channel[TextPiece](PIECES)
        chunks_in, chunks_out = trio.open_memory_channel[SpeechChunk](CHUNKS)
        makers = (
            partial(
                stream_speech,
                pieces_out,
                chunks_in,
                self._reports.clone(),
                turn=request.turn,
                engine=outside.tts,
                voice=request.voice,
                speed=request.speed,
            ),
            partial(read_words, request.words, pieces_in, turn=request.turn, publish=publish or self._read),
        )
        await self._play(chunks_out, makers, outside.playback, outside.recent)

    async def _show(self) -> None:
        turn, words = self._request.turn, self._request.words
        if words is None:
            raise RuntimeError("the dialogue asked for words that nobody gave")
        pieces_in, pieces_out = trio.open_memory_channel[TextPiece](PIECES)
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(show_words, pieces_out, self._reports.clone(), turn=turn))
                nursery.start_soon(partial(read_words, words, pieces_in, turn=turn, publish=self._read))

    def _read(self, piece: TextPiece) -> None:
        """What was to be said, however far it got: a text that is streamed is known as far as it was read."""
        self._text = max(self._text, self._text[: piece.start] + piece.text, key=len)
        self._outside.publish(piece)
