"""What the checks have in common: what is promised and whether it holds in, a sentence about it out."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import trio

from actors.errors import VoiceError
from actors.given import called

from ..door import misfit, misrate
from ..groups import unwrapped

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that anything may take; nothing is measured here, but who never answers is told so."""

BLOCKED = 0.1
"""Seconds of work after which others must have had their turn several times."""

CANCELS = (0.0, 0.005, 0.05, 0.2)
"""Seconds after which what was asked is not wanted any longer."""


class BrokenPromise(AssertionError):
    """What was brought does not do what its port promises; the message says what."""


def promised(holds: object, sentence: str) -> None:
    """Raises BrokenPromise with ``sentence`` unless it holds."""
    if not holds:
        raise BrokenPromise(sentence)


def promised_kind(value: object, kind: type, what: str) -> None:
    """Raises BrokenPromise unless ``what`` is of that kind."""
    promised(isinstance(value, kind), f"{what} is {called(value)}, not a {kind.__name__}.")


def promised_port(port: str, brought: object) -> None:
    """Raises BrokenPromise for what cannot be a ``port``, as ``voicemode.door`` has them."""
    wrong = misfit(port, brought)
    if wrong is not None:
        raise BrokenPromise(wrong)


def promised_rate(rate: object, who: str) -> None:
    """Raises BrokenPromise for what cannot be a rate in Hz of ``who``."""
    wrong = misrate(rate, who)
    if wrong is not None:
        raise BrokenPromise(wrong)


@contextmanager
def in_time(what: str, seconds: float = PATIENCE) -> Generator[None]:
    """Raises BrokenPromise when ``what`` takes longer than ``seconds``, or raises anything else."""
    try:
        with unwrapped(), trio.move_on_after(seconds) as scope:
            yield
    except BrokenPromise:
        raise
    except VoiceError as error:
        raise BrokenPromise(f"{what} failed: {error} ({type(error).__name__})") from error
    except Exception as error:
        raise BrokenPromise(
            f"{what} raised {type(error).__name__}: {str(error).rstrip('.')}. That ends a conversation: what may fail "
            "raises a ProviderError or a DeviceError, and the rest is to be mended."
        ) from error
    if scope.cancelled_caught:
        raise BrokenPromise(f"{what} was not over after {seconds:g} s.")


@asynccontextmanager
async def others_have_their_turn(what: str) -> AsyncGenerator[None]:
    """Raises BrokenPromise when ``what`` keeps Trio's loop to itself."""
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.sleep(0.002)

    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(another)
            began = time.perf_counter()
            yield
            took = time.perf_counter() - began
            nursery.cancel_scope.cancel()
    promised(
        took < BLOCKED or turns > 3,
        f"{what} kept everybody else waiting for {took:.2f} s: what computes belongs into trio.to_thread.run_sync.",
    )


async def both(first: Callable[[], Awaitable[T]]) -> tuple[T, T]:
    """What two of it that run side by side come to."""
    results: list[T] = []

    async def one() -> None:
        results.append(await first())

    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(one)
    return results[0], results[1]
