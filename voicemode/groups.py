"""Exceptions on their way out of a nursery: users see the one error that happened, not the group round it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import cast

import trio

from actors.errors import VoiceError


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(cast("BaseExceptionGroup[BaseException]", error))
        else:
            yield error


@contextmanager
def unwrapped() -> Generator[None]:
    """Let a group that holds a single error out as that error, and several that are for people as one for people.

    An error for people that happened while everything was being cancelled goes before the cancellation, as it does
    without a group.  Groups that hold nothing else than cancellations, several bugs, or both, stay.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        errors = [leaf for leaf in leaves if not isinstance(leaf, trio.Cancelled)]
        if len(errors) > 1 and all(isinstance(error, VoiceError) for error in errors):
            raise VoiceError(" ".join(map(str, errors))) from group
        if len(errors) != 1 or (len(leaves) > 1 and not isinstance(errors[0], VoiceError)):
            raise
        raise errors[0] from errors[0].__cause__
