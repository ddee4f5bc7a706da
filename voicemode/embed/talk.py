"""A talk that a host has asked for.  In: what it told us to call.  Out: what the engine does, which calls the host."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from actors.errors import VoiceError
from actors.messages import Message
from actors.ports import Agent

from ..conversation import Conversation
from ..replies import OnError
from ..sayable import check_agent
from ..turns import Speech
from .errand import HostGone

AgentFunction: TypeAlias = Callable[[str, Sequence[Message]], AsyncGenerator[str, None]]
"""What the engine calls for a host's agent."""


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


def called_like(agent: Callable[..., object], asked: AgentFunction) -> AgentFunction:
    """``asked`` under the name of the host's agent, by which telemetry tells agents apart."""
    check_agent(agent)
    asked.__name__ = getattr(agent, "__name__", type(agent).__name__)
    return asked


class _Status:
    """Implements ``trio.TaskStatus``."""

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun = begun

    def started(self, value: None = None) -> None:  # noqa: ARG002  the protocol's
        self._begun()
