"""``voicemode conch``: how the floor stands, and what the user changes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.machines.floor import FloorState, Participant, Place
from tests.cli.conftest import Run
from voicemode.floor.store import Store
from voicemode.locks.lock_file import LockFile


class Agents:
    """Calls of agents, which speak and wait for as long as the test lasts."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory)
        self.locks: list[LockFile] = []

    def wait(self, session: str) -> None:
        def waits(state: FloorState, now: float) -> tuple[FloorState, LockFile]:
            who = Participant(session_id=session, agent="claude", project_path="/work", pid=7)
            return state.ask(Place(session, who, now)), self.store.lock(session)

        self.locks.append(self.store.change(waits))

    def speak(self, session: str, hold: float = 0.0) -> None:
        self.wait(session)
        self.store.change(lambda state, now: (state.speak(session, now), None))
        if hold:
            self.store.change(lambda state, now: (state.finish(session, now, hold), None))

    def queue(self) -> list[str]:
        return [place.ticket for place in self.store.look().queue]


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Agents]:
    agents = Agents(tmp_path / "base")
    yield agents
    for lock in agents.locks:
        lock.release()


def test_status_where_nobody_has_ever_spoken(run: Run, tmp_path: Path) -> None:
    assert run("conch", "status").out == "nobody speaks\n"
    assert run("conch", "status", "--json").json == {"holder": None, "queue": [], "grant": None}
    assert not (tmp_path / "base").exists()


def test_status_is_who_speaks_and_who_waits_in_order(run: Run, agents: Agents) -> None:
    agents.speak("s1")
    agents.wait("s2")
    agents.wait("s3")
    ran = run("conch", "status")
    assert re.sub(r"\d+ s\b", "N s", ran.out) == (
        "claude in /work (session s1) has been speaking for N s\n"
        "1. claude in /work (session s2) has waited for N s\n"
        "2. claude in /work (session s3) has waited for N s\n"
    )
    said = run("conch", "status", "--json").json
    assert (said["holder"]["session_id"], said["holder"]["held"], said["holder"]["pid"]) == ("s1", False, 7)
    assert [(each["position"], each["session_id"]) for each in said["queue"]] == [(1, "s2"), (2, "s3")]


def test_who_is_given_the_voice_is_shown_until_it_takes_it(run: Run, agents: Agents) -> None:
    agents.speak("s1", hold=600)
    assert re.fullmatch(
        r"claude in /work \(session s1\) holds the voice for another \d+ s\n", run("conch", "status").out
    )
    ran = run("conch", "give", "s9")
    assert ran.code == 0
    assert ran.out.startswith(
        "s9 does not wait at the moment and has 30 s to come once nobody speaks; until then nobody"
    )
    assert re.fullmatch(
        r"nobody speaks\nnext is session s9, to whom it was given, for \d+ s\n", run("conch", "status").out
    )
    assert run("conch", "status", "--json").json["grant"]["session_id"] == "s9"
    agents.wait("s2")
    assert run("conch", "give", "s2").out == ""


def test_who_is_bumped_is_the_head_of_the_queue(run: Run, agents: Agents) -> None:
    agents.speak("s1")
    agents.wait("s2")
    agents.wait("s3")
    ran = run("conch", "bump", "s3")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert agents.queue() == ["s3", "s2"]
    ran = run("conch", "bump", "s4")
    assert ran.code == 1
    assert ran.complaint == "voicemode: Session s4 does not wait for the voice; who does: s3, s2."


def test_release_ends_a_hold_and_cuts_nobody_off(run: Run, agents: Agents) -> None:
    assert run("conch", "release").out == "nobody holds the voice\n"
    agents.speak("s1", hold=600)
    ran = run("conch", "release")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert run("conch", "status").out == "nobody speaks\n"
    agents.speak("s2")
    ran = run("conch", "release")
    assert ran.code == 1
    assert "is not cut off by this: interrupt it where it speaks, or end its process 7." in ran.complaint


@pytest.mark.parametrize("args", [["give"], ["bump"], ["dance"], ["give", "s1", "s2"], ["release", "s1"]])
def test_what_is_no_command_is_bad_usage(run: Run, args: list[str]) -> None:
    ran = run("conch", *args)
    assert ran.code == 2
    assert ran.complaint


def test_alone_it_says_what_there_is(run: Run) -> None:
    assert "bump" in run("conch").out
