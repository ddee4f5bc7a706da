"""Watches over the engines, so that who is gone and who is back is known before anybody has to wait for it.

In: the board, which every call writes to, and a probe for each engine that has one.  Out: what the probes came to, on
the same board, and what has changed, to whoever watches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

import trio
from attrs import field, frozen, validators

from .errors import ProviderError, ProviderUnavailable
from .events import ProviderChanged
from .machines.board import Board, Key
from .machines.record import Call
from .ports import Probe


@frozen(kw_only=True)
class HealthPolicy:
    """``deadline``: seconds after which an engine that says nothing to a probe is down.  Raises ValueError."""

    deadline: float = field(default=1.5, validator=validators.gt(0))


async def watch_providers(
    board: Board,
    probes: Mapping[Key, Probe],
    *,
    publish: Callable[[ProviderChanged], None],
    policy: HealthPolicy,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Probe what is due, side by side, until cancelled, and publish every change of the board, whoever caused it.

    Ready when changes are published; it waits for no probe.  All of ``probes`` are on the board.
    """
    stirred = trio.Event()

    def stir() -> None:
        stirred.set()

    async with trio.open_nursery() as nursery:
        with board.listening(publish, stir):
            task_status.started()
            while True:
                stirred = trio.Event()
                due = board.due(probes, trio.current_time())
                for service, provider in due.now:
                    call = board.probing(service, provider, trio.current_time())
                    nursery.start_soon(_probe, board, call, probes[service, provider], policy.deadline)
                with trio.move_on_at(inf if due.later is None else due.later):
                    await stirred.wait()


async def _probe(board: Board, call: Call, probe: Probe, deadline: float) -> None:
    try:
        with trio.fail_after(deadline):
            await probe.probe()
    except ProviderError as error:
        board.failed(call, trio.current_time(), error)
    except trio.TooSlowError:
        board.failed(call, trio.current_time(), unanswered(call.provider, deadline))
    except BaseException:
        # also a cancel: a call that is never ended would keep a trial from all others
        board.cancelled(call, trio.current_time())
        raise
    else:
        board.answered(call, trio.current_time())
        board.ended(call, trio.current_time())


def unanswered(provider: str, seconds: float) -> ProviderError:
    """The error of a probe's deadline that has passed."""
    return ProviderUnavailable(
        provider,
        f"{provider} did not say within {seconds:g} s whether it is there. Is it running, or has it too much to do?",
        code="timeout",
        retryable=True,
    )
