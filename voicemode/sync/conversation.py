"""A conversation for plain code, name for name that of ``voicemode.Conversation``.

In: calls from any thread.  Out: results and events.  Agents and streams of text run in the thread that calls.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar, final

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
from .host import Agent, Host, Speech
from .loops import LOOPS, running_here

T = TypeVar("T")


@final
class Conversation(Controls):
    """One person and one assistant talking; you get one from ``voicemode.sync.open_conversation``.

    Turns run one at a time, whichever thread asks.  A KeyboardInterrupt while a turn is waited for ends the turn: when
    it comes out of the call, the speaker is silent and the microphone closed.  Errors are those of
    ``voicemode.Conversation``, and an agent's own, as they were raised.
    """

    _warned = False
    """Whether it has been said that a loop is blocked."""

    def converse(
        self,
        message: Speech,
        *,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
    ) -> TurnResult:
        """Say ``message``, listen, and return what the user answered or said over it."""
        host = Host()
        speech = _speech(message, host)
        return self._outcome(
            host,
            self._session.call(lambda engine: engine.converse(speech, voice=voice, speed=speed, phrases=phrases)),
        )

    def say(
        self,
        text: Speech,
        *,
        interruptible: bool = False,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
    ) -> TurnResult:
        """Say ``text`` without listening for an answer; with ``interruptible`` the user can speak over it."""
        host = Host()
        speech = _speech(text, host)
        return self._outcome(
            host,
            self._session.call(
                lambda engine: engine.say(
                    speech, interruptible=interruptible, voice=voice, speed=speed, phrases=phrases
                )
            ),
        )

    def listen(self, *, phrases: Sequence[str] | None = None) -> TurnResult:
        """Say nothing and return what the user says."""
        return self._outcome(Host(), self._session.call(lambda engine: engine.listen(phrases=phrases)))

    def talk(
        self,
        agent: Agent,
        *,
        greeting: Speech | None = None,
        on_error: OnError | None = None,
        started: Callable[[], object] | None = None,
    ) -> None:
        """Let the user talk with ``agent`` until ``stop`` or ``finish``, the microphone open all along.

        ``on_error`` and ``started`` are called in this thread; the latter when the talk has begun, so that the user can
        ``answer``.  What they raise ends the talk and is raised here.
        """
        host = Host()
        call: Call[None] = self._session.call(
            talking(
                _agent(agent, host),
                greeting=None if greeting is None else _speech(greeting, host),
                on_error=on_error,
                started=started,
                post=host.post,
                fail=lambda error: self._session.cancel(call, "the host's own code failed", error),
            )
        )
        self._outcome(host, call)

    def events(self) -> Iterator[Event]:
        """All that happens from now on, ending when the conversation closes; the next is waited for.

        A watcher that falls far behind loses the oldest events; it never holds up the conversation.
        """
        return _Events(self._session)

    def _outcome(self, host: Host, call: Call[T]) -> T:
        if not self._warned and (loop := running_here()) is not None:
            self._warned = True
            warnings.warn(
                f"This call blocks the {loop} loop that runs in its thread until it is over; use {LOOPS[loop]} there.",
                RuntimeWarning,
                stacklevel=3,
            )
        return host.settled(call.outcome, partial(self._session.cancel, call, "the host was interrupted"))


def _agent(agent: Agent, host: Host) -> EngineAgent:
    def asked(transcript: str, history: Sequence[Message]) -> AsyncGenerator[str, None]:
        return carried(host.begin(partial(agent, transcript, history)), host.patience)

    return called_like(agent, asked)


def _speech(speech: Speech, host: Host) -> EngineSpeech:
    if isinstance(speech, str):
        return speech
    if callable(speech):
        return _agent(speech, host)
    check_speech(speech, Iterable)
    return carried(host.begin(lambda: speech), host.patience)


class _Events(Iterator[Event]):
    def __init__(self, session: Session) -> None:
        self._session, self._feed = session, session.feed()
        self._over = False

    def __next__(self) -> Event:
        while not self._feed.ready:
            if self._over:
                raise StopIteration
            self._session.admit()
            try:
                call = self._session.call(lambda _: self._feed.take())
                more = Host().settled(call.outcome, partial(self._session.cancel, call, "nobody waits for events"))
            except Exception:  # noqa: BLE001  whatever closes a conversation is told by what opened it
                with suppress(Exception):
                    Host().settled(self._session.closed, lambda: None)
                more = False
            self._over = not more
        return self._feed.ready.popleft()
