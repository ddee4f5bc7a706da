"""Several engines that stand in for one another: what listening and speaking have in common.

In: the candidates in their order, and the board.  Out: whom to ask next, and what to say of those that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Generic, TypeVar

import trio
from attrs import field, frozen, validators

from .errors import AllProvidersFailed, ProviderError, ProviderUnavailable
from .events import ProviderChanged
from .machines.board import Board
from .machines.reasons import LEFT_ALONE, in_short
from .messages import Place, ProviderFailure, Service

Engine_co = TypeVar("Engine_co", covariant=True)

DOING = {"stt": "understand this", "tts": "say this"}


@frozen(kw_only=True)
class Candidate(Generic[Engine_co]):
    """An engine that may be asked, by the ``name`` it has on the board.

    ``chosen``: the user named it, so that it may be remote.  ``rank``: neighbours of one rank are equals among which
    the board chooses; None for one that has no equals.  ``voices`` are the only names of voices it is given; None for
    one that takes any name and finds the closest of its voices itself.  ``has_spoken``: whether it has ever said
    anything, as what it has, so that it is there.
    """

    name: str
    engine: Engine_co
    place: Place
    chosen: bool = False
    rank: int | None = None
    voices: Collection[str] | None = None
    has_spoken: Callable[[], bool] = field(default=lambda: False, eq=False)


@frozen(kw_only=True)
class FailoverPolicy:
    """How long engines are waited for, in seconds, and whom to ask.  Raises ValueError.

    ``first_byte``: to the first of an answer.  ``per_second``: longer for each second of an utterance; a recogniser
    that does not hear ten times as fast as people speak is no match for a conversation.  ``between``: from one stretch
    of speech to the next.  ``budget``: for all engines together, and for an utterance its own length more, as the last
    engine may hear no faster than people speak.  Whoever is the last to ask is given what is left of that.

    ``hedge``: ask a second engine as well when the first takes longer than its own 95th percentile to the transcript,
    or to the first sound.  ``allow_remote``: ask remote engines that the user did not choose.
    """

    first_byte: float = field(default=1.5, validator=validators.gt(0))
    between: float = field(default=1.5, validator=validators.gt(0))
    per_second: float = field(default=0.1, validator=validators.ge(0))
    budget: float = field(default=15.0, validator=validators.gt(0))
    hedge: bool = False
    allow_remote: bool = False


def usable(candidates: Iterable[Candidate[Engine_co]], policy: FailoverPolicy) -> list[Candidate[Engine_co]]:
    """Those that may be asked at all."""
    return [each for each in candidates if each.place != "remote" or each.chosen or policy.allow_remote]


def next_of(
    board: Board, service: Service, candidates: Sequence[Candidate[Engine_co]], now: float
) -> Candidate[Engine_co] | None:
    """Whom of ``candidates`` to ask; None when all of them want to be left alone, or there are none."""
    groups = groupby(enumerate(candidates), key=lambda each: (-1 - each[0]) if each[1].rank is None else each[1].rank)
    order = board.order(service, [[each.name for _, each in group] for _, group in groups], now)
    return next((each for name in order for each in candidates if each.name == name), None)


def passed_over(
    board: Board, service: Service, candidates: Sequence[Candidate[Engine_co]], asked: Candidate[Engine_co], now: float
) -> list[ProviderFailure]:
    """Those that would have been asked before ``asked`` and are left alone, because they have failed before;
    ``seconds`` is how long they were waited for then."""
    failures: list[ProviderFailure] = []
    for each in candidates:
        if each is asked or (each.rank is not None and each.rank == asked.rank):
            break
        if not board.allowed(service, each.name, now):
            status = board.status(service, each.name)
            why = in_short(each.name, status.error or "it is being tried")
            reason, waited = f"{each.name} {LEFT_ALONE}{why}.", round(status.waited, 3)
            failures.append(
                ProviderFailure(service=service, provider=each.name, code="down", reason=reason, seconds=waited)
            )
    return failures


def silent(provider: str, seconds: float, *, midway: bool = False) -> ProviderUnavailable:
    """The error of a deadline that has passed."""
    said = f"{provider} said nothing {'more ' if midway else ''}for {seconds:.2g} s."
    return ProviderUnavailable(provider, said, code="timeout", retryable=True)


def failure_of(service: Service, error: ProviderError, provider: str, seconds: float) -> ProviderFailure:
    return ProviderFailure(
        service=service, provider=provider, code=error.code, reason=str(error), seconds=round(seconds, 3)
    )


@contextmanager
def until_down(
    board: Board, service: Service, asked: Candidate[Engine_co], others: Callable[[], bool]
) -> Generator[trio.CancelScope]:
    """What is inside is cancelled when ``asked``, of which nothing has ever been heard, is found to be down meanwhile,
    as a probe of it went unanswered, while there are ``others`` to ask.

    One that has spoken may have no ear for probes while it works.
    """
    provider = asked.name
    unknown = board.status(service, provider).health == "unknown" and not asked.has_spoken()
    with trio.CancelScope() as scope:

        def heed(event: ProviderChanged) -> None:
            status = event.status
            if unknown and (status.service, status.provider, status.health) == (service, provider, "down") and others():
                scope.cancel("it is down")

        with board.listening(heed, lambda: None):
            yield scope


def found_down(board: Board, service: Service, provider: str) -> ProviderUnavailable:
    """The error of one that was given up because it was found to be down."""
    said = board.status(service, provider).error or f"{provider} is down."
    return ProviderUnavailable(provider, said, code="down", retryable=True)


def all_failed(service: Service, failures: Sequence[ProviderError], left: Iterable[str]) -> AllProvidersFailed:
    """The error when nobody did it: ``failures`` of those that were asked, ``left`` those that want to be left alone.

    One engine's failure is told as it is, several in short.
    """
    alone = [ProviderUnavailable(name, f"{name} asked to be left alone.", code="busy", retryable=True) for name in left]
    found = [*failures, *alone]
    if not found:
        found = [
            ProviderUnavailable("none", "No engine may be asked: those there are are remote, which is not allowed.")
        ]
    if len(found) == 1:
        return AllProvidersFailed(str(found[0]), tuple(found))
    named = ", ".join(f"{each.provider} ({in_short(each.provider, str(each))})" for each in found)
    return AllProvidersFailed(f"No engine could {DOING[service]}: {named}.", tuple(found))
