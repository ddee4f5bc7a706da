"""What came of a script: frozen values for programs, and the rows of a table for people.  Nothing is printed here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import TypeAlias

import msgspec
from attrs import evolve, field, fields, frozen

from actors.account import SpokenText
from actors.events import Event
from actors.results import Timings, TurnResult

from .expectations import Check
from .recording import Recording


@frozen(kw_only=True)
class StepStarted:
    """Step ``number``, counted from 1, begins; the user will say ``user``, a text or a file's name, if anything."""

    at: float
    number: int
    user: str | None


@frozen(kw_only=True)
class StepReport:
    """How a step went.

    ``said_at`` is when the user began, in seconds from the beginning of the recording, ``said_seconds`` how long they
    spoke.  ``error`` is the sentence of the error that ended the script here; there is no ``result`` then, but
    ``spoken`` and ``interrupted`` tell what a result would have told of the assistant, if a turn had begun.
    """

    number: int
    user: str | None
    said_at: float | None
    said_seconds: float | None
    result: TurnResult | None
    error: str | None
    checks: tuple[Check, ...]
    ok: bool
    spoken: SpokenText | None = None
    interrupted: bool | None = None


Happening: TypeAlias = StepStarted | Event | StepReport
"""All that whoever watches a script may be told, in this order within a step."""


@frozen(kw_only=True)
class Latency:
    """One of ``Timings`` over all turns that had it, in milliseconds; ``p50`` is the median."""

    name: str
    count: int
    p50: float
    max: float


@frozen(kw_only=True)
class ScriptReport:
    """How a script went.

    ``not_run`` counts the steps that were not come to; ``recorded`` is the file with the sound; ``recording`` and
    ``events`` are on the same clock.
    """

    title: str
    path: Path
    ok: bool
    seconds: float
    steps: tuple[StepReport, ...]
    not_run: int
    latencies: tuple[Latency, ...]
    recorded: Path | None
    recording: Recording = field(repr=False)
    events: tuple[Event, ...] = field(repr=False)


_NAMES = {
    "first_sample_ms": "call to first sample at the speaker",
    "endpoint_ms": "end of speech to knowing that it ended",
    "stt_ms": "the recogniser's own time",
    "speech_end_to_transcript_ms": "end of speech to transcript",
    "barge_in_ms": "user's first sound to stopping the assistant",
    "total_ms": "whole turn",
}


def latencies_of(results: Iterable[TurnResult]) -> tuple[Latency, ...]:
    """A summary of each timing that any of ``results`` has."""
    timings = [result.timings for result in results]
    summaries: list[Latency] = []
    for attribute in fields(Timings):
        name = attribute.name
        took: list[float] = [value for each in timings if (value := getattr(each, name)) is not None]
        if took:
            summaries.append(Latency(name=name, count=len(took), p50=round(median(took), 3), max=max(took)))
    return tuple(summaries)


def latency_rows(report: ScriptReport) -> list[tuple[str, str, str, str]]:
    """The table of latencies with its heading: what, how many, median and longest, as text."""
    rows = [("latency", "turns", "median ms", "longest ms")]
    rows += [(_NAMES[each.name], str(each.count), f"{each.p50:.1f}", f"{each.max:.1f}") for each in report.latencies]
    return rows


def as_json(report: ScriptReport) -> dict[str, object]:
    """``report`` as JSON can hold it: all but the sound and the events."""
    silent = evolve(report.recording, user=b"", assistant=b"")
    built: dict[str, object] = msgspec.to_builtins(
        evolve(report, recording=silent, events=()), enc_hook=str, builtin_types=()
    )
    del built["recording"], built["events"]
    return built
