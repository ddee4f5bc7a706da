"""Reads the assistant's words, whole or as they are thought of, and hands them on sentence by sentence.

In: a text, or a stream of text from an agent.  Out: pieces a speech engine can say, each with its place in the text.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import cast

import trio

from .machines.sentences import Piece, Sentences
from .messages import TextPiece, TurnId
from .ports import Words

PAGE = 1_000
"""Characters cut into sentences at a time, so that a whole book does not hold up the loop."""

HALT = 0.3
"""Seconds without new text after which a sentence is taken to be whole, although nothing has followed it yet."""


async def read_words(
    words: Words,
    pieces: trio.MemorySendChannel[TextPiece],
    *,
    turn: TurnId,
    publish: Callable[[TextPiece], None],
) -> None:
    """Run until the text ends, or nobody takes ``pieces`` any more.

    An agent's errors go up as they are; its stream is closed on every way out.
    """
    sentences, reading = Sentences(), trio.CancelScope()
    count = 0

    async def hand_on(ready: list[Piece]) -> None:
        nonlocal count
        for piece in ready:
            message = TextPiece(turn=turn, index=count, start=piece.start, text=piece.text)
            count += 1
            publish(message)
            try:
                await pieces.send(message)
            except trio.BrokenResourceError:
                # who failed to speak them has told of it
                reading.cancel("nobody speaks any more")
                await trio.lowlevel.checkpoint()

    async def read(text: str) -> None:
        for start in range(0, len(text), PAGE):
            await hand_on(sentences.feed(text[start : start + PAGE]))

    with pieces, reading:
        if isinstance(words, str):
            await read(words)
        else:
            async with trio.open_nursery() as nursery:
                send, texts = trio.open_memory_channel[str](0)
                nursery.start_soon(_stream, words, send)
                with texts:
                    text, halted = "", False
                    while True:
                        try:
                            with trio.move_on_after(math.inf if halted else HALT) as waiting:
                                text = await texts.receive()
                        except trio.EndOfChannel:
                            break
                        halted = waiting.cancelled_caught
                        if halted:
                            await hand_on(sentences.flush_sentence())
                        else:
                            await read(text)
        await hand_on(sentences.flush())


async def _stream(words: AsyncIterable[str], texts: trio.MemorySendChannel[str]) -> None:
    with texts:
        async with AsyncExitStack() as stack:
            if isinstance(words, AsyncGenerator):
                words = await stack.enter_async_context(aclosing(cast("AsyncGenerator[str, None]", words)))
            async for text in words:
                if not isinstance(cast("object", text), str):
                    raise TypeError(f"A stream of words gives text, not {type(text).__name__}.")
                await texts.send(text)
