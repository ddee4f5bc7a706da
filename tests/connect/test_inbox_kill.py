"""Writers that are really killed, and many at once: no file is torn, nothing acknowledged is lost or doubled.

A process without threads forks the writers: benchmarks/inbox_trials.py, with which bench_inbox does the same for long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.connect.agents import Machine

ROOT = Path(__file__).parents[2]

WRITES = """
import sys
from pathlib import Path
from voicemode.connect.inbox_lines import Line
from voicemode.connect.messaging import put
from voicemode.connect.team_inbox import Entry

base, teams, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
sys.stdin.readline()
for identifier in [*(f"all-{n}" for n in range(5)), *(f"{number}-{n}" for n in range(10))]:
    line = Line(id=identifier, sender="a", text="Hello.", timestamp="t", source="connect")
    put(base, teams, "cora", line, Entry(id=identifier, sender="a", text="Hello.", summary="", timestamp="t"))
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.thorough
def test_killed_at_random_moments_they_leave_every_acknowledged_message_once() -> None:
    script = ROOT / "benchmarks" / "inbox_trials.py"
    ran = subprocess.run(
        [sys.executable, str(script), "60"], env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    outcome = json.loads(ran.stdout)
    assert outcome["trials"] == 60
    assert outcome["acknowledged"] > 0
    assert (outcome["torn"], outcome["lost"], outcome["doubled"]) == (0, 0, 0)


def test_several_processes_that_write_at_once_write_each_message_once(machine: Machine) -> None:
    machine.user("cora")
    machine.team("work")
    machine.subscribe("cora", "work")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITES, machine.base, machine.teams, str(number)],
            stdin=subprocess.PIPE,
            env=environment(),
        )
        for number in range(4)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0] * 4
    expected = {*(f"all-{n}" for n in range(5)), *(f"{number}-{n}" for number in range(4) for n in range(10))}
    for found in (machine.lines("cora"), machine.entries("work")):
        assert Counter(each["id"] for each in found) == dict.fromkeys(expected, 1)
