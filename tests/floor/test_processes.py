"""The floor between processes: one speaks at a time, and who is killed, stopped or forked is waited for by nobody."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import trio

from actors.errors import FloorBusy
from tests.floor.conftest import OFTEN, ROOT, WANTS, Make, Start, files, queued, sessions

TURNS, SPEAKERS = 12, 3

CONTENDS = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
import trio
from voicemode.floor import Floor, Participant

async def main(directory, session):
    floor = Floor(Path(directory), who=Participant(session_id=session), check_interval={OFTEN})
    inside, log = Path(directory, "inside"), Path(directory, "log")
    for turn in range({TURNS}):
        async with floor.speaking(None, hold=0.02 if turn % 2 else False):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            with log.open("a") as file:
                file.write(session + "\\n")
            await trio.sleep(0)
            inside.unlink()

trio.run(main, *sys.argv[1:])
"""

DIES = f"""
import fcntl, itertools, sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
import trio
from voicemode.floor import Floor, Participant

async def main(directory, session):
    floor = Floor(Path(directory), who=Participant(session_id=session), check_interval={OFTEN})
    with Path(directory, "inside").open("a") as inside:
        for turn in itertools.count():
            async with floor.speaking(None, hold=0.005 * (turn % 2)):
                fcntl.flock(inside, fcntl.LOCK_EX | fcntl.LOCK_NB)
                print("speaks", flush=True)
                fcntl.flock(inside, fcntl.LOCK_UN)

trio.run(main, *sys.argv[1:])
"""

FORKS = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
import trio
from voicemode.floor import Floor, Participant

async def main(directory):
    async with Floor(Path(directory), who=Participant(session_id="forks")).speaking():
        if os.fork() == 0:
            print("forked", flush=True)
            sys.stdin.read()
            os._exit(0)
        sys.stdin.read()

trio.run(main, sys.argv[1])
"""


def test_of_many_that_contend_never_two_speak_at_once(start: Start, directory: Path) -> None:
    directory.mkdir()
    processes = [start(CONTENDS, directory, f"session-{number}") for number in range(SPEAKERS)]
    assert [each.process.wait() for each in processes] == [0] * SPEAKERS
    spoke = (directory / "log").read_text().split()
    assert sorted(spoke) == sorted(f"session-{number}" for number in range(SPEAKERS) for _ in range(TURNS))


@pytest.mark.parametrize("hold", [0.0, 600.0])
async def test_a_killed_holder_frees_the_floor(start: Start, floor_of: Make, directory: Path, hold: float) -> None:
    process = start(WANTS, directory, "other", hold)
    assert process.says() == "speaks"
    if hold:
        process.tell()
        assert process.says() == "spoke"
    floor = floor_of("ada")
    with pytest.raises(FloorBusy, match="session other") as raised:
        async with floor.speaking():
            pytest.fail("another process has the floor")
    assert raised.value.pid == process.process.pid
    process.kill()
    async with floor.speaking():
        assert (await floor.status()).queue == ()
    assert files(directory) == ["conch.d/guard"]


async def test_who_waits_gets_the_floor_of_a_killed_holder(start: Start, floor_of: Make, directory: Path) -> None:
    process = start(WANTS, directory, "other", 0)
    assert process.says() == "speaks"
    floor = floor_of("ada")

    async def kill() -> None:
        await queued(floor, "ada")
        process.kill()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill)
        async with floor.speaking(None):
            pass


async def test_a_killed_waiter_is_waited_for_by_nobody(start: Start, floor_of: Make, directory: Path) -> None:
    ada, bob = floor_of("ada"), floor_of("bob")
    async with ada.speaking():
        process = start(WANTS, directory, "other", 0)
        await queued(ada, "other")
        process.kill()
        assert sessions(await ada.status()) == []
    async with bob.speaking():
        pass
    assert files(directory) == ["conch.d/guard"]


async def test_processes_are_served_in_the_order_in_which_they_came(
    start: Start, floor_of: Make, directory: Path
) -> None:
    ada = floor_of("ada")
    async with ada.speaking():
        first = start(WANTS, directory, "first", 0)
        await queued(ada, "first")
        second = start(WANTS, directory, "second", 0)
        await queued(ada, "first", "second")
    assert first.says() == "speaks"
    state = await ada.status()
    assert state.speaking is not None
    assert (state.speaking.who.session_id, sessions(state)) == ("first", ["second"])
    first.tell()
    assert second.says() == "speaks"


async def test_killed_at_any_moment_they_never_speak_two_at_once_and_leave_the_floor_free(
    start: Start, floor_of: Make, directory: Path
) -> None:
    await floor_of("ada").leave()
    processes = [start(DIES, directory, f"session-{number}") for number in range(4)]
    for turns, process in enumerate(processes, 5):
        for _ in range(turns):
            assert process.says() == "speaks"
        assert [each.process.poll() for each in processes[turns - 5 :]] == [None] * (len(processes) - turns + 5)
        process.kill()
    async with floor_of("ada").speaking():
        pass
    assert [name for name in files(directory) if not name.endswith(".new")] == ["conch.d/guard", "inside"]


async def test_a_stopped_process_is_passed_over_and_served_when_it_goes_on(
    start: Start, floor_of: Make, directory: Path
) -> None:
    seconds = [1e9]

    def clock() -> float:
        seconds[0] += 1
        return seconds[0]

    ada, bob = floor_of("ada", clock=clock), floor_of("bob", clock=clock)
    async with ada.speaking():
        process = start(WANTS, directory, "stopped", 0)
        await queued(ada, "stopped")
        await ada.leave("nobody")  # this was alone at the files, so nobody is stopped there
        process.process.send_signal(signal.SIGSTOP)
        process.until_stopped()
    async with bob.speaking(None):
        process.process.send_signal(signal.SIGCONT)
    assert process.says() == "speaks"


async def test_a_fork_does_not_keep_what_its_parent_had(start: Start, floor_of: Make, directory: Path) -> None:
    process = start(FORKS, directory)
    assert process.says() == "forked"
    process.kill()
    async with floor_of("ada").speaking():
        pass
