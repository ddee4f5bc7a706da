"""A script for people.  In: what happens in it, and its report.  Out: lines while it runs, a table, and a verdict."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from actors.events import Event

from ..script import Happening, ScriptReport, StepReport, StepStarted, latency_rows
from .output import printable


async def told(happenings: AsyncIterable[Happening]) -> AsyncGenerator[Event | Text]:
    """The events among ``happenings``, and a line for each expectation that did not hold."""
    async for happening in happenings:
        if isinstance(happening, StepReport):
            for complaint in _complaints(happening):
                yield Text(printable(complaint), "red")
        elif not isinstance(happening, StepStarted):
            yield happening


def _complaints(step: StepReport) -> Iterator[str]:
    if step.error is not None:
        yield f"step {step.number} failed: {step.error}"
    for check in step.checks:
        if not check.held:
            yield f"step {step.number}: {check.what} should be {check.expected!r} and is {check.got!r}"


def latency_table(report: ScriptReport) -> Table:
    """How long things took, over all turns."""
    heading, *rows = latency_rows(report)
    table = Table(*heading, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    return table


def verdict(report: ScriptReport) -> str:
    """One sentence that says whether it went as expected, and what did not."""
    steps = len(report.steps) + report.not_run
    wrong = ", ".join(str(step.number) for step in report.steps if not step.ok)
    if not wrong and report.not_run:
        return f"{printable(report.path)} was stopped after {len(report.steps)} of {steps} steps, as expected so far."
    if not wrong:
        return f"All {steps} steps of {printable(report.path)} went as expected, in {report.seconds:.1f} s."
    unseen = f", and {report.not_run} more were not come to" if report.not_run else ""
    why = next((f": {printable(step.error)}" for step in report.steps if step.error is not None), ".")
    return f"{printable(report.path)} did not go as expected in step {wrong} of {steps}{unseen}{why}"
