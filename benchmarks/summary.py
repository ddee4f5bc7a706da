"""What is in all reports, in short: reports in, the head of report.md out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from report import Figure, Report, full_names, number
from tables import listed


def in_short(reports: Sequence[Report], unfinished: Sequence[str]) -> str:
    """What failed, which budgets were missed, and where we lose; ``unfinished`` did not get as far as a report."""
    there = {report.benchmark for report in reports}
    lines = [
        f"**Did not reach its end**: {name}{'; what is below was found before' if name in there else ''}"
        for name in unfinished
    ]
    broken, missed = [*_missed(reports, broken=True)], [*_missed(reports, broken=False)]
    lines += ["**Fails**:", *broken] if broken else []
    if not lines:
        lines = ["Nothing failed."]
    few = ", with few repetitions" if any(report.smoke for report in reports) else ""
    lines += (
        [f"**Budgets missed**{few}:", *missed]
        if missed
        else ["No other budget was missed." if broken else "No budget was missed."]
    )
    for report in reports:
        if report.findings.table is not None:
            lines += [f"{_link(report)}, side by side:", *(f"  {line}" for line in report.findings.table.below)]
    return f"## In short\n\n{listed(lines)}"


def _missed(reports: Sequence[Report], *, broken: bool) -> Iterator[str]:
    for report in reports:
        figures = report.findings.figures
        for name, each in zip(full_names(figures), figures, strict=True):
            if each.held is False and each.broken is broken:
                yield f"  {_link(report)}: {name}: {_by(each)}"


def _by(each: Figure) -> str:
    assert each.budget is not None
    which = f"{each.budget.statistic} " if each.spread.count > 1 else ""
    unit = f" {each.unit}" if each.unit else ""
    return f"{which}{number(getattr(each.spread, each.budget.statistic))}{unit}, at most {each.budget.at_most:g}"


def _link(report: Report) -> str:
    """To its section, as GitHub and others name it."""
    return f"[{report.benchmark}](#{report.benchmark})"
