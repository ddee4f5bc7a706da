"""What a benchmark found: measured values in, a table of percentiles or JSON out, with the machine it was found on."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import quantiles
from typing import Literal, Protocol

import msgspec
from attrs import frozen
from command_line import command_line
from tables import Table, escaped, markdown_of

HEAD = ("", "n", "p50", "p95", "p99", "max", "unit", "budget")

FAR_OFF = 10
"""How many times its budget a median may be before the benchmark fails: slow machines pass, broken code does not."""


@frozen(kw_only=True)
class Spread:
    """How ``count`` measured values lie; between two of them a percentile is interpolated."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float


def spread_of(values: Iterable[float]) -> Spread:
    """Raises ValueError when there are no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    cuts = quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else ordered * 99
    return Spread(count=len(ordered), p50=cuts[49], p95=cuts[94], p99=cuts[98], max=ordered[-1])


@frozen(kw_only=True)
class Budget:
    """What ``statistic`` may be ``at_most``.  What is ``exact`` is kept on the slowest machine."""

    at_most: float
    statistic: Literal["p50", "p95", "p99", "max"] = "max"
    exact: bool = False


@frozen(kw_only=True)
class Figure:
    what: str
    unit: str
    spread: Spread
    budget: Budget | None = None

    @property
    def held(self) -> bool | None:
        """Whether the budget is kept; None without one."""
        return None if self.budget is None else getattr(self.spread, self.budget.statistic) <= self.budget.at_most

    @property
    def broken(self) -> bool:
        """Whether this is beyond what a slow or busy machine explains."""
        if self.budget is None or self.held:
            return False
        return self.budget.exact or self.spread.p50 > FAR_OFF * self.budget.at_most


def figure(what: str, unit: str, values: Iterable[float], budget: Budget | None = None) -> Figure:
    """The figure for ``values``, one or many."""
    return Figure(what=what, unit=unit, spread=spread_of(values), budget=budget)


@frozen(kw_only=True)
class Machine:
    """Where it was measured.

    ``load`` is the operating system's average of the last minute, ``late`` by how many milliseconds a plain sleep of
    10 ms ends too late here and now: what no program can do anything about, and the busier the machine the more.
    """

    cores: int
    cpu: str
    system: str
    python: str
    packages: dict[str, str]
    load: float | None
    late: Spread

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        load = "" if self.load is None else f"load {self.load:.1f}, "
        return (
            f"{self.cores} cores of {self.cpu}, {self.system}, Python {self.python}, {packages}; before: {load}"
            f"a sleep of 10 ms ends p50 {number(self.late.p50)}, p99 {number(self.late.p99)} ms late"
        )


def this_machine() -> Machine:
    packages: dict[str, str] = {}
    for name in ("voicemode", "trio", "numpy", "onnxruntime"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "absent"
    return Machine(
        cores=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        cpu=_cpu(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages=packages,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        late=spread_of(_late() for _ in range(100)),
    )


def _late() -> float:
    begun = time.perf_counter()
    time.sleep(0.01)
    return 1000 * (time.perf_counter() - begun - 0.01)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@frozen(kw_only=True)
class Curve:
    """How something went: ``points`` are (how much of ``along``, how much of ``what``), drawn by ``pictures.py``.

    Curves of the same ``picture`` share what is ``along``; ``at_most`` is where a line is drawn.
    """

    picture: str
    what: str
    unit: str
    along: str
    points: tuple[tuple[float, float], ...]
    at_most: float | None = None


@frozen(kw_only=True)
class Findings:
    """What a benchmark's ``measure`` returns; ``notes`` are lines for the reader.

    A ``table`` has all sides of a contest, whose ``figures`` are of one side each.
    """

    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    table: Table | None = None


@frozen(kw_only=True)
class Report:
    benchmark: str
    smoke: bool
    machine: Machine
    findings: Findings

    @property
    def broken(self) -> list[str]:
        return [each.what for each in self.findings.figures if each.broken]

    def __str__(self) -> str:
        """For a terminal.  A table of all sides stands instead of the figures, and is the last that one reads."""
        table = self.findings.table
        return "\n".join(
            [
                f"{self.benchmark}{' (smoke: few repetitions, read no percentiles into it)' if self.smoke else ''}",
                *(_in_columns(self.findings.figures) if table is None else ()),
                *self.findings.notes,
                str(self.machine),
                *(() if table is None else ("", str(table))),
            ]
        )


def _in_columns(figures: Sequence[Figure]) -> list[str]:
    rows = [HEAD, *map(_row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_cells(row, widths)).rstrip() for row in rows]


class Named(Protocol):
    @property
    def what(self) -> str: ...


def full_names(figures: Iterable[Named]) -> list[str]:
    """What each is called where it does not stand in its table: an indented one belongs to the last that is not."""
    names: list[str] = []
    above = ""
    for each in figures:
        if not each.what.startswith(" "):
            above = each.what.partition(":")[0]
            names.append(each.what)
        else:
            names.append(f"{above}: {each.what.strip()}")
    return names


def markdown(report: Report) -> str:
    """As a section with a table and the notes."""
    figures, sides = report.findings.figures, report.findings.table
    rows = [(name, *_row(each)[1:]) for name, each in zip(full_names(figures), figures, strict=True)]
    lines = [HEAD, ("---", *["---:"] * 5, "---", "---"), *rows]
    table = "\n".join(f"| {' | '.join(escaped(cell) for cell in line)} |" for line in lines)
    short = "Few repetitions: read no percentiles into it." if report.smoke else ""
    beside = () if sides is None else (markdown_of(sides), "Each side by itself:")
    return "\n\n".join(
        part for part in (f"## {report.benchmark}", short, *beside, table, *report.findings.notes) if part
    )


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if column in {0, 6, 7} else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _row(each: Figure) -> tuple[str, ...]:
    spread, budget = each.spread, each.budget
    many = spread.count > 1
    allowed = ""
    if budget is not None:
        allowed = f"{budget.statistic + ' ' if many else ''}{budget.at_most:g} {'held' if each.held else 'MISSED'}"
    return (
        each.what,
        str(spread.count),
        number(spread.p50),
        *(number(value) if many else "" for value in (spread.p95, spread.p99, spread.max)),
        each.unit,
        allowed,
    )


def number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"


def run(benchmark: str, measure: Callable[[bool], Findings], arguments: Sequence[str] | None = None) -> int:
    """``carry_out`` for a benchmark without options of its own."""
    return carry_out(benchmark, measure, command_line(benchmark).parse_args(arguments))


def carry_out(benchmark: str, measure: Callable[[bool], Findings], options: argparse.Namespace) -> int:
    """Do what the command line says: measure, print, and return the exit status, 1 when something is broken."""
    machine = this_machine()
    report = Report(benchmark=benchmark, smoke=options.smoke, machine=machine, findings=measure(options.smoke))
    print(msgspec.json.encode(report).decode() if options.json else report)
    for what in report.broken:
        print(f"{benchmark}: {what} is far beyond its budget", file=sys.stderr)
    return bool(report.broken)
