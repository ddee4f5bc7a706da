"""What was handed on of a text so far, whoever made it.  In: stretches of speech.  Out: the same, to who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol, TypeAlias

import trio
from attrs import define, field

from .errors import ProviderError
from .failover import FailoverPolicy
from .machines.board import Board
from .machines.pace import Pace
from .messages import ProviderFailure, Synthesis, WordTime, seconds_of


class Converter(Protocol):
    """Changes the rate of a sound that goes on; at the ``last`` stretch it gives back what it held."""

    def convert(self, pcm: bytes, *, last: bool = False) -> bytes: ...


class FindWords(Protocol):
    """Looks for words in speech."""

    async def __call__(self, pcm: bytes, rate: int, text: str, /) -> Sequence[WordTime] | None:
        """The words of ``text`` that are whole in ``pcm``, which is its beginning; None when that cannot be said.

        Raises ProviderError; who calls sets the deadline.
        """
        ...


Paces: TypeAlias = dict[tuple[str, str | None, float | None], Pace]
"""By engine, voice and speed."""


@define(kw_only=True)
class Outfit:
    """What all texts of a conversation are said with; ``rate`` is that of all sound that is handed on."""

    rate: int
    board: Board
    policy: FailoverPolicy
    convert: Callable[[int, int], Converter] | None
    find_words: FindWords | None
    spoke: Callable[[str], None]
    paces: Paces = field(factory=Paces)


@define(kw_only=True)
class Delivery:
    """One text.  ``at`` is its first character that nobody has said yet, ``seconds`` how much sound was handed on.

    ``timed``: the words so far have times, so that all that follow need them.  ``guessed`` are the words of a part that
    had none; they are told if a later part has times.  ``untold`` are failures since the last stretch, and ``spent``
    the seconds of the budget that went to engines from which nothing came.
    """

    text: str
    voice: str | None
    speed: float | None
    out: trio.MemorySendChannel[Synthesis]
    outfit: Outfit
    at: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)
    timed: bool = field(default=False, init=False)
    guessed: tuple[WordTime, ...] = field(default=(), init=False)
    errors: list[ProviderError] = field(factory=list[ProviderError], init=False)
    untold: list[ProviderFailure] = field(factory=list[ProviderFailure], init=False)
    spent: float = field(default=0.0, init=False)
    _spent_until: float = field(default=-inf, init=False)

    @property
    def left(self) -> float:
        """Seconds of the budget."""
        return self.outfit.policy.budget - self.spent

    def spend(self, since: float, until: float) -> None:
        """Time that went to an engine in vain; what went to two at once counts once."""
        self.spent += max(0.0, until - max(since, self._spent_until))
        self._spent_until = max(self._spent_until, until)

    @property
    def awaited(self) -> bool:
        """Whether somebody is waiting for the next stretch."""
        return self.out.statistics().tasks_waiting_receive > 0

    async def send(self, pcm: bytes, words: tuple[WordTime, ...], provider: str) -> None:
        """``words`` are those of the whole text.  When it is cancelled nothing was sent, and it can be sent again.

        Raises BrokenResourceError when nobody listens any longer.
        """
        if not (pcm or words or self.untold):
            return
        guessed, failures, rate = self.guessed if words else (), tuple(self.untold), self.outfit.rate
        self.outfit.spoke(provider)
        await self.out.send(Synthesis(pcm=pcm, rate=rate, words=(*guessed, *words), engine=provider, failures=failures))
        if words:
            self.timed, self.guessed = True, ()
        del self.untold[: len(failures)]
        self.seconds += seconds_of(pcm, rate)
