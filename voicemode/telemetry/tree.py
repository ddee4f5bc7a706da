"""The spans of one turn.  In: what opens and what closes, in any order and at any time.  Out: a tree in which every
span has an end, no child reaches beyond its parent and nothing lasts less than no time.

What is known of a turn comes late: a voice began before the turn that answers it, sound leaves the speaker after it was
given away.  What reaches beyond is cut.
"""

from __future__ import annotations

from attrs import define, field

from .values import Attributes, Span, Value

ROOT = 0
"""The key of the turn's own span."""


@define
class _Open:
    parent: int | None
    name: str
    begin: float
    end: float | None = None
    error: str | None = None
    call: int | None = None
    attributes: dict[str, Value] = field(factory=dict[str, Value])


@define
class Tree:
    name: str
    begin: float
    _spans: list[_Open] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._spans = [_Open(None, self.name, self.begin)]

    def open(
        self,
        name: str,
        at: float,
        *,
        parent: int = ROOT,
        call: int | None = None,
        attributes: Attributes | None = None,
    ) -> int:
        """The new span's key."""
        self._spans.append(_Open(parent, name, at, call=call, attributes=dict(attributes or {})))
        return len(self._spans) - 1

    def note(self, key: int, attributes: Attributes) -> None:
        self._spans[key].attributes.update(attributes)

    def close(self, key: int, at: float, *, error: str | None = None) -> None:
        """One that is closed already stays as it is."""
        span = self._spans[key]
        if span.end is None:
            span.end, span.error = at, error

    def begun(self, key: int) -> float:
        return self._spans[key].begin

    def is_open(self, key: int) -> bool:
        return self._spans[key].end is None

    def finish(self, at: float, *, error: str | None = None) -> tuple[Span, ...]:
        """The turn is over: what is still open ends with it, and is noted to have been ``unfinished``."""
        self.close(ROOT, at, error=error)
        done: list[Span] = []
        for key, span in enumerate(self._spans):
            holder = None if span.parent is None else done[span.parent]
            begin = span.begin if holder is None else min(max(span.begin, holder.begin), holder.end)
            end = span.end
            if end is None:
                span.attributes["voicemode.unfinished"] = True
                end = begin if holder is None else holder.end
            if holder is not None:
                end = min(end, holder.end)
            done.append(
                Span(
                    key=key,
                    parent=span.parent,
                    name=span.name,
                    begin=begin,
                    end=max(begin, end),
                    error=span.error,
                    attributes=span.attributes,
                    call=span.call,
                )
            )
        return tuple(done)
