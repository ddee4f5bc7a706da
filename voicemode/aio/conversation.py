"""A conversation for asyncio tasks, name for name that of ``voicemode.Conversation``.

In: calls from any task of any loop.  Out: results and events.  Agents and streams of text run in the caller's loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar, cast, final

from actors.events import Event
from actors.messages import Message
from actors.ports import Agent as EngineAgent
from actors.results import TurnResult

from ..embed.call import Call
from ..embed.controls import Controls
from ..embed.errand import carried
from ..embed.session import Session
from ..embed.talk import called_like, talking
from ..replies import OnError
from ..sayable import check_speech
from ..turns import Speech as EngineSpeech
from .host import Host
from .waiting import settled
from .words import Agent, Speech, Words, words_of

T = TypeVar("T")


@final
class Conversation(Controls):
    """One person and one assistant talking; you get one from ``voicemode.aio.open_conversation``.

    Turns run one at a time, whoever asks.  Cancelling a task that waits for a turn ends the turn: when CancelledError
    comes out of the call, the speaker is silent and the microphone closed.  Errors are those of
    ``voicemode.Conversation``, and an agent's own, as they were raised.
    """

    _advice = "open it in an async with statement"

    async def converse(
        self,
        message: Speech,
        *,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
    ) -> TurnResult:
        """Say ``message``, listen, and return what the user answered or said over it."""
        speech = self._speech(message)
        return await self._outcome(
            self._session.call(lambda engine: engine.converse(speech, voice=voice, speed=speed, phrases=phrases))
        )

    async def say(
        self,
        text: Speech,
        *,
        interruptible: bool = False,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
    ) -> TurnResult:
        """Say ``text`` without listening for an answer; with ``interruptible`` the user can speak over it."""
        speech = self._speech(text)
        return await self._outcome(
            self._session.call(
                lambda engine: engine.say(
                    speech, interruptible=interruptible, voice=voice, speed=speed, phrases=phrases
                )
            )
        )

    async def listen(self, *, phrases: Sequence[str] | None = None) -> TurnResult:
        """Say nothing and return what the user says."""
        return await self._outcome(self._session.call(lambda engine: engine.listen(phrases=phrases)))

    async def talk(
        self,
        agent: Agent,
        *,
        greeting: Speech | None = None,
        on_error: OnError | None = None,
        started: Callable[[], object] | None = None,
    ) -> None:
        """Let the user talk with ``agent`` until ``stop``, ``finish`` or until cancelled, the microphone open all
        along.

        ``on_error`` and ``started`` are called in this loop; the latter, as an ``asyncio.Event``'s ``set``, when the
        talk has begun, so that the user can ``answer``.  What they raise ends the talk and is raised here.
        """
        call: Call[None] = self._session.call(
            talking(
                self._agent(agent),
                greeting=None if greeting is None else self._speech(greeting),
                on_error=on_error,
                started=started,
                post=Host().post,
                fail=lambda error: self._session.cancel(call, "the host's own code failed", error),
            )
        )
        await self._outcome(call)

    def events(self) -> AsyncIterator[Event]:
        """All that happens from now on, ending when the conversation closes.

        A watcher that falls far behind loses the oldest events; it never holds up the conversation.
        """
        return _Events(self._session)

    async def _outcome(self, call: Call[T]) -> T:
        return await settled(call.outcome, partial(self._session.cancel, call, "the host's task was cancelled"))

    def _agent(self, agent: Agent) -> EngineAgent:
        host = Host(in_turn=True)

        def asked(transcript: str, history: Sequence[Message]) -> AsyncGenerator[str, None]:
            return carried(host.begin(partial(words_of, partial(agent, transcript, history))), host.patience)

        return called_like(agent, asked)

    def _speech(self, speech: Speech) -> EngineSpeech:
        if isinstance(speech, str):
            return speech
        if callable(speech) and not hasattr(speech, "__aiter__"):
            return self._agent(speech)
        check_speech(speech, AsyncIterable, Iterable)
        host, words = Host(), cast("Words", speech)
        return carried(host.begin(partial(words_of, lambda: words)), host.patience)


class _Events(AsyncIterator[Event]):
    def __init__(self, session: Session) -> None:
        self._session, self._feed = session, session.feed()
        self._over = False

    async def __anext__(self) -> Event:
        while not self._feed.ready:
            if self._over:
                raise StopAsyncIteration
            self._session.admit()
            try:
                call = self._session.call(lambda _: self._feed.take())
                more = await settled(call.outcome, partial(self._session.cancel, call, "nobody waits for events"))
            except Exception:  # noqa: BLE001  whatever closes a conversation is told by what opened it
                with suppress(Exception):
                    await settled(self._session.closed, lambda: None)
                more = False
            self._over = not more
        return self._feed.ready.popleft()
