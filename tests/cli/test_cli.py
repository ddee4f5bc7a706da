"""Usage: what the commands refuse, how they say so, and what starting them costs."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from .conftest import Run

SPEAKER, MIC = ("--speaker", "null:"), ("--mic", "null:")


def test_without_a_command_it_says_what_there_is(run: Run) -> None:
    ran = run()
    assert ran.code == 0
    assert all(name in ran.out for name in ("converse", "say", "listen", "transcribe", "script"))


@pytest.mark.parametrize("command", ["converse", "say", "listen", "transcribe", "script"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "--json" in ran.out


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").out.startswith("voicemode 0.")


BAD_USAGE = {
    "no such command": (["sing"], "No such command 'sing'"),
    "no such option": (["say", "--loud", "hi"], "No such option"),
    "no text": (["say", *SPEAKER], "Missing argument"),
    "no message": (["converse", *SPEAKER, *MIC], "Missing argument"),
    "no file": (["transcribe"], "Missing argument"),
    "no script": (["script"], "Missing argument"),
    "empty text": (["say", "", *SPEAKER], "The text is empty"),
    "blanks": (["say", " \n\t", *SPEAKER], "The text is empty"),
    "emoji only": (["say", "🎉 🎉", *SPEAKER], "no letter or digit"),
    "emoji message": (["converse", "🎉", *SPEAKER, *MIC], "no letter or digit"),
    "text of bytes": (["say", "\udcff", *SPEAKER], "not valid UTF-8"),
    "voice of bytes": (["say", "hi", "--voice", "\udcff", *SPEAKER], "not valid UTF-8"),
    "phrase of bytes": (["listen", "--phrase", "\udcff", *MIC], "not valid UTF-8"),
    "no speaker": (["say", "hi"], "--speaker file:PATH (as in --speaker file:answer.wav) or --speaker null:"),
    "no microphone": (["listen"], "--mic file:PATH (as in --mic file:question.wav) or --mic null:"),
    "neither": (["converse", "hi", *MIC], "No speaker is chosen"),
    "empty speaker": (["say", "hi", "--speaker", ""], "No speaker is chosen"),
    "speaker without scheme": (["say", "hi", "--speaker", "out.wav"], "write file:PATH or null:"),
    "unknown scheme": (["listen", "--mic", "http://x"], "write file:PATH"),
    "file without path": (["say", "hi", "--speaker", "file:"], "needs a path"),
    "null with path": (["say", "hi", "--speaker", "null:x"], "null: takes nothing"),
    "unknown start": (["listen", "--mic", "file:x.wav?start=soon"], "start=soon is not a start"),
    "too fast": (["say", "hi", "--speed", "9", *SPEAKER], "A speed of 9 cannot be"),
    "speed that is no number": (["say", "hi", "--speed", "nan", *SPEAKER], "A speed of nan cannot be"),
    "speed in words": (["say", "hi", "--speed", "fast", *SPEAKER], "'fast' is not a valid float"),
    "no time to answer": (["listen", "-d", "0", *MIC], "0 is not a number of seconds above 0"),
    "endless answer": (["listen", "-d", "inf", *MIC], "inf is not a number of seconds above 0"),
    "odd patience": (["listen", "--no-speech", "nan", *MIC], "nan is not a number of seconds above 0"),
    "unknown voice engine": (["say", "hi", "--tts", "nobody", *SPEAKER], "There is no voice called 'nobody'"),
    "unknown recogniser": (["listen", "--stt", "nobody", *MIC], "There is no recogniser called 'nobody'"),
    "unknown recogniser of a file": (["transcribe", "x", "--stt", "nobody"], "There is no recogniser called 'nobody'"),
    "missing script": (["script", "nowhere.toml"], "nowhere.toml"),
    "recording that is no WAV": (["script", "x.toml", "--record", "x.mp3"], "does not end in .wav"),
    "picture that is none": (["script", "x.toml", "--timeline", "x.pdf"], "end its name in .svg or .png"),
}


@pytest.mark.parametrize(("args", "reason"), BAD_USAGE.values(), ids=BAD_USAGE)
def test_bad_usage_is_one_sentence_and_exit_code_2(run: Run, args: list[str], reason: str) -> None:
    ran = run(*args)
    assert ran.code == 2
    assert reason in ran.complaint


@pytest.mark.parametrize(("args", "reason"), BAD_USAGE.values(), ids=BAD_USAGE)
def test_with_json_bad_usage_is_one_object_too(run: Run, args: list[str], reason: str) -> None:
    ran = run(*args, "--json")
    assert ran.code == 2
    assert set(ran.json["error"]) == {"message", "type"}
    assert ran.err.strip() == f"voicemode: {ran.json['error']['message']}"


def test_a_word_json_after_the_options_is_text(run: Run) -> None:
    assert run("say", "--speed", "9", *SPEAKER, "--", "--json").out == ""


def test_an_environment_variable_that_makes_no_sense_is_bad_usage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_SAVE_AUDIO", "maybe")
    ran = run("listen", *MIC)
    assert ran.code == 2
    assert "VOICEMODE_SAVE_AUDIO" in ran.complaint


@pytest.mark.parametrize("data", [b"one \xff", b"", b"\n"])
def test_text_from_stdin_is_checked_like_any_other(run: Run, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    ran = run("say", "-", *SPEAKER)
    assert ran.code == 2
    assert "not valid UTF-8" in ran.complaint if data.startswith(b"one") else "is empty" in ran.complaint


def test_without_stdin_there_is_no_text_to_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert "no standard input" in run("say", "-", *SPEAKER).complaint


@pytest.mark.parametrize(
    ("module", "args", "reason"),
    [
        ("pocketsphinx", ["transcribe", "x.wav"], "pip install"),
        ("pocketsphinx", ["listen", *MIC], "pip install"),
        ("matplotlib.figure", ["script", "x.toml", "--timeline", "x.svg"], "pip install matplotlib"),
    ],
)
def test_what_is_not_installed_is_named_with_how_to_get_it(module: str, args: list[str], reason: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from voicemode.cli import main; sys.exit(main())"
    ran = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("voicemode: ")
    assert reason in ran.stderr


def test_starting_loads_nothing_that_only_some_commands_need() -> None:
    code = "import sys, voicemode.cli; print({'rich', 'matplotlib', 'msgspec', 'onnxruntime'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_it_can_be_started_as_a_module() -> None:
    command = [sys.executable, "-m", "voicemode", "say", "hi"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("voicemode: No speaker is chosen")
