"""Draws what happened in a conversation: its events and the two voices in, an SVG or PNG picture out.

One lane an actor on one axis of seconds, with the states of the dialogue above them, every latency at its place, and a
barge-in across all of them.  matplotlib draws it, which is an extra of its own and loaded only here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from actors.errors import ProviderUnavailable, SettingsError
from actors.events import Event

from .audio.file_errors import explaining
from .timeline_story import Story
from .timeline_track import Track as Track

FORMATS = {".svg": "svg", ".png": "png"}
INCHES_PER_SECOND = 0.8
NARROWEST, WIDEST = 12.0, 40.0
"""Inches of the whole picture, whatever the length of the conversation."""

DPI = 120


def check_timeline(path: Path) -> None:
    """See before a conversation whether it can be drawn to ``path``.

    Raises SettingsError when its name ends in neither .svg nor .png, and ProviderUnavailable without matplotlib.
    """
    if path.suffix.lower() not in FORMATS:
        raise SettingsError(f"{path} does not say how to draw the timeline: end its name in .svg or .png.")
    # what it says while it looks for fonts is of no use to who talks
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import_module("matplotlib.figure")
    except ImportError as error:
        raise ProviderUnavailable(
            "matplotlib", "Drawing a timeline needs matplotlib: pip install matplotlib (the extra voicemode[plots])"
        ) from error


def draw_timeline(
    path: Path,
    events: Sequence[Event],
    *,
    user: Track | None = None,
    assistant: Track | None = None,
    title: str = "",
) -> None:
    """Draw ``events`` and the voices of ``user`` and ``assistant`` to ``path``.  Blocks, about a second.

    The same conversation gives the same file, byte for byte.  Raises as ``check_timeline`` does, AudioFileError when
    ``path`` cannot be written, and ValueError when there are no events.
    """
    check_timeline(path)
    from matplotlib import rc_context  # pyright: ignore[reportUnknownVariableType] - its stubs leave PathLike open

    from .timeline_lanes import draw_lanes
    from .timeline_sheet import LEFT, RIGHT, Sheet, printable

    story = Story.of(events)
    tracks = [track for track in (user, assistant) if track is not None]
    begin = min(story.begin, *(track.start for track in tracks)) if tracks else story.begin
    story.end = max(story.end, *(track.end for track in tracks), begin + 1.0)
    width = min(max(INCHES_PER_SECOND * (story.end - begin) + LEFT + RIGHT, NARROWEST), WIDEST) - LEFT - RIGHT
    with rc_context({"svg.hashsalt": "voicemode", "svg.fonttype": "path", "text.hinting": "no_hinting"}):
        sheet = Sheet(begin=begin, end=story.end, width=width)
        draw_lanes(sheet, story, user, assistant)
        figure = sheet.finish(printable(title))
        kind = FORMATS[path.suffix.lower()]
        with explaining(path, "written"):
            figure.savefig(path, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else {"Software": None})
