"""The same work here and on pipecat and livekit-agents: the same engines, voices and clock, by turns, side by side.

Each side is a process in its own environment that is given jobs.  What is compared is seen at its ends: when its agent
is called, and what sound leaves a device that plays in real time.  voice-mode has no library and no interruptions; the
contest with it is ``bench_mcp_peers``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from environments import BUILD, HOW
from peers.bouts import BROKEN, CLEAN_UPS, DEFAULT, EQUAL, SILENT, Bouts
from peers.crew import SIDES
from peers.standings import table
from report import Findings, run

KEPT = BUILD / "peers.md"


def turns(bouts: Bouts) -> None:
    bouts.turns(EQUAL, 2, 4)
    bouts.turns(DEFAULT, 2, 3)


def interruptions(bouts: Bouts) -> None:
    for clean_up in CLEAN_UPS:
        bouts.interruptions(EQUAL, clean_up, 1, 3 if clean_up else 6)
    bouts.interruptions(EQUAL, 0.0, 1, 3, timed=False)
    for clean_up in (0.0, max(CLEAN_UPS)):
        bouts.interruptions(DEFAULT, clean_up, 1, 3)


def recogniser(bouts: Bouts) -> None:
    bouts.deaf(BROKEN, 1, 2, 6.0)
    bouts.deaf(SILENT, 1, 1, 22.0)
    for side in bouts.sides:
        if side.name == "livekit":
            bouts.deaf_by_utterances(side)


PARTS: dict[str, Callable[[Bouts], None]] = {
    "starting": lambda bouts: bouts.starting(5),
    "turns": turns,
    "interruptions": interruptions,
    "pauses": lambda bouts: bouts.pauses(1),
    "recogniser": recogniser,
    "voice": lambda bouts: bouts.mute(1),
    "blocked": lambda bouts: bouts.blocked(1),
    "listening": lambda bouts: bouts.listening(1),
    "hopping": lambda bouts: bouts.hopping(3, 2_000),
}


def smoke(bouts: Bouts) -> None:
    bouts.turns(EQUAL, 1, 1)
    bouts.interruptions(EQUAL, 0.0, 1, 1)
    bouts.hopping(1, 500)


def measure(short: bool, only: list[str]) -> Findings:
    sides = [side for side in SIDES if side.python is not None]
    absent = [side for side in SIDES if side.python is None]
    bouts = Bouts(sides)
    try:
        if short:
            smoke(bouts)
        else:
            for part in only:
                PARTS[part](bouts)
                keep(bouts)
    finally:
        bouts.close()
    return Findings(
        figures=tuple(each for line in bouts.lines.values() for each in line.figures()),
        notes=(
            *bouts.notes,
            *(f"{name}: {many} words too many, {few} too few." for name, (many, few) in bouts.wrong.items()),
            *versions_of(bouts),
            *(() if short else (f"Side by side in {BUILD.name}/{KEPT.name}.",)),
            *(f"Without {side.name}: {HOW} {side.environment}" for side in absent),
        ),
    )


def versions_of(bouts: Bouts) -> list[str]:
    return [
        f"{name}: {', '.join(f'{package} {number}' for package, number in found.items())}"
        for name, found in bouts.versions.items()
    ]


def keep(bouts: Bouts) -> None:
    BUILD.mkdir(exist_ok=True)
    sides = [side.name for side in bouts.sides]
    peers = [side.name for side in bouts.sides if side.environment is not None]
    notes = [f"* {each}" for each in (*bouts.notes, *versions_of(bouts))]
    KEPT.write_text(table([*bouts.lines.values()], sides, peers) + "\n" + "\n".join(notes) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS])
    options, rest = parser.parse_known_args(arguments)
    return run("peers", lambda short: measure(short, options.only), rest)


if __name__ == "__main__":
    sys.exit(main())
