"""Spans and figures in a file, without any other package.  In: turns.  Out: lines in the file of the day.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from attrs import define, field

from ..audio.file_errors import explaining
from ..exchanges.appending import append
from ..exchanges.day_files import TELEMETRY
from ..exchanges.tidying import tidy
from .batch import BILLION, Batch, Ids
from .catalogue import BOUNDS
from .totals import Totals
from .values import Span

EVERY = 60.0
"""Seconds from one line of figures to the next, at the end of a turn; the last is written when it is all over."""


@define
class JsonLines:
    """``days`` and ``megabytes`` are what is kept of all that was saved, see ``tidy``."""

    base: Path
    conversation: str
    days: float = 0.0
    megabytes: float = 0.0
    _tidied: bool = field(default=False, init=False)
    _totals: Totals = field(factory=Totals, init=False)
    _told: float = field(factory=time.monotonic, init=False)
    _untold: bool = field(default=False, init=False)

    def export(self, batch: Batch, ids: Ids) -> None:
        """What is too old is removed before the first.  Raises AudioFileError."""
        if not self._tidied:
            self._tidied = True
            with explaining(self.base, "written"):
                tidy(self.base, days=self.days, megabytes=self.megabytes, now=time.time())
        self._totals.add(batch.measured)
        self._untold = self._untold or bool(batch.measured)
        for span, name in zip(batch.spans, ids.spans, strict=True):
            parent = ids.parent if span.parent is None else ids.spans[span.parent]
            self._append(batch.wall(batch.spans[0].begin), _row(batch, span, ids.trace, name, parent))
        if time.monotonic() - self._told >= EVERY:
            self.close()

    def close(self) -> None:
        """The figures so far, unless they stand there already.  Raises AudioFileError."""
        if self._untold:
            self._told, self._untold = time.monotonic(), False
            now = time.time_ns()
            row = {"conversation": self.conversation, "bounds": BOUNDS, "metrics": self._totals.rows()}
            self._append(now, {"kind": "metrics", "time_ns": now, **row})

    def _append(self, when: int, row: dict[str, Any]) -> None:
        path = TELEMETRY.path(self.base, datetime.fromtimestamp(when / BILLION).astimezone().date())
        with explaining(path, "written"):
            append(path, msgspec.json.encode(row) + b"\n")


def _row(batch: Batch, span: Span, trace: str, name: str, parent: str | None) -> dict[str, Any]:
    return {
        "kind": "span",
        "trace_id": trace,
        "span_id": name,
        "parent_id": parent,
        "name": span.name,
        "start_ns": batch.wall(span.begin),
        "end_ns": batch.wall(span.end),
        "status": "ok" if span.error is None else "error",
        "attributes": {**span.attributes, **({} if span.error is None else {"error.type": span.error})},
    }
