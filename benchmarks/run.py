"""Runs every benchmark, each in a process of its own: tables as they come, then Markdown, JSON and pictures.

Fails when a benchmark does not run to its end or finds something that no slow machine explains, and never because a
budget is missed: that is for the reader to judge, who knows what else the machine was doing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import msgspec
from command_line import positive
from environments import HOW, absent
from report import Report, markdown
from summary import in_short

BENCHMARKS = (
    *(
        "turn",
        "turn_taking",
        "drafts",
        "stop",
        "barge_in",
        "interruptions",
        "heard",
        "echo",
        "room",
        "vad",
        "session",
        "sessions",
        "devices",
        "listening",
        "embed",
    ),
    *(
        "soak",
        "soak_live",
        "telemetry",
        "providers",
        "faults",
        "gateway",
        "inbox",
        "outages",
        "mcp",
        "mcp_peers",
        "peers",
    ),
)

BUILD = Path(__file__).parent.parent / "build"
FULL, SHORT = BUILD / "bench", BUILD / "bench-smoke"

PATIENCE = 300
"""Seconds for one that is to be short: longer than the longest on a busy machine, and one that waits for ever ends."""


BESIDE = {"turn_taking": ("pipecat", "whisper"), "mcp_peers": ("voice-mode",), "peers": ("livekit", "pipecat")}
"""What of ``environments.py`` each has beside ours."""

SHORTER = {"peers": ("--only", "turns", "interruptions", "hopping")}
"""What is left of one with ``--smoke`` that is long even so; ``make peers-smoke`` runs all of it."""


def result_of(benchmark: str, *, smoke: bool) -> Report | None:
    """None when it did not get as far as a report; what it says about that is on standard error."""
    script = Path(__file__).with_name(f"bench_{benchmark}.py")
    command = [sys.executable, str(script), "--json", *(["--smoke", *SHORTER.get(benchmark, ())] if smoke else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=PATIENCE if smoke else None)
    except subprocess.TimeoutExpired:
        print(f"bench_{benchmark} did not end within {PATIENCE} s.", file=sys.stderr)
        return None
    try:
        return msgspec.json.decode(done.stdout, type=Report)
    except msgspec.DecodeError:
        return None


def kept(folder: Path, benchmark: str) -> Report | None:
    """What was found last time; None when nothing was, or something that is not understood any more."""
    try:
        return msgspec.json.decode((folder / f"{benchmark}.json").read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None


def write(folder: Path, unfinished: Sequence[str] = ()) -> list[Path]:
    """Put all that is in ``folder`` into a report: report.md, report.json, and pictures where matplotlib is there.

    ``unfinished`` did not get as far as a report this time.
    """
    reports: list[Report] = []
    text: list[str] = []
    pictures: list[Path] = []
    for benchmark in BENCHMARKS:
        if (report := kept(folder, benchmark)) is None:
            continue
        reports.append(report)
        text.append(markdown(report))
        if find_spec("matplotlib") is not None:
            from pictures import draw

            drawn = draw(report, folder)
            text += [f"![{benchmark}]({file.name})" for file in drawn]
            pictures += drawn
        when = datetime.fromtimestamp((folder / f"{benchmark}.json").stat().st_mtime).astimezone()
        text.append(f"{when:%Y-%m-%d %H:%M}, {report.machine}")
    head = ("# Benchmarks", "What each measures, and how: docs/benchmarks.md.", in_short(reports, unfinished))
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(reports)) + b"\n")
    (folder / "report.md").write_text("\n\n".join([*head, *text]) + "\n", encoding="utf-8")
    return [folder / "report.md", folder / "report.json", *pictures]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run every benchmark: see docs/benchmarks.md.")
    parser.add_argument("--smoke", action="store_true", help="few repetitions: do they still run?  Some six minutes")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=BENCHMARKS, help="run these alone")
    parser.add_argument("--resume", action="store_true", help="leave out those that have a result already")
    parser.add_argument(
        "--at-once", type=positive(int), default=1, metavar="N", help="run N side by side, to see that they run"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found to FILE as well")
    options = parser.parse_args(arguments)
    folder = SHORT if options.smoke else FULL
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in BENCHMARKS if each in (options.only or BENCHMARKS)]
    if options.resume:
        wanted = [each for each in wanted if kept(folder, each) is None]
    if there_is_no := absent(sorted({name for each in wanted for name in BESIDE.get(each, ())})):
        names = " ".join(there_is_no)
        print(f"Not set up, and left out: {', '.join(there_is_no)}.  To have them: {HOW} {names}", file=sys.stderr)
    reports: list[Report] = []
    failed: list[str] = []
    unfinished: list[str] = []
    begun = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as several:
        found = several.map(partial(result_of, smoke=options.smoke), wanted)
        for benchmark, report in zip(wanted, found, strict=True):
            if report is None or report.broken:
                failed.append(benchmark)
            if report is None:
                unfinished.append(benchmark)
            else:
                reports.append(report)
                (folder / f"{benchmark}.json").write_bytes(msgspec.json.encode(report))
                print(report, end="\n\n", flush=True)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(reports)) + b"\n")
    written = write(folder, unfinished)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} in {time.monotonic() - begun:.0f} s")
    print(f"Written: {written[0]}, {written[1].name} and {len(written) - 2} pictures.")
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
