"""One conversation that the engine holds open for a host.

In: calls and questions from any thread, and when to leave.  Out: their outcomes.  It closes when the host says so, when
the host has gone, and when the engine ends; calls that run then are cut short and told that it is closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, TypeVar, cast
from weakref import WeakSet

import trio

from actors.errors import SettingsError
from actors.events import Event
from actors.ring import Ring

from ..conversation import Conversation
from ..groups import unwrapped
from .call import Call, CancelledByHost
from .engine import Engine, EngineElsewhere, EngineEnded, watch_exit
from .feed import Feed

LOOK = 0.5
"""Seconds between two looks whether the host is still there."""

T = TypeVar("T")


class Session:
    """``opened`` is set when the conversation can be used, ``closed`` when nothing of it is left; each has the error.

    ``host_gone`` is asked now and then, on the engine's thread, where a host can be gone without a word.
    """

    def __init__(
        self,
        engine: Engine,
        opening: Callable[[], AbstractAsyncContextManager[Conversation]],
        *,
        host_gone: Callable[[], bool] | None = None,
    ) -> None:
        self.engine = engine
        self.opened: Future[None] = Future()
        self.leaving = False
        self._opening, self._host_gone = opening, host_gone
        self._holding = Call(self._hold)
        self._leave = trio.Event()
        self._conversation: Conversation | None = None
        self._nursery: trio.Nursery | None = None
        self._cut: list[Call[Any]] = []
        self._feeds: WeakSet[Feed] = WeakSet()

    @property
    def closed(self) -> Future[None]:
        return self._holding.outcome

    def open(self) -> None:
        """Begin.  Never raises: ``opened`` and ``closed`` tell how it went."""
        self.closed.add_done_callback(self._settle)
        try:
            self.engine.start(self._holding)
        except EngineEnded as error:
            self.closed.set_exception(error)

    def leave(self) -> None:
        """Have it closed.  Never waits; from any thread, and while memory is being collected."""
        self.leaving = True
        with suppress(EngineEnded):
            self.engine.post(self._leave.set)

    def give_up(self) -> None:
        """Have it closed at once, or not opened any further; otherwise as ``leave``."""
        self.leaving = True
        with suppress(EngineEnded):
            self.engine.post(partial(self._holding.cancel, "the host has given the conversation up"))

    def admit(self) -> None:
        """Raises SettingsError in another process, and RuntimeError where the engine does not ``admit`` a call."""
        if self.engine.is_elsewhere:
            raise SettingsError(str(EngineElsewhere()))
        self.engine.admit()

    def call(self, work: Callable[[Conversation], Awaitable[T]]) -> Call[T]:
        """Have ``work`` done.  Raises SettingsError when the conversation is closed; it may be the outcome as well.
        Otherwise as ``admit``."""

        async def with_conversation() -> T:
            return await work(self._present)

        self._refuse_when_closed()
        call = Call(with_conversation, cut=self._cut_short)
        try:
            self.engine.start(call, lambda: self._nursery)
        except EngineEnded:
            raise closed() from None
        return call

    def cancel(self, call: Call[Any], reason: str, verdict: BaseException | None = None) -> None:
        """End ``call``; its outcome follows.  Never waits."""
        with suppress(EngineEnded):
            self.engine.post(partial(call.cancel, reason, verdict))

    def ask(self, work: Callable[[Conversation], T]) -> T:
        """What ``work``, which takes no time, returns or raises.  Raises SettingsError when it is closed; otherwise as
        ``admit``."""
        self._refuse_when_closed()
        try:
            return self.engine.ask(lambda: work(self._present))
        except EngineEnded:
            raise closed() from None

    def look(self, work: Callable[[Conversation], T]) -> T:
        """As ``ask``, for what can be read of a conversation that is closed as well."""
        if self.closed.done() and self._conversation is not None:
            return work(self._conversation)
        return self.ask(work)

    def feed(self) -> Feed:
        """Events from now on."""

        def watch(conversation: Conversation) -> Feed:
            feed = Feed(cast("Ring[Event]", conversation.events()))
            self._feeds.add(feed)
            return feed

        return self.ask(watch)

    async def _hold(self) -> None:
        try:
            with unwrapped():
                async with self._opening() as self._conversation, trio.open_nursery() as self._nursery:
                    if self._host_gone is not None:
                        self._nursery.start_soon(self._watch_host, self._host_gone)
                    # what has been loaded for this one must not go before it
                    watch_exit(self.engine)
                    self.opened.set_result(None)
                    await self._leave.wait()
                    self._nursery.cancel_scope.cancel("the conversation is closed")
        finally:
            self.leaving = True
            with trio.CancelScope(shield=True):
                for feed in tuple(self._feeds):
                    # its ring is closed, so that this ends with what is in there
                    while self._conversation is not None and await feed.take():
                        pass
            self.engine.release()

    async def _watch_host(self, gone: Callable[[], bool]) -> None:
        while not gone():  # noqa: ASYNC110  a loop that is closed tells nobody
            await trio.sleep(LOOK)
        self._leave.set()

    @property
    def _present(self) -> Conversation:
        if self._conversation is None or self.leaving:
            raise closed()
        return self._conversation

    def _refuse_when_closed(self) -> None:
        self.admit()
        if self.leaving or self.closed.done():
            raise closed()

    def _cut_short(self, call: Call[Any]) -> None:
        self._cut.append(call)
        if self.closed.done():
            self._tell_cut()

    def _settle(self, closed: Future[None]) -> None:
        if not self.opened.done():
            self.opened.set_exception(closed.exception() or CancelledByHost())
        self._tell_cut()

    def _tell_cut(self) -> None:
        """Those that were cut short learn why: because of what broke the conversation, or because it was closed."""
        error = self.closed.exception()
        for call in self._cut:
            if not call.outcome.done():
                broken = error is not None and not isinstance(error, CancelledByHost | EngineEnded)
                call.outcome.set_exception(error if error is not None and broken else closed())
        self._cut.clear()


def closed() -> SettingsError:
    return SettingsError("This conversation is closed; open another.")
