"""Whole turns through the real engines: what is printed, what is kept, and the exit code."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from .conftest import Run

SAID = "has never been surpassed"
PHRASES = ("--phrase", SAID, "--phrase", "tell me about the first printed book")

pytestmark = pytest.mark.realtime


@pytest.fixture
def mic(audio: Path) -> str:
    return f"file:{audio / 'lj001-0008.wav'}"


def test_converse_gives_a_whole_turn_as_json(run: Run, mic: str) -> None:
    ran = run("converse", "Say", "something.", "--mic", mic, "--speaker", "file:out.wav", *PHRASES, "--json")
    result = ran.json
    assert (ran.code, ran.err) == (0, "")
    assert list(result)[:4] == ["turn", "outcome", "transcript", "spoken"]
    assert (result["outcome"], result["transcript"]) == ("heard", SAID)
    assert result["spoken"] == {"text": "Say something.", "heard": "Say something.", "complete": True}
    assert result["engines"] == {"tts": "espeak-ng", "stt": "pocketsphinx"}
    assert result["utterance"] is None
    timings = result["timings"]
    assert timings["barge_in_ms"] is None
    named = ("first_sample_ms", "endpoint_ms", "stt_ms", "speech_end_to_transcript_ms", "total_ms")
    assert all(timings[name] > 0 for name in named)
    assert timings["speech_end_to_transcript_ms"] >= timings["endpoint_ms"] >= 200
    assert soundfile.info("out.wav").duration * 1000 >= timings["total_ms"] - 500
    assert not list(Path("base").rglob("*.wav"))


def test_who_speaks_over_the_assistant_interrupts_it(run: Run, mic: str) -> None:
    text = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."
    ran = run("converse", text, "--mic", f"{mic}?start=speech+1", "--speaker", "null:", *PHRASES)
    assert (ran.code, ran.err) == (0, "")
    assistant, user, how, engines, timings = ran.out.splitlines()
    heard, unheard = assistant.removeprefix("assistant: ").removesuffix("]").split(" [not heard: ")
    assert heard.startswith("One two")
    assert f"{heard} {unheard}" == text
    assert (user, how) == (f"user: {SAID}", "The assistant was interrupted.")
    assert engines == "engines: espeak-ng, pocketsphinx"
    assert "barge-in" in timings


def test_a_recording_is_kept_when_asked_for(run: Run, mic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_SAVE_AUDIO", "1")
    ran = run("listen", "--mic", mic, "--base-dir", "kept", *PHRASES)
    assert ran.code == 0
    line = ran.out.splitlines()[-1]
    assert line.startswith("recording: kept")
    assert soundfile.info(line.removeprefix("recording: ")).duration > 1.5


def test_say_needs_no_microphone_and_leaves_no_recording(run: Run) -> None:
    ran = run("say", "Hello.", "--speaker", "file:out.wav", "--voice", "en-us", "--speed", "1.5", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["outcome"], ran.json["engines"]) == ("said", {"tts": "espeak-ng", "stt": None})
    assert soundfile.info("out.wav").duration > 0.2
    assert not Path("base").exists()


def test_nobody_speaks(run: Run) -> None:
    ran = run("listen", "--mic", "null:", "--no-speech", "0.2", "--json")
    assert ran.code == 3
    assert (ran.json["outcome"], ran.json["transcript"]) == ("no_speech", "")


def test_an_answer_that_goes_on_for_too_long_is_cut(run: Run, audio: Path) -> None:
    long = f"file:{audio / 'librivox-0870.wav'}"
    result = run("listen", "--mic", long, "-d", "1", "--stt", "pocketsphinx", *PHRASES, "--json").json
    assert result["timings"]["total_ms"] < 3000


def test_an_empty_message_only_listens(run: Run) -> None:
    ran = run("converse", "", "--mic", "null:", "--speaker", "null:", "--no-speech", "0.1", "--json")
    assert ran.code == 3
    assert ran.json["spoken"]["text"] == ""


def test_what_comes_in_cannot_steer_the_terminal(run: Run) -> None:
    ran = run("say", "one\x1b[31m two\x07\nthree", "--speaker", "null:")
    assert ran.code == 0
    assert ran.out.startswith("assistant: one\ufffd[31m two\ufffd three\n")


FAILURES = {
    "missing": "There is no audio file",
    "directory": "is a directory",
    "empty.wav": "is empty",
    "text.wav": "does not hold audio",
    "header.wav": "holds no audio",
    "pipe": "is not a regular file",
}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A directory of files that are no recordings."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("This is no sound at all.\n" * 9)
    soundfile.write(tmp_path / "header.wav", [], 16_000)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(("name", "reason"), FAILURES.items())
@pytest.mark.parametrize("command", ["converse", "listen", "transcribe"])
def test_what_is_no_recording_fails_with_one_sentence(
    run: Run, broken: Path, command: str, name: str, reason: str
) -> None:
    path = broken / name
    args = {
        "converse": ["converse", "Hi.", "--speaker", "null:", "--mic", f"file:{path}"],
        "listen": ["listen", "--mic", f"file:{path}"],
        "transcribe": ["transcribe", str(path)],
    }
    ran = run(*args[command])
    assert ran.code == 1
    assert reason in ran.complaint
    assert str(path) in ran.complaint


UNWRITABLE = {
    "nowhere/out.wav": "there is no directory",
    "directory": "is a directory",
    "text.wav/out.wav": "a file where",
}


@pytest.mark.parametrize(("name", "reason"), UNWRITABLE.items())
@pytest.mark.parametrize("command", [["say", "Hi."], ["converse", "Hi.", "--mic", "null:"]], ids=["say", "converse"])
def test_a_speaker_that_cannot_be_written_fails_at_once(
    run: Run, broken: Path, command: list[str], name: str, reason: str
) -> None:
    ran = run(*command, "--speaker", f"file:{broken / name}")
    assert ran.code == 1
    assert reason in ran.complaint


def test_an_unknown_voice_fails_with_the_name_of_the_engine(run: Run) -> None:
    ran = run("say", "Hi.", "--speaker", "null:", "--voice", "nobody", "--json")
    assert ran.code == 1
    assert ran.json["error"]["type"] == "ProviderRefused"
    assert "espeak-ng has no voice 'nobody'" in ran.json["error"]["message"]
    assert ran.json["error"]["message"].endswith("voicemode providers --json lists those there are.")


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["lines", "json"])
def test_a_reader_that_goes_away_is_no_traceback(as_json: list[str]) -> None:
    command = [sys.executable, "-m", "voicemode", "say", "Hi.", "--speaker", "null:", *as_json]
    read, write = os.pipe()
    os.close(read)
    try:
        ran = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert (ran.returncode, ran.stderr) == (1, b"")


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["lines", "json"])
def test_output_that_cannot_be_written_is_one_sentence(as_json: list[str]) -> None:
    full = Path("/dev/full")
    if not full.exists() or not stat.S_ISCHR(full.stat().st_mode):
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-m", "voicemode", "say", "Hi.", "--speaker", "null:", *as_json]
    with full.open("wb") as stdout:
        ran = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 1
    assert ran.stderr == b"voicemode: Standard output cannot be written: No space left on device.\n"
