"""What each part of the contest of frameworks found last, in files: one part may be measured again without the others.

In: the lines of a part.  Out: a page with all parts that there are, whenever they were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from attrs import frozen
from tables import listed, markdown_of

from .standings import Line, table


@frozen(kw_only=True)
class Part:
    """``sides`` are those that took part; ``versions`` by side and package."""

    name: str
    when: datetime
    sides: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    versions: dict[str, dict[str, str]]


def keep(part: Part, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(part)) + b"\n")


def kept(folder: Path, names: Sequence[str]) -> list[Part]:
    """Those of ``names`` that there are, in their order; what is not understood any more is left out."""
    parts: list[Part] = []
    for name in names:
        try:
            parts.append(msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Part))
        except (OSError, msgspec.DecodeError):
            continue
    return parts


def page(parts: Sequence[Part], sides: Sequence[str], peers: Sequence[str], *, smoke: bool) -> str:
    """As Markdown; of ``sides`` and ``peers`` those that took part in anything."""
    present = {side for part in parts for side in part.sides}
    there = table(
        [line for part in parts for line in part.lines],
        [side for side in sides if side in present],
        [peer for peer in peers if peer in present],
        smoke=smoke,
    )
    notes = [note for part in parts for note in (*part.notes, *told(part.versions))]
    measured = [f"Measured {part.when.astimezone():%Y-%m-%d %H:%M}: {part.name}." for part in parts]
    return f"{markdown_of(there)}\n\nOf what, and when:\n\n{listed([*dict.fromkeys(notes), *measured])}\n"


def told(versions: dict[str, dict[str, str]]) -> list[str]:
    return [
        f"{name}: {', '.join(f'{package} {number}' for package, number in found.items())}"
        for name, found in versions.items()
    ]
