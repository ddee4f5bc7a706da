"""Two engines on one part of a text.  In: who says it, and who else might.  Out: what came of whoever had sound first.

Nothing is handed on of either before it is known who that is, so two voices are never mixed.
"""

from __future__ import annotations

from math import inf

import trio
from attrs import define, field, frozen

from .errors import ProviderError
from .failover import Candidate
from .failover_part import Part
from .failover_roster import Roster
from .machines.remedy import remedy_for
from .ports import TextToSpeech


@frozen
class Outcome:
    """``error`` is None when the text was said to its end, or nobody listens any longer."""

    asked: Candidate[TextToSpeech]
    attempt: int
    error: ProviderError | None


@define(eq=False)
class _Lane:
    part: Part
    attempt: int
    """How often its engine has been asked for this."""
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    over: bool = False
    error: ProviderError | None = None


@define
class Race:
    """One part of a text, said by one engine; or, with hedging, asked of two when the first is later than usual."""

    _roster: Roster
    _lanes: list[_Lane] = field(factory=list[_Lane], init=False)
    _first: _Lane | None = field(default=None, init=False)
    """Who had sound before the other, or needs none."""
    _failed: _Lane | None = field(default=None, init=False)
    """Who failed last."""
    _settled: trio.Event = field(factory=trio.Event, init=False)

    async def run(self, part: Part, attempt: int) -> Outcome:
        """``attempt`` counts how often the engine of ``part`` has been asked for this."""
        outfit = part.delivery.outfit
        late = outfit.board.patience("tts", part.asked.name, inf) if outfit.policy.hedge else inf
        if late == inf:
            return Outcome(part.asked, attempt, await part.say())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._say, self._lane(part, attempt))
            with trio.move_on_after(late):
                await self._settled.wait()
            other = None if self._settled.is_set() else self._roster.next()
            if other is not None:
                nursery.start_soon(self._say, self._lane(other, 1))
        lane = self._first or self._failed
        if lane is None:
            raise RuntimeError("a race that nobody ended")
        return Outcome(lane.part.asked, lane.attempt, lane.error)

    def _lane(self, part: Part, attempt: int) -> _Lane:
        lane = _Lane(part, attempt)
        part.may_sound = lambda: self._is_first(lane)
        self._lanes.append(lane)
        return lane

    async def _say(self, lane: _Lane) -> None:
        with lane.scope:
            lane.error = await lane.part.say()
            lane.over = True
        if not lane.over:
            return
        self._settled.set()
        if lane.error is None or remedy_for(lane.error, lane.attempt) == "stop":
            self._is_first(lane)
        else:
            self._failed = lane

    def _is_first(self, lane: _Lane) -> bool:
        """The other one is stopped then, which says nothing against it."""
        if self._first is None:
            self._first = lane
            self._settled.set()
            for each in self._lanes:
                if each is not lane and not each.over:
                    each.scope.cancel("another engine was first")
                    self._roster.spare(each.part.asked)
        return self._first is lane
