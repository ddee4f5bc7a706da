"""``voicemode talk``: whole talks with real engines, at a terminal and without one, and how they end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import Run
from .terminal import Terminal

SAID = "has never been surpassed"
NUMBERS = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."

AGENT = f"""
import sys
for line in sys.stdin:
    print("You said it.")
    print("{NUMBERS}")
    print()
"""

pytestmark = pytest.mark.realtime


@pytest.fixture
def mic(audio: Path) -> list[str]:
    phrases = ["--phrase", SAID, "--phrase", "tell me about the first printed book"]
    return ["--mic", f"file:{audio / 'lj001-0008.wav'}", "--speaker", "null:", *phrases]


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    (tmp_path / "agent.py").write_text(AGENT)
    return ["--agent-command", f"'{sys.executable}' agent.py"]


@contextmanager
def talking(*args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "voicemode", "talk", *args]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def at_terminal(tmp_path: Path, *args: str) -> Terminal:
    return Terminal([sys.executable, "-m", "voicemode", "talk", *args], tmp_path)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ([], "Nobody to talk with is named"),
        (["--llm-url", "http://localhost:1/v1", "--agent", "a:b"], "More than one agent"),
        (["--agent", "a:b", "--llm-model", "m"], "--llm-model and --system go with --llm-url"),
        (["--agent", "no_such_module:answer"], "There is no module no_such_module"),
        (["--agent-command", "no-such-program"], "There is no program no-such-program"),
        (["--llm-url", "localhost"], "begins with http"),
        (["--agent", "json:dumps", "--greeting", "..."], "nothing that can be spoken"),
    ],
)
def test_who_cannot_be_talked_with_is_bad_usage(run: Run, mic: list[str], args: list[str], reason: str) -> None:
    ran = run("talk", *args, *mic)
    assert ran.code == 2
    assert reason in ran.complaint


def test_an_endpoint_that_is_not_there_is_told_before_anybody_speaks(run: Run, mic: list[str]) -> None:
    ran = run("talk", "--llm-url", "http://127.0.0.1:9/v1", *mic)
    assert ran.code == 1
    assert "http://127.0.0.1:9/v1 cannot be reached" in ran.complaint


def test_on_a_pipe_there_is_a_line_for_all_that_is_said(mic: list[str], program: list[str]) -> None:
    with talking(*program, *mic) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert first == f"user: {SAID}\n"
    answer, turns, medians = out.splitlines()
    assert answer.startswith("assistant: ")
    assert "[not heard: " in answer
    assert turns == "2 turns, 0 interruptions"
    assert "end of speech → transcript" in medians
    assert (process.returncode, err) == (130, "")
    assert "\x1b" not in out


def test_with_json_there_is_an_object_for_all_and_what_fails_is_not_the_end(mic: list[str], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "async def answer(said, history):\n    print('thinking')\n    yield 'All right.'\n    raise KeyError('oops')\n"
    )
    with talking("--agent", "broken:answer", *mic, "--json") as process:
        assert process.stdout is not None
        seen = []
        while not seen or seen[-1]["event"] != "assistant":
            seen.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    seen.extend(json.loads(line) for line in out.splitlines())
    assert (process.returncode, err) == (143, "thinking\n")
    assert seen[0] == {"event": "open", "device": "microphone"}
    assert {"event": "user", "turn": 1, "text": SAID} in seen
    assert {"event": "assistant", "turn": 2, "text": "All right.", "heard": "All right.", "complete": True} in seen
    (error,) = (line for line in seen if line["event"] == "error")
    assert error["type"] == "AgentFailed"
    assert error["message"] == "The agent broken:answer raised KeyError: 'oops' (broken.py, line 4)."
    assert [line["outcome"] for line in seen if line["event"] == "turn"] == ["heard", "stopped"]
    assert seen[-1]["event"] == "ended"
    assert seen[-1]["turns"] == 2


def test_at_a_terminal_keys_mute_interrupt_and_quit(tmp_path: Path, mic: list[str], program: list[str]) -> None:
    with at_terminal(tmp_path, *program, *mic, "--no-speech", "0.5") as terminal:
        terminal.wait_for("q quit")
        terminal.wait_for(f"user: {SAID}")
        terminal.wait_for("end of speech → transcript")
        terminal.wait_for("You said it.")
        assert not terminal.echoes()
        terminal.press("m")
        terminal.wait_for("muted")
        terminal.press(" ")
        assert "[not heard: " in terminal.wait_for("sixteen.]")
        terminal.wait_for("transcript → first sound")
        terminal.press("q")
        terminal.wait_for("2 turns, 1 interruption")
        terminal.wait_for("<ended 0 echo=True>")


def test_enter_ends_the_turn_of_who_goes_on(tmp_path: Path, audio: Path, program: list[str]) -> None:
    mic = ["--mic", f"file:{audio / 'librivox-0870.wav'}", "--speaker", "null:", "--phrase", "yes", "--phrase", SAID]
    with at_terminal(tmp_path, *program, *mic) as terminal:
        terminal.wait_for("hearing")
        terminal.press("\r")
        terminal.wait_for("user: ")
        terminal.press("q")
        terminal.wait_for("<ended 0 echo=True>")


def test_ctrl_c_ends_it_without_a_traceback_however_often(tmp_path: Path, program: list[str]) -> None:
    silence = ["--mic", "null:", "--speaker", "null:", "--greeting", NUMBERS]
    with at_terminal(tmp_path, *program, *silence) as terminal:
        terminal.wait_for("speaking")
        for _ in range(4):
            terminal.press("\x03")
            time.sleep(0.1)
        shown = terminal.wait_for("<ended 130 echo=True>")
    assert "Traceback" not in shown
    assert "1 turn, 0 interruptions" in shown


def test_ctrl_c_while_it_gets_ready_is_no_traceback_either(tmp_path: Path, mic: list[str], program: list[str]) -> None:
    with at_terminal(tmp_path, *program, *mic) as terminal:
        terminal.wait_for("getting ready")
        terminal.press("\x03")
        assert "Traceback" not in terminal.wait_for("<ended 130 echo=True>")
