"""Asks an agent for its answer, whatever shape it has.  In: the transcript and the history.  Out: a stream of text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from inspect import isawaitable
from typing import TypeVar, cast

from actors.messages import Message
from actors.ports import Agent, Words

T = TypeVar("T")


async def answer(agent: Agent, transcript: str, history: Sequence[Message]) -> AsyncGenerator[str, None]:
    """Call ``agent`` and yield its words as they come; close this generator to be rid of the agent's own."""
    called = agent(transcript, history)
    words: Words = await called if isawaitable(called) else called
    if isinstance(words, str):
        yield words
    elif not isinstance(cast("object", words), AsyncIterable):
        raise TypeError(f"An agent gives a text or an async stream of text, not {type(words).__name__}.")
    else:
        async with aclosing(stream_of(words)) as stream:
            async for text in stream:
                yield text


async def stream_of(stream: AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """The same, but to close this is to close a stream that can be closed."""
    if isinstance(stream, AsyncGenerator):
        async with aclosing(cast("AsyncGenerator[T, None]", stream)) as generator:
            async for item in generator:
                yield item
    else:
        async for item in stream:
            yield item
