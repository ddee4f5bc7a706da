"""Every program of docs/examples holds its conversation: with a person, the embedded engines and real connections."""

from __future__ import annotations

import ast
import signal
import subprocess
import wave
from pathlib import Path

import pytest
import soundfile
import trio

from tests.examples.running import EXAMPLES, PATIENCE, ROOT, SAID, SPEECH, command, environment, line, shown
from voicemode.audio.files import read_audio

pytestmark = pytest.mark.realtime

ANSWER = f"file:{SPEECH}"

PUBLIC = {"", "aio", "devices", "engines", "ports", "promises", "sync"}

IN_A_PROGRAM = ("ten_lines_trio.py", "ten_lines_asyncio.py", "ten_lines_sync.py")

PROGRAMS = sorted(EXAMPLES.rglob("*.py"))


def test_each_is_run_by_a_test() -> None:
    tests = "".join(test.read_text(encoding="utf-8") for test in (ROOT / "tests").rglob("test_*.py"))
    assert [program.name for program in PROGRAMS if program.parent == EXAMPLES and program.name not in tests] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_it_uses_public_names_alone(program: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    ours = {name for name in names if name.partition(".")[0] in {"actors", "voicemode"}}
    assert {name.partition(".")[2] for name in ours} <= PUBLIC


@pytest.mark.parametrize("name", [*IN_A_PROGRAM, "ten_lines_mcp.py"])
def test_ten_lines_are_ten_lines(name: str) -> None:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 10


@pytest.mark.parametrize("name", IN_A_PROGRAM)
async def test_ten_lines_talk_until_they_are_stopped(tmp_path: Path, name: str) -> None:
    answer = tmp_path / "answer.wav"
    process = await trio.lowlevel.open_process(
        command(name, ANSWER, f"file:{answer}"),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        with trio.fail_after(PATIENCE):
            assert await line(process.stdout) == SAID
            process.send_signal(signal.SIGINT)
            await process.wait()
    finally:
        process.kill()
        await process.wait()
        await process.stdout.aclose()
    # the greeting was played, and then the question was listened to
    assert soundfile.info(answer).duration > 2.5


async def test_ten_lines_call_the_server_for_agents(tmp_path: Path) -> None:
    settings = {"VOICEMODE_MIC": ANSWER, "VOICEMODE_SPEAKER": "null:", "VOICEMODE_FLOOR": "false"}
    with trio.fail_after(PATIENCE):
        run = await trio.run_process(
            command("ten_lines_mcp.py"), cwd=tmp_path, env=environment(tmp_path) | settings, capture_stdout=True
        )
    assert run.stdout.decode() == f"Voice response: {SAID}\n"


@pytest.mark.parametrize("name", ["recogniser_by_command.py", "live_recogniser.py"])
async def test_a_program_recognises(tmp_path: Path, name: str) -> None:
    # how much silence comes before the words is the clock's, and the program's ear is not the best
    heard = await shown(name, tmp_path, ANSWER, "null:")
    assert heard.startswith("my program heard: ")
    assert "surpass" in heard


async def test_a_program_speaks(tmp_path: Path) -> None:
    speaker = tmp_path / "out.wav"
    said = await shown("voice_by_command.py", tmp_path, "null:", f"file:{speaker}")
    assert said == "my program said: This is another program speaking.\n"
    assert soundfile.info(speaker).duration > 1.5


async def test_a_model_judges_by_the_sound(tmp_path: Path) -> None:
    lines = (await shown("turn_model.py", tmp_path, ANSWER, "null:")).splitlines()
    assert lines[-1] == f"heard: {SAID}"
    assert all(0.0 <= float(line.removeprefix("done: ")) <= 1.0 for line in lines[:-1])
    assert len(lines) > 1


async def test_who_speaks_over_an_agent_stops_its_tool_and_what_it_had_done_is_undone(tmp_path: Path) -> None:
    *tool, end = (await shown("agent_with_tools.py", tmp_path, f"{ANSWER}?start=speech+1", "null:")).splitlines()
    assert tool == ["asked for the table at the window", "gave back the table at the window"]
    assert end.startswith("heard: I am asking")
    assert end.endswith(f"/ said: {SAID} / taken:")


async def test_who_pushes_text_is_told_that_nobody_listens(tmp_path: Path) -> None:
    shown_lines = (await shown("pushed_text.py", tmp_path, f"{ANSWER}?start=speech+2", "null:")).splitlines()
    heard, told = sorted(shown_lines)
    assert told == "nobody listens any more"
    assert heard.startswith("heard: You asked: nothing yet.")
    assert heard.endswith(f"/ said: {SAID}")


@pytest.mark.parametrize("server", ["phone.py", "phone_asyncio.py"])
async def test_a_phone_calls_speaks_over_it_and_is_believed_what_it_played(server: str, tmp_path: Path) -> None:
    question, heard = tmp_path / "question.wav", tmp_path / "heard.wav"
    with wave.open(str(question), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(read_audio(SPEECH, 16_000).pcm)
    process = await trio.lowlevel.open_process(
        command(server), cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        with trio.fail_after(PATIENCE):
            word, port = (await line(process.stdout)).split()
            assert word == "port"
            await shown("programs/far_phone.py", tmp_path, port, str(question), str(heard), "1.5")
            said = await line(process.stdout)
    finally:
        process.kill()
        await process.wait()
        await process.stdout.aclose()
    told, words = said.removeprefix("heard: ").split(" / said: ")
    assert words == SAID
    assert told.startswith("I will tell you a long story")
    assert "moment" not in told
    # the question began after 1.5 s, and it takes some tenths of a second to be sure that it is one
    assert 1.5 < soundfile.info(heard).duration < 3.5


async def test_what_you_bring_is_told_that_it_keeps_its_promises(tmp_path: Path) -> None:
    assert await shown("check_mine.py", tmp_path) == "It keeps them.\n"
