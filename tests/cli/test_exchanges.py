"""``voicemode exchanges``: each command as it is typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.exchanges.saying import keep, said

ROOT = Path(__file__).parents[2]
ADAY = 24 * 60

SAID = [
    said("Hello.", type="tts", conversation_id="conv_1", project_path="/work", metadata={"provider": "kokoro"}),
    said(
        "what time is it",
        minutes=1,
        conversation_id="conv_1",
        project_path="/work",
        duration_ms=1500,
        audio_file="/audio/x_stt.wav",
        metadata={"provider": "whisper", "transcription_time": 0.25},
    ),
    said(
        "It is",
        minutes=2,
        type="tts",
        conversation_id="conv_1",
        metadata={"intended": "It is noon.", "complete": False},
    ),
    said("another \x1b[31mday", minutes=ADAY, conversation_id="conv_2"),
]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    keep(tmp_path / "base", *SAID)
    return tmp_path / "base"


def test_the_last_are_shown_under_the_name_of_their_conversation(run: Run, base: Path) -> None:
    assert run("exchanges", "tail").out.splitlines() == [
        "2026-03-04  conv_1  /work",
        "  12:00:00  assistant  Hello.",
        "  12:01:00  user       what time is it",
        "  12:02:00  assistant  It is [not heard: noon.]",
        "2026-03-05  conv_2",
        "  12:00:00  user       another \N{REPLACEMENT CHARACTER}[31mday",
    ]
    assert run("exchanges", "tail", "-n", "1").out.count("\n") == 2


def test_for_programs_they_are_lines_as_they_were_written(run: Run, base: Path) -> None:
    lines = run("exchanges", "tail", "--json").out.splitlines()
    assert [json.loads(line)["text"] for line in lines] == [exchange.text for exchange in SAID]
    assert json.loads(lines[1])["metadata"]["provider"] == "whisper"


def test_where_nothing_is_kept_it_says_how_to_begin(run: Run, tmp_path: Path) -> None:
    for command in ("tail", "view"):
        ran = run("exchanges", command, "--base-dir", tmp_path)
        assert (ran.code, ran.out) == (0, "")
        assert "voicemode config set VOICEMODE_SAVE_TRANSCRIPTIONS true" in ran.err


def test_one_conversation_is_shown_with_engines_and_recordings(run: Run, base: Path) -> None:
    assert run("exchanges", "view").out.startswith("2026-03-05  conv_2\n")
    lines = run("exchanges", "view", "conv_1").out.splitlines()
    assert lines[4].strip() == "whisper, after 250 ms, 1.5 s, /audio/x_stt.wav"
    ran = run("exchanges", "view", "conv_9")
    assert (ran.code, "no conversation conv_9" in ran.complaint) == (1, True)
    assert "conv_1, conv_2" in run("exchanges", "view", "conv").complaint


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["TIME"], ["what time is it"]),
        (["noon"], ["It is"]),
        (["--since", "2026-03-05"], ["another \x1b[31mday"]),
        (["--until", "2026-03-04", "--side", "user"], ["what time is it"]),
        (["--provider", "kok"], ["Hello."]),
        (["--project", "work", "-n", "1"], ["what time is it"]),
        (["nothing like it"], []),
    ],
)
def test_what_is_searched_for_is_found(run: Run, base: Path, args: list[str], found: list[str]) -> None:
    ran = run("exchanges", "search", "--json", *args)
    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == found
    assert (ran.code, bool(ran.err)) == (0, not found)


@pytest.mark.parametrize("day", ["today", "yesterday"])
def test_days_may_be_words(run: Run, base: Path, day: str) -> None:
    assert run("exchanges", "search", "--since", day).err == "Nothing of that kind was said.\n"
    assert "what time is it" in run("exchanges", "search", "--until", day).out


def test_what_is_no_day_is_told_with_an_example(run: Run, base: Path) -> None:
    ran = run("exchanges", "search", "--since", "2 hours")
    assert ran.code == 2
    assert "'2 hours' is no day; write one as in 2026-03-04, or today or yesterday." in ran.err


def test_sound_goes_along_where_that_is_asked_for(run: Run, base: Path, tmp_path: Path) -> None:
    ran = run("exchanges", "export", "--include-audio", "-o", tmp_path / "talk.json")
    assert (ran.code, ran.err) == (0, "voicemode: 1 recording cannot be read any more.\n")
    assert run("exchanges", "export", "--include-audio").code == 2


def test_days_the_wrong_way_round_are_bad_usage(run: Run, base: Path) -> None:
    assert run("exchanges", "search", "--since", "2026-03-05", "--until", "2026-03-04").code == 2


def test_numbers_are_a_table_and_an_object(run: Run, base: Path) -> None:
    ran = run("exchanges", "stats")
    assert "4 exchanges in 2 conversations on 2 days" in ran.out
    assert "recorded of the user: 0:02, pauses included\nheard of the assistant: 0:00\n" in ran.out
    assert "whisper" in ran.out
    assert "250 ms" in ran.out
    found = run("exchanges", "stats", "--json").json
    assert (found["exchanges"], found["interrupted"], found["broken"]) == (4, 1, 0)
    assert run("exchanges", "stats", "--json", "--side", "user").json["exchanges"] == 2


def test_broken_lines_are_told(run: Run, base: Path) -> None:
    with (base / "logs/conversations/exchanges_2026-03-04.jsonl").open("ab") as file:
        file.write(b"{\n")
    ran = run("exchanges", "search", "time")
    assert "what time is it" in ran.out
    assert ran.err == "voicemode: 1 line is broken, and not among these.\n"
    assert run("exchanges", "stats", "--json").json["broken"] == 1


@pytest.mark.parametrize(
    ("form", "begins"), [("json", "["), ("csv", '"timestamp",'), ("markdown", "# "), ("html", "<!")]
)
def test_they_are_exported_in_every_form(run: Run, base: Path, tmp_path: Path, form: str, begins: str) -> None:
    ran = run("exchanges", "export", "--format", form)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(begins)
    file = tmp_path / "exported"
    assert run("exchanges", "export", "--format", form, "-o", file).out == ""
    assert file.read_text() == ran.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert "another" not in run("exchanges", "export", "--format", form, "--conversation", "conv_1").out


def test_the_directory_that_is_configured_is_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path / "other", said("elsewhere"))
    monkeypatch.setenv("VOICEMODE_BASE_DIR", str(tmp_path / "other"))
    assert "elsewhere" in run("exchanges", "tail").out


def test_without_a_command_it_says_which_there_are(run: Run) -> None:
    out = run("exchanges").out
    assert all(command in out for command in ("tail", "view", "search", "stats", "export"))


def test_who_follows_sees_what_is_said_until_ctrl_c(base: Path) -> None:
    command = [sys.executable, "-m", "voicemode", "exchanges", "tail", "-f", "-n", "1", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"VOICEMODE_BASE_DIR": str(base)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["text"] == SAID[-1].text
        keep(base, said("now", minutes=ADAY))
        assert json.loads(process.stdout.readline())["text"] == "now"
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
