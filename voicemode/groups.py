"""Exceptions on their way out of a nursery: users see the one error that happened, not the group round it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@contextmanager
def unwrapped() -> Iterator[None]:
    """Let a group that holds a single error out as that error; groups of several, or with a cancellation, stay."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        if len(leaves) != 1 or isinstance(leaves[0], trio.Cancelled):
            raise
        raise leaves[0] from leaves[0].__cause__
