"""A talk that a host has asked for.  In: what it told us to call.  Out: what the engine does, which calls the host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from actors.errors import VoiceError
from actors.ports import Agent

from ..conversation import Conversation
from ..replies import OnError
from ..turns import Speech
from .errand import HostGone


class Post(Protocol):
    def __call__(self, job: Callable[[], None], /) -> None:
        """Have ``job`` done where the host's code runs, and return at once.  Raises HostGone."""
        ...


def talking(
    agent: Agent,
    *,
    greeting: Speech | None,
    on_error: OnError | None,
    started: Callable[[], object] | None,
    post: Post,
    fail: Callable[[BaseException], None],
) -> Callable[[Conversation], Awaitable[None]]:
    """``on_error`` and ``started`` are called in the host, in order; ``fail`` is told what they raise."""

    def tell(job: Callable[[], object]) -> None:
        def run() -> None:
            try:
                job()
            except Exception as error:  # noqa: BLE001  it comes out of the talk
                fail(error)

        try:
            post(run)
        except HostGone as error:
            fail(error)

    def report(error: VoiceError) -> None:
        if on_error is not None:
            tell(partial(on_error, error))

    def begun() -> None:
        if started is not None:
            tell(started)

    return lambda conversation: conversation.talk(
        agent, greeting=greeting, on_error=None if on_error is None else report, task_status=_Status(begun)
    )


class _Status:
    """Implements ``trio.TaskStatus``."""

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun = begun

    def started(self, value: None = None) -> None:  # noqa: ARG002  the protocol's
        self._begun()
