"""Usage: what the commands refuse, how they say so, and what starting them costs."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import pytest

from voicemode import Settings

from .conftest import Run

EVERY = ("talk", "converse", "say", "listen", "transcribe", "devices", "script")
SPEAKER, MIC = ("--speaker", "null:"), ("--mic", "null:")


def test_without_a_command_it_says_what_there_is(run: Run) -> None:
    ran = run()
    assert ran.code == 0
    assert all(name in ran.out for name in EVERY)


@pytest.mark.parametrize("command", EVERY)
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
    "no file": (["transcribe"], "Nothing to transcribe is named: give a FILE, or --pending"),
    "no script": (["script"], "Missing argument"),
    "empty text": (["say", "", *SPEAKER], "The text is empty"),
    "blanks": (["say", " \n\t", *SPEAKER], "The text is empty"),
    "emoji only": (["say", "🎉 🎉", *SPEAKER], "no letter or digit"),
    "emoji message": (["converse", "🎉", *SPEAKER, *MIC], "no letter or digit"),
    "text of bytes": (["say", "\udcff", *SPEAKER], "not valid UTF-8"),
    "voice of bytes": (["say", "hi", "--voice", "\udcff", *SPEAKER], "not valid UTF-8"),
    "phrase of bytes": (["listen", "--phrase", "\udcff", *MIC], "not valid UTF-8"),
    "empty speaker": (["say", "hi", "--speaker", ""], "--speaker file:PATH (as in --speaker file:answer.wav)"),
    "empty microphone": (["listen", "--mic", ""], "--mic portaudio: for the machine's own, --mic file:PATH"),
    "blank microphone": (["converse", "hi", "--mic", " ", *SPEAKER], "--mic is empty"),
    "empty microphone to interrupt": (["say", "hi", *SPEAKER, "--mic", ""], "--mic is empty"),
    "empty speaker of a listener": (["listen", *MIC, "--speaker", ""], "--speaker is empty"),
    "speaker without scheme": (["say", "hi", "--speaker", "out.wav"], "file:PATH or null:"),
    "unknown scheme": (["listen", "--mic", "http://x"], "is not a microphone; write portaudio:"),
    "file without path": (["say", "hi", "--speaker", "file:"], "needs a path"),
    "null with path": (["say", "hi", "--speaker", "null:x"], "null: takes nothing"),
    "unknown start": (["listen", "--mic", "file:x.wav?start=soon"], "start=soon is not a start"),
    "too fast": (["say", "hi", "--speed", "9", *SPEAKER], "A speed of 9 cannot be"),
    "speed that is no number": (["say", "hi", "--speed", "nan", *SPEAKER], "A speed of nan cannot be"),
    "speed in words": (["say", "hi", "--speed", "fast", *SPEAKER], "'fast' is not a valid float"),
    "no time to answer": (["listen", "-d", "0", *MIC], "0 is not a number of seconds above 0"),
    "endless answer": (["listen", "-d", "inf", *MIC], "inf is not a number of seconds above 0"),
    "more at least than at most": (
        ["listen", "--listen-min", "5", "--listen-max", "2", *MIC],
        "--listen-min 5 is more than --listen-max 2",
    ),
    "less at most than at least": (
        ["converse", "hi", "-d", "2", "--listen-min", "5", *MIC, *SPEAKER],
        "--listen-min 5 is more than --listen-max 2",
    ),
    "more at least than is usual at most": (["talk", "--listen-min", "200", *MIC, *SPEAKER], "--listen-max 120"),
    "odd patience": (["listen", "--no-speech", "nan", *MIC], "nan is not a number of seconds above 0"),
    "negative patience": (["say", "hi", "--device-wait", "-1", *SPEAKER], "-1 is not a number of seconds from 0"),
    "endless patience": (["say", "hi", "--device-wait", "inf", *SPEAKER], "inf is not a number of seconds from 0"),
    "unknown echo": (["converse", "hi", "--echo", "less", *MIC, *SPEAKER], "'less' is not one of 'auto', 'cancel'"),
    "headphones with echo": (["say", "hi", "--headphones", "--echo", "guard"], "--headphones is --echo off"),
    "echo with headphones": (["listen", "--echo", "cancel", "--headphones"], "and --echo cancel is not"),
    "unknown voice engine": (
        ["say", "hi", "--tts", "nobody", *SPEAKER],
        "There is no engine that speaks called 'nobody'",
    ),
    "unknown recogniser": (["listen", "--stt", "nobody", *MIC], "There is no engine that listens called 'nobody'"),
    "unknown recogniser of a file": (
        ["transcribe", "x", "--stt", "nobody"],
        "There is no engine that listens called 'nobody'",
    ),
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


@pytest.fixture
def settings_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """What a command would open a conversation with."""
    seen: list[Settings] = []

    def take(settings: Settings, *_: object, **__: object) -> int:
        seen.append(settings)
        return 0

    for variable in ("VOICEMODE_MIC", "VOICEMODE_SPEAKER", "VOICEMODE_AUDIO_FEEDBACK"):
        monkeypatch.delenv(variable, raising=False)
    for command in ("converse", "say", "listen"):
        monkeypatch.setattr(import_module(f"voicemode.cli.{command}"), "run_turn", take)

    def of(*args: str) -> Settings:
        ran = run(*args)
        assert (ran.code, ran.err) == (0, "")
        return seen.pop()

    return of


COMMANDS = {"converse": ["converse", "hi"], "say": ["say", "hi"], "listen": ["listen"]}
every_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def test_the_machines_own_devices_are_the_default(settings_of: Callable[..., Settings]) -> None:
    settings = settings_of("converse", "hi")
    assert (settings.microphone, settings.speaker) == ("portaudio:", "portaudio:")


def test_devices_can_be_chosen_for_good(settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_MIC", "portaudio:Jabra")
    monkeypatch.setenv("VOICEMODE_SPEAKER", "null:")
    settings = settings_of("converse", "hi")
    assert (settings.microphone, settings.speaker) == ("portaudio:Jabra", "null:")
    assert settings_of("converse", "hi", "--mic", "portaudio:1").microphone == "portaudio:1"


def test_only_who_is_asked_to_opens_the_other_device(
    settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEMODE_MIC", "portaudio:")
    monkeypatch.setenv("VOICEMODE_SPEAKER", "portaudio:")
    assert settings_of("say", "hi").microphone is None
    assert settings_of("listen").speaker is None
    assert settings_of("say", "hi", *MIC).microphone == "null:"
    assert settings_of("listen", *SPEAKER).speaker == "null:"


@every_command
def test_without_a_wish_echo_is_seen_to_and_a_lost_device_is_waited_for(
    settings_of: Callable[..., Settings], command: list[str]
) -> None:
    settings = settings_of(*command)
    assert (settings.echo, settings.chimes, settings.turn.device_wait) == ("auto", None, 10.0)
    assert not settings.noise_suppression
    assert not settings.gain_control


@every_command
def test_what_is_wished_of_the_devices_is_heeded(settings_of: Callable[..., Settings], command: list[str]) -> None:
    wishes = ["--echo", "guard", "--noise-suppression", "--gain-control", "--no-chimes", "--device-wait", "0"]
    settings = settings_of(*command, *wishes)
    assert (settings.echo, settings.chimes, settings.turn.device_wait) == ("guard", False, 0.0)
    assert settings.noise_suppression
    assert settings.gain_control


@every_command
@pytest.mark.parametrize("wish", [["--headphones"], ["--echo", "off"], ["--echo", "off", "--headphones"]])
def test_with_headphones_there_is_no_echo(
    settings_of: Callable[..., Settings], command: list[str], wish: list[str]
) -> None:
    assert settings_of(*command, *wish).echo == "off"


@pytest.mark.parametrize(("value", "chimes"), [("true", True), ("0", False), ("", None)])
def test_chimes_can_be_chosen_for_good(
    settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, value: str, chimes: bool | None
) -> None:
    monkeypatch.setenv("VOICEMODE_AUDIO_FEEDBACK", value)
    assert settings_of("converse", "hi").chimes is chimes
    assert settings_of("converse", "hi", "--chimes").chimes is True


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


def test_pressing_a_button_loads_nothing_of_audio() -> None:
    unwanted = "{'numpy', 'soundfile', 'httpx', 'rich', 'voicemode.conversation', 'voicemode.session'}"
    code = (
        f"import sys; from voicemode.cli import main; main(['control', 'status']); print({unwanted} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
    assert "No conversation can be controlled" in ran.stderr


def test_it_can_be_started_as_a_module() -> None:
    command = [sys.executable, "-m", "voicemode", "say", "hi", "--speaker", ""]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("voicemode: --speaker is empty")
