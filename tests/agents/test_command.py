"""A program as an agent, with real processes: lines in, lines out, and what is left of it afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from actors.errors import ProviderUnavailable, SettingsError
from voicemode.agents.command import CommandAgent, running_command

ECHO = """
import sys
for count, line in enumerate(sys.stdin):
    print("You said:", line.strip())
    print("Answer", count, "of", __import__("os").getpid())
    print()
"""


@asynccontextmanager
async def program(folder: Path, code: str, **options: Any) -> AsyncGenerator[CommandAgent]:
    path = folder / "agent with a space.py"
    path.write_text(code)
    async with running_command(f"'{sys.executable}' '{path}'", **options) as agent:
        yield agent


async def answer_of(agent: CommandAgent, transcript: str) -> list[str]:
    async with aclosing(agent(transcript, ())) as words:
        return [text async for text in words]


async def gone(pid: int) -> None:
    """Wait until process ``pid`` has ended; only its parent can have it vanish."""
    with trio.fail_after(5), suppress(psutil.NoSuchProcess):
        while True:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
            await trio.sleep(0.005)


async def test_one_program_answers_every_question_in_lines(tmp_path: Path) -> None:
    async with program(tmp_path, ECHO) as agent:
        first = await answer_of(agent, "How\nare you?")
        second = await answer_of(agent, "And you?")
    pid = int(first[1].split()[-1])
    assert first == ["You said: How are you?\n", f"Answer 0 of {pid}\n"]
    assert second == ["You said: And you?\n", f"Answer 1 of {pid}\n"]
    assert not psutil.pid_exists(pid)


async def test_a_line_is_there_before_the_next_is_written(tmp_path: Path) -> None:
    code = "input(); print('Let me see.'); input(); print('Never.')"
    async with program(tmp_path, code) as agent, aclosing(agent("Well?", ())) as words:
        assert await anext(words) == "Let me see.\n"


async def test_what_is_written_for_an_interrupted_answer_is_not_in_the_next(tmp_path: Path) -> None:
    code = f"""
import pathlib, time
while True:
    question = input()
    print("Begin", question)
    while not pathlib.Path({str(tmp_path / "go")!r}).exists():
        time.sleep(0.001)
    print("End", question)
    print()
"""
    async with program(tmp_path, code) as agent:
        words = agent("first", ())
        assert await anext(words) == "Begin first\n"
        await words.aclose()
        (tmp_path / "go").touch()
        assert await answer_of(agent, "second") == ["Begin second\n", "End second\n"]


async def test_an_answer_may_be_empty(tmp_path: Path) -> None:
    async with program(tmp_path, "while input(): print()") as agent:
        assert await answer_of(agent, "Hm.") == await answer_of(agent, "Hm?") == []


async def test_a_program_that_ends_has_answered_and_is_started_anew(tmp_path: Path) -> None:
    async with program(tmp_path, "print('You said', input())") as agent:
        assert await answer_of(agent, "one") == ["You said one\n"]
        assert await answer_of(agent, "two") == ["You said two\n"]


async def test_a_program_that_ends_after_an_answer_without_reading_on_is_asked_again(tmp_path: Path) -> None:
    code = "import sys; print('You said', input()); print(flush=True); sys.stdin.close(); __import__('time').sleep(0.1)"
    async with program(tmp_path, code) as agent:
        assert await answer_of(agent, "one") == ["You said one\n"]
        assert await answer_of(agent, "two") == ["You said two\n"]


async def test_a_program_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    told: list[str] = []
    code = "import sys; input(); print('Half'); sys.exit('the model is missing')"
    async with program(tmp_path, code, tell=told.append) as agent:
        words = agent("Well?", ())
        assert await anext(words) == "Half\n"
        with pytest.raises(ProviderUnavailable, match=r"ended with status 1: the model is missing"):
            await anext(words)
    assert told == ["the model is missing"]


async def test_a_program_that_is_killed_is_an_error_that_names_the_signal(tmp_path: Path) -> None:
    code = "import os; input(); os.kill(os.getpid(), 9)"
    async with program(tmp_path, code) as agent:
        with pytest.raises(ProviderUnavailable, match="was ended by SIGKILL"):
            await answer_of(agent, "Well?")


async def test_a_program_that_says_nothing_is_given_up_and_started_anew(tmp_path: Path) -> None:
    code = f"""
import pathlib, time
told = pathlib.Path({str(tmp_path / "told")!r})
while True:
    question = input()
    if not told.exists():
        told.touch()
        time.sleep(60)
    print(question)
    print()
"""
    async with program(tmp_path, code, patience=1.0) as agent:
        with pytest.raises(ProviderUnavailable, match="wrote nothing for 1 s"):
            await answer_of(agent, "one")
        assert await answer_of(agent, "two") == ["two\n"]


async def test_who_goes_on_after_the_end_of_an_answer_is_told_once(tmp_path: Path) -> None:
    tell, told = trio.open_memory_channel[str](9)
    code = "import sys\nfor line in sys.stdin: print(line + '\\n\\nMore.\\n\\nStill more.')"
    async with program(tmp_path, code, tell=tell.send_nowait) as agent:
        assert await answer_of(agent, "one") == ["one\n"]
        assert "not spoken" in await told.receive()
    assert told.statistics().current_buffer_used == 0


async def test_a_program_that_stays_when_its_input_ends_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voicemode.agents.command.LEAVE", 0.1)
    code = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
input()
print(os.getpid(), flush=True)
print(flush=True)
while True:
    time.sleep(60)
"""
    async with program(tmp_path, code) as agent:
        (line,) = await answer_of(agent, "Who are you?")
    assert not psutil.pid_exists(int(line))


async def test_a_cancelled_program_is_killed_at_once_and_all_it_started_too(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
input()
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""
    pids: list[int] = []
    with trio.CancelScope() as scope:
        async with program(tmp_path, code) as agent, aclosing(agent("Who are you?", ())) as words:
            pids.extend(map(int, (await anext(words)).split()))
            scope.cancel()
            await trio.sleep_forever()
    program_itself, started = pids
    assert not psutil.pid_exists(program_itself)
    await gone(started)


async def test_ctrl_c_at_the_terminal_is_not_for_the_program(tmp_path: Path) -> None:
    async with program(tmp_path, "import os; input(); print(os.getpgrp())") as agent:
        (group,) = await answer_of(agent, "Which group?")
    assert int(group) != os.getpgrp()


@pytest.mark.parametrize(
    ("command", "reason"),
    [("", "empty"), ("'no", "cannot be read"), ("no-such-program -x", "no program no-such")],
)
async def test_what_is_no_command_is_refused_at_the_door(command: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        async with running_command(command):
            pass


async def test_a_program_that_cannot_be_started_is_refused_at_the_door(tmp_path: Path) -> None:
    path = tmp_path / "agent"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(ProviderUnavailable, match="cannot be started"):
        async with running_command(str(path)):
            pass
