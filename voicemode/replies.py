"""Answers of an agent that are begun before it is certain that the user is done.

In: what they have said if they do not go on, again and again.  Out: an agent like the one it asks, which has the answer
already when it is called with exactly what was presumed.  Nothing it begins outlives the nursery it is given.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeAlias

import trio
from attrs import frozen

from actors.errors import VoiceError
from actors.events import Event, Fate, ReplySpeculated
from actors.messages import Message, TurnId
from actors.ports import Agent
from actors.results import Presumed

from .agents import answer

OnError: TypeAlias = Callable[[VoiceError], None]

PIECES = 64
"""Pieces of text that an agent may be ahead of who reads them; then it waits."""


@frozen
class Question:
    """What an agent is called with."""

    transcript: str
    history: tuple[Message, ...]

    @classmethod
    def presumed(cls, presumed: Presumed, history: tuple[Message, ...]) -> Question:
        """What the agent will be called with if ``presumed`` holds; ``history`` is that before the present turn."""
        heard = presumed.heard.strip()
        return cls(presumed.text, (*history, Message(role="assistant", text=heard)) if heard else history)


class Reply:
    """One answer on its way; ``closed`` once the agent has cleaned up after it, and after those before it."""

    def __init__(self, turn: TurnId, question: Question) -> None:
        self.turn, self.question = turn, question
        self.closed = trio.Event()
        self._send, self._texts = trio.open_memory_channel[str](PIECES)
        self._scope = trio.CancelScope()
        self._error: Exception | None = None
        self._left = False

    async def run(self, agent: Agent, before: trio.Event | None, on_error: OnError | None) -> None:
        """Have it made, once ``before`` is over.

        Raises only what goes wrong after whoever read it has left, and that is no VoiceError if there is ``on_error``.
        """
        try:
            if before is not None:
                await before.wait()
            with self._scope:
                # the agent is not even called for what was dropped meanwhile
                await trio.lowlevel.checkpoint()
                async with aclosing(answer(agent, self.question.transcript, self.question.history)) as words:
                    async for text in words:
                        await self._send.send(text)
        except Exception as error:
            if not self._left:
                self._error = error
            elif on_error is not None and isinstance(error, VoiceError):
                on_error(error)
            else:
                raise
        finally:
            self._send.close()
            self.closed.set()

    async def words(self) -> AsyncGenerator[str, None]:
        """What there is and what still comes; to leave it is to cancel the agent.  Raises what the agent raised."""
        try:
            async for text in self._texts:
                yield text
            if self._error is not None:
                raise self._error
        finally:
            self._left = True
            self._scope.cancel("nobody reads the answer any more")

    def cancel(self) -> None:
        self._scope.cancel("the user went on")


class Replies:
    """At most one answer is begun at a time; what there is of the talk so far is asked of ``history``.

    A VoiceError of an answer that is asked for is given to ``on_error``, if there is one, and the answer ends there.
    """

    def __init__(
        self,
        agent: Agent,
        nursery: trio.Nursery,
        *,
        history: Callable[[], tuple[Message, ...]],
        publish: Callable[[Event], None],
        on_error: OnError | None = None,
    ) -> None:
        self._agent, self._nursery, self._history, self._publish = agent, nursery, history, publish
        self._on_error = on_error
        self._pending: Reply | None = None
        self._last: trio.Event | None = None
        self._counts: dict[Fate, int] = {"begun": 0, "used": 0, "dropped": 0}

    def presume(self, presumed: Presumed | None) -> None:
        """The user has said so much if they do not go on; None when they have gone on.  Never waits."""
        question = None if presumed is None else Question.presumed(presumed, self._history())
        if self._pending is not None and self._pending.question == question:
            return
        self.drop()
        if presumed is not None and question is not None:
            self._pending = reply = Reply(presumed.turn, question)
            self._nursery.start_soon(reply.run, self._agent, self._last, self._on_error)
            self._last = reply.closed
            self._tell(reply, "begun")

    def drop(self) -> None:
        """Cancel what was begun and is not read yet."""
        if self._pending is not None:
            reply, self._pending = self._pending, None
            reply.cancel()
            self._tell(reply, "dropped")

    def __call__(self, transcript: str, history: Sequence[Message], /) -> AsyncGenerator[str, None]:
        """The answer that was begun to just this, or another one."""
        question = Question(transcript, tuple(history))
        if self._pending is not None and self._pending.question == question:
            reply, self._pending = self._pending, None
            self._tell(reply, "used")
            return self._as_far_as_it_gets(reply.words())
        self.drop()
        return self._as_far_as_it_gets(self._anew(question))

    async def _as_far_as_it_gets(self, words: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        try:
            async with aclosing(words):
                async for text in words:
                    yield text
        except VoiceError as error:
            if self._on_error is None:
                raise
            self._on_error(error)

    async def _anew(self, question: Question) -> AsyncGenerator[str, None]:
        if self._last is not None:
            # an agent that is never called twice at once need not be made for it
            await self._last.wait()
        async with aclosing(answer(self._agent, question.transcript, question.history)) as words:
            async for text in words:
                yield text

    def _tell(self, reply: Reply, fate: Fate) -> None:
        self._counts[fate] += 1
        now = trio.current_time()
        self._publish(
            ReplySpeculated(
                turn=reply.turn,
                at=now,
                fate=fate,
                begun=self._counts["begun"],
                used=self._counts["used"],
                dropped=self._counts["dropped"],
            )
        )
