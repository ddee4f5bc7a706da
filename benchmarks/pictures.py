"""Pictures of what benchmarks found.  In: reports.  Out: PNG files of budgets and what was measured, and of curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from report import Curve, Figure, Report, full_names

WIDTH, LINE, LANE = 9.0, 0.32, 1.5
"""Inches: of a picture, of one bar, of one curve."""

LEAST = 1e-3
"""The smallest share of a budget that is drawn."""

HELD, MISSED, RANGE = "C0", "C3", "0.75"


def draw(report: Report, folder: Path) -> list[Path]:
    """The pictures of ``report``, none where there is nothing to draw.  Raises ImportError without matplotlib."""
    files: list[Path] = []
    figures = report.findings.figures
    with_budgets = [
        (name, each)
        for name, each in zip(full_names(figures), figures, strict=True)
        if each.budget is not None and each.budget.at_most > 0
    ]
    if with_budgets:
        files.append(folder / f"{report.benchmark}-budgets.png")
        _draw_budgets(with_budgets, report.benchmark, files[-1])
    names = dict.fromkeys(curve.picture for curve in report.findings.curves)
    for name in names:
        files.append(folder / f"{name}-curves.png")
        _draw_curves([curve for curve in report.findings.curves if curve.picture == name], name, files[-1])
    return files


def _draw_budgets(figures: Sequence[tuple[str, Figure]], title: str, file: Path) -> None:
    """A bar for each, from its p50 to its p99 as shares of what is allowed; the dot is what the budget is about."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Paper

    paper = Paper(figsize=(WIDTH, 1.2 + LINE * len(figures)), layout="constrained")
    FigureCanvasAgg(paper)
    axes = paper.add_subplot()
    for row, (_, each) in enumerate(figures):
        if each.budget is None:
            continue
        allowed, spread = each.budget.at_most, each.spread
        low, high = (max(LEAST, value / allowed) for value in (spread.p50, spread.p99))
        counted = max(LEAST, getattr(spread, each.budget.statistic) / allowed)
        axes.plot([low, high], [row, row], color=RANGE, linewidth=6, solid_capstyle="butt")
        axes.plot([counted], [row], "o", color=HELD if each.held else MISSED)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(figures)), [_label(name, each) for name, each in figures], fontsize="x-small")
    axes.set_ylim(len(figures) - 0.5, -0.5)
    axes.set_xlabel("of what is allowed: p50 to p99, and the one that counts")
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(title, fontsize="medium")
    paper.savefig(file, dpi=110)


def _label(name: str, each: Figure) -> str:
    allowed = "" if each.budget is None else f" ≤ {each.budget.at_most:g} {each.unit}".rstrip()
    return f"{name},{allowed}"


def _draw_curves(curves: Sequence[Curve], title: str, file: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Paper

    paper = Paper(figsize=(WIDTH, 0.8 + LANE * len(curves)), layout="constrained")
    FigureCanvasAgg(paper)
    lanes = paper.subplots(len(curves), sharex=True, squeeze=False)
    for curve, axes in zip(curves, lanes[:, 0], strict=True):
        few = len(curve.points) < 30
        axes.plot(*zip(*curve.points, strict=True), marker="o" if few else None, markersize=4, linewidth=1.2)
        if curve.at_most is not None:
            axes.axhline(curve.at_most, color="black", linewidth=0.8, linestyle="--")
        axes.set_title(f"{curve.what}, {curve.unit}".rstrip(", "), fontsize="small", loc="left")
        axes.grid(alpha=0.3)
        axes.margins(y=0.2)
    lanes[-1, 0].set_xlabel(curves[0].along)
    paper.suptitle(title, fontsize="medium")
    paper.savefig(file, dpi=110)
