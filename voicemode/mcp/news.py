"""What agents are told once.  In: how turns went.  Out: a line for each thing that has not been told yet.

A model keeps every answer in its context, and a service that is not there is not there in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import define, field

from actors.machines.reasons import cause, in_short

if TYPE_CHECKING:
    from actors.results import TurnResult


@define
class News:
    """``note`` is asked for a line of its own at the first answer; None if there is none."""

    note: Callable[[], str | None] = lambda: None
    _told: dict[tuple[str, str], str] = field(factory=dict[tuple[str, str], str], init=False)
    _noted: bool = field(default=False, init=False)

    def of(self, results: Sequence[TurnResult]) -> list[str]:
        """What failed in ``results``, unless the same was told and the engine has not answered since."""
        lines: list[str] = []
        if not self._noted:
            self._noted = True
            lines += [line for line in [self.note()] if line is not None]
        for result in results:
            for failure in result.failures:
                engine, why = (failure.service, failure.provider), cause(failure.provider, failure.reason)
                if self._told.get(engine) != why:
                    self._told[engine] = why
                    lines.append(f"{failure.provider} failed: {in_short(failure.provider, failure.reason)}")
            for served in (("tts", result.engines.tts), ("stt", result.engines.stt)):
                self._told.pop((served[0], served[1] or ""), None)
        return lines
