"""Curves of false cut-offs against delay.  In: results.  Out: a picture, and the same as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .contest import FIXED, Result, fixed_delay_at


def draw(results: Sequence[Result], files: Sequence[Path], title: str) -> None:
    """Raises ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, result in enumerate(results):
        scores = list(result.scores.values())
        bare = result.contestant.name == FIXED
        line = axes.plot(
            [score.p50 for score in scores],
            [score.cuts for score in scores],
            color="black" if bare else f"C{number - 1}",
            linestyle="-" if bare else "--" if result.contestant.seconds is not None else "-",
            linewidth=2.0 if bare else 1.2,
            label=result.contestant.name,
        )[0]
        for place in result.contestant.at:
            score = result.scores[place]
            axes.errorbar(
                score.p50,
                score.cuts,
                yerr=[[score.cuts - score.low], [score.high - score.cuts]],
                color=line.get_color(),
                marker="o",
                capsize=3,
                alpha=0.8,
            )
            if bare:
                axes.annotate(f"{place:g} s", (score.p50, score.cuts), xytext=(5, 5), textcoords="offset points")
    axes.set_xlabel("end of speech → decision, median of the turns that were not cut off (s)")
    axes.set_ylabel("speakers cut off, of 100 turns")
    axes.set_xlim(0, 2)
    axes.set_ylim(0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    axes.set_title(title, fontsize="medium")
    for file in files:
        figure.savefig(file, dpi=120)


def table(results: Sequence[Result]) -> str:
    """In Markdown; the last column is the median delay against that of a fixed pause that cuts off no more."""
    fixed = next(result for result in results if result.contestant.name == FIXED)
    head = (
        "policy",
        "cut off, of 100",
        "95 %",
        "delay p50",
        "p90",
        "p95",
        "transcript p50",
        "wasted drafts",
        "of fixed",
    )
    rows = []
    for result in results:
        for name, score in result.named:
            same = fixed_delay_at(fixed, score.cuts)
            rows.append(
                (
                    name,
                    f"{score.cuts:.0f}",
                    f"{score.low:.0f}–{score.high:.0f}",
                    *(f"{seconds:.2f} s" for seconds in (score.p50, score.p90, score.p95, score.transcript)),
                    f"{score.wasted:.1f}",
                    "–" if same is None else f"{100 * score.p50 / same:.0f} %",
                )
            )
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
