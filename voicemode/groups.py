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

    Groups with a cancellation or with several bugs stay.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        if all(isinstance(leaf, VoiceError) for leaf in leaves) and len(leaves) > 1:
            raise VoiceError(" ".join(str(leaf) for leaf in leaves)) from group
        if len(leaves) != 1 or isinstance(leaves[0], trio.Cancelled):
            raise
        raise leaves[0] from leaves[0].__cause__
