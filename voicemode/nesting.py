"""Agents that ask their own conversation for a turn, which would wait for itself.

In: the words of a turn, and whoever asks for another.  Out: the same words, or an error before anybody waits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from contextvars import ContextVar

from attrs import define

from actors.messages import Message
from actors.ports import Agent

from .agents import answer
from .agents.answering import stream_of


@define(eq=False)
class _Answering:
    """One answer, until its stream is closed."""

    nesting: Nesting
    over: bool = False


_inside: ContextVar[tuple[_Answering, ...]] = ContextVar("voicemode_answering", default=())
"""The answers that the running code is part of, whether it makes them or was started by what does.  An agent runs with
the context of the task that reads it, also in a loop or a thread of a host's."""


class Nesting:
    """One for each conversation.

    What an agent has started has its context and is taken for part of the answer for as long as that lasts: whether the
    agent waits for it cannot be known everywhere, and an error is less harm than a wait without end.
    """

    def refuse(self) -> None:
        """Raises RuntimeError where a turn is asked for by what the turn that is running waits for."""
        if any(each.nesting is self and not each.over for each in _inside.get()):
            raise RuntimeError(
                "An agent has asked its own conversation for a turn, which would wait for the agent's own answer. Let "
                "what is to be said or asked be that answer: the user's reply is the turn's result, and in a talk the "
                "agent is called with it. What the agent has started can ask once the answer is over."
            )

    async def marked(self, words: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        """The same; read in a task of its own, to which all that is done for them belongs."""
        answering = _Answering(self)
        _inside.set((*(each for each in _inside.get() if not each.over), answering))
        try:
            async with aclosing(stream_of(words)) as stream:
                async for text in stream:
                    yield text
        finally:
            answering.over = True

    def agent(self, agent: Agent) -> Agent:
        """One that answers as ``agent`` does, and whose words are marked."""

        def asked(transcript: str, history: Sequence[Message], /) -> AsyncGenerator[str, None]:
            return self.marked(answer(agent, transcript, history))

        return asked
