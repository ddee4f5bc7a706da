"""What an asyncio host says.  In: a text, a stream of text, or an agent of any shape.  Out: its text as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import aclosing
from inspect import isawaitable
from typing import TypeAlias, cast

from actors.messages import Message

from ..agents.answering import stream_of
from ..sayable import RAW

Words: TypeAlias = str | Iterable[str] | AsyncIterable[str]

Agent: TypeAlias = Callable[[str, Sequence[Message]], Words | Awaitable[Words]]
"""A coroutine function, an async generator function, a plain function or a generator function."""

Speech: TypeAlias = Words | Agent


async def words_of(called: Callable[[], Words | Awaitable[Words]]) -> AsyncGenerator[str, None]:
    """Call it in the loop and yield its text; close this generator to be rid of its own."""
    answer = called()
    words = await answer if isawaitable(answer) else answer
    if isinstance(words, str):
        yield words
    elif isinstance(words, AsyncIterable):
        async with aclosing(stream_of(words)) as stream:
            async for text in stream:
                yield text
    elif isinstance(cast("object", words), Iterable) and not isinstance(cast("object", words), RAW):
        try:
            for text in words:
                yield text
                # one that never waits would otherwise have the loop to itself
                await asyncio.sleep(0)
        finally:
            if isinstance(words, Generator):
                words.close()
    else:
        raise TypeError(f"An agent gives a text or a stream of text, not {type(words).__name__}.")
