"""Reads the assistant's words, whole or as they are thought of, and hands them on sentence by sentence.

In: a text, or a stream of text from an agent.  Out: pieces a speech engine can say, each with its place in the text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import cast

import trio

from .machines.sentences import Piece, Sentences
from .messages import TextPiece, TurnId
from .ports import Words

PAGE = 1_000
"""Characters cut into sentences at a time, so that a whole book does not hold up the loop."""


async def read_words(
    words: Words,
    pieces: trio.MemorySendChannel[TextPiece],
    *,
    turn: TurnId,
    publish: Callable[[TextPiece], None],
) -> None:
    """Run until the text ends.  An agent's errors go up as they are; its stream is closed on every way out."""
    sentences = Sentences()
    count = 0

    async def hand_on(ready: list[Piece]) -> None:
        nonlocal count
        for piece in ready:
            message = TextPiece(turn=turn, index=count, start=piece.start, text=piece.text)
            count += 1
            publish(message)
            await pieces.send(message)

    async def read(text: str) -> None:
        for start in range(0, len(text), PAGE):
            await hand_on(sentences.feed(text[start : start + PAGE]))

    with pieces:
        if isinstance(words, str):
            await read(words)
        else:
            async with AsyncExitStack() as stack:
                if isinstance(words, AsyncGenerator):
                    words = await stack.enter_async_context(aclosing(cast("AsyncGenerator[str, None]", words)))
                async for text in words:
                    await read(text)
        await hand_on(sentences.flush())
