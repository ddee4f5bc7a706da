"""The paper a timeline is drawn on: lanes, bars, waveforms and labels in, a matplotlib figure out.

Everything is measured in inches, from the left and from the top of the drawing, and times become inches in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from .timeline_text import Label, pack

FONTS: Final = Path(get_data_path()) / "fonts" / "ttf"
"""Those that come with matplotlib, so that a picture is the same everywhere."""

PLAIN, BOLD = FONTS / "DejaVuSans.ttf", FONTS / "DejaVuSans-Bold.ttf"

INK, NOTE, FAINT, GRID = "#1f2933", "#6b7785", "#b3bcc6", "#e9edf1"
SIZE = 8.0
LINE, INDENT = 0.155, 0.03
LEFT, RIGHT, TOP, BOTTOM = 1.7, 0.35, 0.5, 0.45
PAD = 0.09
COLUMNS = 120
"""Steps of a waveform in an inch."""


class Sheet:
    """Lanes are added from the top down; ``finish`` cuts the paper below the last."""

    def __init__(self, *, begin: float, end: float, width: float) -> None:
        self.begin, self.end, self.width = begin, end, width
        self.figure = Figure(facecolor="white")
        self.axes: Axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set_axis_off()
        self.y = self._top = 0.0

    def x(self, at: float) -> float:
        return (at - self.begin) / (self.end - self.begin) * self.width

    def lane(self, name: str, caption: str, colour: str) -> None:
        """Begin a lane below what is there, with a name and what it shows."""
        self.rule()
        self._top = self.y
        self.mark(-LEFT + 0.12, self.y + 0.1, 0.05, 0.3, colour)
        self.write(-LEFT + 0.25, self.y + 0.22, name, INK, size=9.0, bold=True)
        self.write(-LEFT + 0.25, self.y + 0.38, caption, NOTE, size=6.5)
        self.y += PAD

    def end_lane(self) -> None:
        self.y = max(self.y + PAD, self._top + 0.48)

    def rule(self) -> None:
        self.axes.plot([-LEFT + 0.12, self.width], [self.y, self.y], color=FAINT, lw=0.6, clip_on=False, zorder=0.6)

    def bar(self, begin: float, end: float, height: float, colour: str, *, alpha: float = 1.0) -> None:
        """A bar at the present height over the time from ``begin`` to ``end``; it is never too short to be seen."""
        left = self.x(begin)
        self.mark(left, self.y, max(self.x(end) - left, 0.025), height, colour, alpha=alpha)

    def mark(self, x: float, y: float, width: float, height: float, colour: str, *, alpha: float = 1.0) -> None:
        box = Rectangle((x, y), width, height, fc=colour, ec="none", alpha=alpha, clip_on=False)
        self.axes.add_patch(box).set_zorder(2)

    def waveform(self, pcm: bytes, rate: int, start: float, height: float, colour: str) -> None:
        """``pcm`` from ``start`` on, as tall as its loudest sample."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float64)
        middle = self.y + height / 2
        self.axes.plot([0, self.width], [middle, middle], color=colour, alpha=0.35, lw=0.5, zorder=1.5)
        seconds = len(samples) / rate
        columns = max(2, round(seconds / (self.end - self.begin) * self.width * COLUMNS))
        edges = np.linspace(0, len(samples), columns, endpoint=False).astype(np.int64)
        if len(samples) >= columns:
            loudest = max(np.abs(samples).max(), 1000.0)
            top = np.maximum.reduceat(samples, edges) / loudest * height / 2
            bottom = np.minimum.reduceat(samples, edges) / loudest * height / 2
            x = self.x(start) + edges / len(samples) * (self.x(start + seconds) - self.x(start))
            # silence is the line that is there already
            drawn = top - bottom > height / 500
            self.axes.fill_between(
                x, middle - top, middle - bottom, where=drawn, fc=colour, ec=colour, lw=0.3, zorder=2
            )

    def area(self, times: NDArray[np.float64], values: NDArray[np.float64], height: float, colour: str) -> None:
        """``values`` from 0 to 1 over ``times``, with gaps where they are not numbers."""
        bottom = self.y + height
        x = np.array([self.x(at) for at in times.tolist()])
        top = bottom - height * np.clip(values, 0.0, 1.0)
        self.axes.fill_between(x, top, bottom, where=~np.isnan(values), fc=colour, ec="none", alpha=0.3, zorder=1.6)

    def curve(self, times: NDArray[np.float64], values: NDArray[np.float64], height: float, colour: str) -> None:
        x = [self.x(at) for at in times.tolist()]
        self.axes.plot(x, self.y + height - height * np.clip(values, 0.0, 1.0), color=colour, lw=0.7, zorder=2.2)

    def arrow(self, begin: float, end: float, down: float, colour: str) -> None:
        """A measured distance in time: a thin line with an end at both sides, ``down`` from the present height."""
        left, right, y = self.x(begin), self.x(end), self.y + down
        self.axes.plot([left, right], [y, y], color=colour, lw=0.8, zorder=3)
        for x in (left, right):
            self.axes.plot([x, x], [y - 0.035, y + 0.035], color=colour, lw=0.8, zorder=3)

    def labels(self, labels: Sequence[Label]) -> None:
        """Words below what is drawn at the present height, which moves down by as much as they take."""
        lines, rows = pack(labels, inches, self.width + RIGHT / 2)
        for line in lines:
            self.write(line.x + INDENT, self.y + line.row * LINE + 0.125, line.text, line.colour, clear=True)
        self.y += rows * LINE

    def write(
        self,
        x: float,
        y: float,
        text: str,
        colour: str,
        *,
        size: float = SIZE,
        bold: bool = False,
        ha: str = "left",
        clear: bool = False,
    ) -> None:
        """``text`` on its baseline ``y``; ``clear`` dims what is drawn behind it."""
        self.axes.text(
            x,
            y,
            text,
            color=colour,
            fontproperties=FontProperties(fname=str(BOLD if bold else PLAIN), size=size),
            ha=ha,
            va="baseline",
            parse_math=False,
            clip_on=False,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6} if clear else None,
            zorder=4,
        )

    def line(self, at: float, colour: str, style: str) -> None:
        """Across all lanes drawn so far."""
        self.axes.plot([self.x(at)] * 2, [0.0, self.y], color=colour, lw=0.9, ls=style, zorder=1)

    def finish(self, title: str) -> Figure:
        """Write the title and the seconds, draw the grid and cut the paper to size."""
        self.rule()
        step = self._step()
        for index in range(int((self.end - self.begin) / step + 1e-6) + 1):
            x = self.x(self.begin + index * step)
            self.axes.plot([x, x], [0, self.y], color=GRID, lw=0.8, zorder=0.5)
            self.write(x, self.y + 0.2, f"{index * step:g} s", NOTE, ha="center")
        self.write(-LEFT + 0.12, -0.19, title, INK, size=12, bold=True)
        width, height = LEFT + self.width + RIGHT, TOP + self.y + BOTTOM
        self.figure.set_size_inches(width, height)
        self.axes.set_xlim(-LEFT, self.width + RIGHT)
        self.axes.set_ylim(self.y + BOTTOM, -TOP)
        return self.figure

    def _step(self) -> float:
        """Seconds between two lines of the grid, at least 0.8 in apart."""
        seconds = 0.8 / self.width * (self.end - self.begin)
        return next((step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0) if step >= seconds), 300.0)


_POINTS = 72
_FINE = 64
"""Text is measured at so many times its size, where fitting it to pixels does not matter."""

_ruler = FT2Font(str(PLAIN))
_ruler.set_size(SIZE, _POINTS * _FINE)
_signs = frozenset(_ruler.get_charmap())


def printable(text: str) -> str:
    """``text`` with an empty box for every sign the font does not have."""
    return "".join(sign if sign.isspace() or ord(sign) in _signs else "□" for sign in text)


@cache
def inches(text: str) -> float:
    """How wide ``text`` is in a label."""
    _ruler.set_text(text)
    width, _ = _ruler.get_width_height()
    return float(width) / (64 * _POINTS * _FINE)
