"""Runs every benchmark, each in a process of its own: tables as they come, and all of it as JSON if asked for.

Fails when a benchmark does not run to its end or finds something that no slow machine explains, and never because a
budget is missed: that is for the reader to judge, who knows what else the machine was doing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from report import Report

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
        "devices",
        "listening",
    ),
    *("soak", "providers", "faults", "gateway", "inbox", "outages", "mcp", "mcp_peers", "peers"),
)


PATIENCE = 180
"""Seconds for one that is to be short: longer than the longest on a busy machine, and one that waits for ever ends."""


def result_of(benchmark: str, *, smoke: bool) -> Report | None:
    """None when it did not get as far as a report; what it says about that is on standard error."""
    script = Path(__file__).with_name(f"bench_{benchmark}.py")
    command = [sys.executable, str(script), "--json", *(["--smoke"] if smoke else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=PATIENCE if smoke else None)
    except subprocess.TimeoutExpired:
        print(f"bench_{benchmark} did not end within {PATIENCE} s.", file=sys.stderr)
        return None
    try:
        return msgspec.json.decode(done.stdout, type=Report)
    except msgspec.DecodeError:
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run every benchmark: see docs/benchmarks.md.")
    parser.add_argument("--smoke", action="store_true", help="few repetitions: do they still run?  About two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to FILE as well")
    options = parser.parse_args(arguments)
    reports: list[Report] = []
    failed: list[str] = []
    begun = time.monotonic()
    for benchmark in BENCHMARKS:
        report = result_of(benchmark, smoke=options.smoke)
        if report is None or report.broken:
            failed.append(benchmark)
        if report is not None:
            reports.append(report)
            print(report, end="\n\n", flush=True)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(reports)) + b"\n")
    print(f"{len(BENCHMARKS) - len(failed)} of {len(BENCHMARKS)} in {time.monotonic() - begun:.0f} s")
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
