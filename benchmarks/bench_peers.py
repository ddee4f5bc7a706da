"""The same work here and on pipecat and livekit-agents: the same engines, voices and clock, by turns, side by side.

Each side is a process in its own environment that is given jobs.  What is compared is seen at its ends: when its agent
is called, and what sound leaves a device that plays in real time.  voice-mode has no library and no interruptions; the
contest with it is ``bench_mcp_peers``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve
from command_line import command_line
from environments import BUILD, HOW
from peers.bouts import BROKEN, CLEAN_UPS, DEFAULT, EQUAL, PAUSED, SESSIONS, SILENT, Bouts
from peers.crew import FOLDER, SIDES
from peers.kept import Part, keep, kept, page, told
from peers.standings import table
from report import Findings, carry_out

PAGE, SMOKE_PAGE = BUILD / "peers.md", BUILD / "peers-smoke.md"
RAW, SMOKE_RAW = FOLDER / "found", FOLDER / "found-smoke"


def turns(bouts: Bouts, short: bool) -> None:
    bouts.turns(EQUAL, *((1, 1) if short else (2, 4)))
    bouts.turns(DEFAULT, *((1, 1) if short else (2, 3)))


def interruptions(bouts: Bouts, short: bool) -> None:
    if short:
        bouts.interruptions(EQUAL, 0.0, 1, 1)
        bouts.interruptions(EQUAL, max(CLEAN_UPS), 1, 1)
        return
    for clean_up in CLEAN_UPS:
        bouts.interruptions(EQUAL, clean_up, 1, 3 if clean_up else 6)
    bouts.interruptions(EQUAL, 0.0, 1, 3, timed=False)
    for clean_up in (0.0, max(CLEAN_UPS)):
        bouts.interruptions(DEFAULT, clean_up, 1, 3)


def recogniser(bouts: Bouts, short: bool) -> None:
    if short:
        bouts.deaf(BROKEN, 1, 1, 6.0)
        return
    bouts.deaf(BROKEN, 1, 2, 6.0)
    bouts.deaf(SILENT, 1, 1, 22.0)
    for side in bouts.sides:
        if side.name == "livekit":
            bouts.deaf_by_utterances(side)


def listening(bouts: Bouts, short: bool) -> None:
    if short:
        bouts.listening(1, SESSIONS[:2], 2.0)
    else:
        bouts.listening(1)


PARTS: dict[str, Callable[[Bouts, bool], None]] = {
    "starting": lambda bouts, short: bouts.starting(1 if short else 5),
    "turns": turns,
    "interruptions": interruptions,
    "pauses": lambda bouts, short: bouts.pauses(1, PAUSED[:1] if short else PAUSED),
    "recogniser": recogniser,
    "voice": lambda bouts, _: bouts.mute(1),
    "blocked": lambda bouts, _: bouts.blocked(1),
    "listening": listening,
    "hopping": lambda bouts, short: bouts.hopping(*((1, 500) if short else (3, 2_000))),
}


def measure(short: bool, only: Sequence[str]) -> Findings:
    sides = [side for side in SIDES if side.python is not None]
    absent = [side.environment for side in SIDES if side.environment is not None and side not in sides]
    raw, file = (SMOKE_RAW, SMOKE_PAGE) if short else (RAW, PAGE)
    bouts = Bouts(sides)
    try:
        for part in only:
            print(f"peers: {part} …", file=sys.stderr, flush=True)
            take(part, bouts, short, raw)
            write(file, raw, short)
    finally:
        bouts.close()
    names = [side.name for side in sides]
    there = table([*bouts.lines.values()], names, [side.name for side in sides if side.environment], smoke=short)
    return Findings(
        figures=tuple(each for line in bouts.lines.values() for each in line.figures()),
        notes=(
            *bouts.notes,
            *(f"{name}: {many} words too many, {few} too few." for name, (many, few) in bouts.wrong.items()),
            *told(bouts.versions),
            f"With what was measured of the other parts before: {BUILD.name}/{file.name}.",
        ),
        table=evolve(there, below=(*there.below, *(f"Without {name}: {HOW} {name}" for name in absent))),
    )


def take(part: str, bouts: Bouts, short: bool, raw: Path) -> None:
    """Measure and keep one part."""
    lines, notes = len(bouts.lines), len(bouts.notes)
    PARTS[part](bouts, short)
    found = Part(
        name=part,
        when=datetime.now(UTC),
        sides=tuple(side.name for side in bouts.sides),
        lines=tuple(bouts.lines.values())[lines:],
        notes=tuple(bouts.notes[notes:]),
        versions=dict(bouts.versions),
    )
    keep(found, raw)


def write(file: Path, raw: Path, short: bool) -> None:
    """The page, of all parts that were ever measured here."""
    names = [side.name for side in SIDES]
    text = page(kept(raw, [*PARTS]), names, [side.name for side in SIDES if side.environment], smoke=short)
    file.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_line("peers")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*PARTS],
        default=[*PARTS],
        help="these parts alone; those measured before stay in the page",
    )
    options = parser.parse_args(arguments)
    return carry_out("peers", lambda short: measure(short, [part for part in PARTS if part in options.only]), options)


if __name__ == "__main__":
    sys.exit(main())
