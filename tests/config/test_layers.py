"""Which layer decides, what each value knows of its origin, and what is refused, with file and line."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from voicemode import EndpointPolicy, Settings, SettingsError
from voicemode.config import Configuration, load_settings, places, read_configuration
from voicemode.config.env_file import quoted
from voicemode.config.table import SETTINGS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def own(home: Path, text: str) -> Path:
    return write(home / ".voicemode" / "voicemode.env", text)


def read(home: Path | None, directory: Path | None, **environment: str) -> Configuration:
    return read_configuration(environment=environment, directory=directory, home=home)


def refused(home: Path, directory: Path, **environment: str) -> str:
    with pytest.raises(SettingsError) as refusal:
        read(home, directory, **environment)
    return str(refusal.value)


def test_the_nearest_layer_decides_setting_by_setting(home: Path, project: Path) -> None:
    mine = own(home, "VOICEMODE_MIC=portaudio:1\nVOICEMODE_SPEAKER=null:\nVOICEMODE_ECHO=off\n")
    theirs = write(project / ".voicemode.env", "\nVOICEMODE_MIC=portaudio:2\nVOICEMODE_SPEAKER=portaudio:3\n")
    said = read(home, project, VOICEMODE_MIC="portaudio:4").values
    assert [
        (said[f"VOICEMODE_{name}"].value, str(said[f"VOICEMODE_{name}"].origin)) for name in ("MIC", "SPEAKER")
    ] == [
        ("portaudio:4", "environment"),
        ("portaudio:3", f"{theirs}:3"),
    ]
    assert (said["VOICEMODE_ECHO"].value, str(said["VOICEMODE_ECHO"].origin)) == ("off", f"{mine}:3")
    assert (said["VOICEMODE_TTS"].value, str(said["VOICEMODE_TTS"].origin)) == ("auto", "default")


TEXTS: Mapping[str, st.SearchStrategy[str]] = {
    "VOICEMODE_VOICE": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    "VOICEMODE_DEVICE_WAIT": st.floats(0, 1e6).map(str),
    "VOICEMODE_TTS_SPEED": st.floats(0.25, 4).map(str),
    "VOICEMODE_SAVE_AUDIO": st.sampled_from(["true", "false", "1", "off", "Yes"]),
    "VOICEMODE_PHRASES": st.sampled_from(["yes,no", "what, ever"]),
}
LAYER = st.fixed_dictionaries({}, optional={name: st.just("") | text for name, text in TEXTS.items()})


@given(LAYER, LAYER, LAYER)
def test_whatever_the_layers_say_the_nearest_decides(
    environment: dict[str, str], of_project: dict[str, str], of_user: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        home, project = Path(name) / "home", Path(name) / "project" / "deep" / "down"
        project.mkdir(parents=True)
        own(home, "".join(f"{name}={quoted(text)}\n" for name, text in of_user.items()))
        file = project.parents[1] / ".voicemode.env"
        write(file, "".join(f"{name}={quoted(text)}\n" for name, text in of_project.items()))
        said = read(home, project, **environment)
    for name, setting in SETTINGS.items():
        value = said.values[name]
        layers = {"environment": environment, "project": of_project, "user": of_user}
        layer = next((layer for layer, texts in layers.items() if name in texts), "default")
        assert value.origin.layer == layer
        text = layers[layer][name] if layer in layers else ""
        assert value.value == setting.parse(text)
        if layer in {"project", "user"}:
            assert value.origin.line == list(layers[layer]).index(name) + 1


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"VOICEMODE_{text}".encode("utf-8", "ignore")))
def test_no_file_breaks_the_reading(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / ".voicemode.env"
        file.write_bytes(content)
        with suppress(SettingsError):
            read(None, Path(name))


def test_the_search_ends_at_the_first_directory_that_has_a_file(home: Path, project: Path) -> None:
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    write(project / ".voicemode.env", "VOICEMODE_ECHO=off\nVOICEMODE_MIC=null:\n")
    write(project / "a" / ".voicemode" / "voicemode.env", "VOICEMODE_ECHO=guard\n")
    said = read(home, deep).values
    assert (said["VOICEMODE_ECHO"].value, said["VOICEMODE_MIC"].origin.layer) == ("guard", "default")
    write(project / "a" / ".voicemode.env", "VOICEMODE_ECHO=cancel\n")
    assert read(home, deep).values["VOICEMODE_ECHO"].value == "cancel"


def test_the_users_file_is_no_projects_file(home: Path) -> None:
    own(home, "VOICEMODE_LLM_URL=http://localhost/v1\n")
    (home / "work").mkdir()
    said = read(home, home / "work")
    assert said.values["VOICEMODE_LLM_URL"].origin.layer == "user"
    assert said.unused == ()


def test_a_directory_is_no_file(home: Path, project: Path) -> None:
    (project / ".voicemode.env").mkdir()
    (project / "a").mkdir()
    assert read(home, project / "a").values["VOICEMODE_MIC"].origin.layer == "default"


def test_an_empty_value_is_the_default(home: Path, project: Path) -> None:
    own(home, "VOICEMODE_ECHO=off\nVOICEMODE_VOICE=de\nVOICEMODE_PHRASES=yes,no\n")
    write(project / ".voicemode.env", "VOICEMODE_ECHO=\nVOICEMODE_VOICE=\n")
    settings = load_settings(environment={"VOICEMODE_PHRASES": ""}, directory=project, home=home)
    assert (settings.echo, settings.voice, settings.phrases) == ("auto", None, ())


REFUSED = {
    "unknown": ("VOICEMODE_XYZ=1", "there is no setting VOICEMODE_XYZ."),
    "near miss": ("VOICEMODE_MICK=null:", "there is no setting VOICEMODE_MICK, did you mean VOICEMODE_MIC?"),
    "near miss of a short name": ("VOICEMODE_MIK=null:", "no setting VOICEMODE_MIK, did you mean VOICEMODE_MIC?"),
    "in small letters": ("voicemode_mic=null:", "did you mean VOICEMODE_MIC?"),
    "bad switch": ("VOICEMODE_SAVE_AUDIO=maybe", "VOICEMODE_SAVE_AUDIO cannot be 'maybe': write true or false."),
    "bad number": ("VOICEMODE_TTS_SPEED=fast", "cannot be 'fast': write a number from 0.25 to 4."),
    "number out of range": ("VOICEMODE_TTS_SPEED=9", "write a number from 0.25 to 4."),
    "no number": ("VOICEMODE_DEVICE_WAIT=nan", "write a number of seconds from 0."),
    "endless": ("VOICEMODE_DEFAULT_LISTEN_DURATION=inf", "write a number of seconds above 0."),
    "nothing": ("VOICEMODE_DEFAULT_LISTEN_DURATION=0", "write a number of seconds above 0."),
    "bad choice": ("VOICEMODE_ECHO=less", "write auto, cancel, guard or off."),
    "bad engine": ("VOICEMODE_STT=nobody", "write auto, pocketsphinx, whisper, openai, an address as in http://"),
    "bad choice of an engine": (
        "VOICEMODE_TTS=kokoro?voice",
        "VOICEMODE_TTS cannot be 'kokoro?voice': write auto, espeak-ng",
    ),
    "bad engine in a list": ("VOICEMODE_STT=whisper,nobody", "VOICEMODE_STT cannot be 'whisper,nobody': write auto"),
    "an engine twice": ("VOICEMODE_STT=whisper,whisper", "VOICEMODE_STT cannot be 'whisper,whisper': write auto"),
    "auto with others": ("VOICEMODE_TTS=kokoro,auto", "VOICEMODE_TTS cannot be 'kokoro,auto': write auto"),
    "bad format": ("VOICEMODE_TTS_AUDIO_FORMAT=ogg", "write pcm, wav, flac, mp3, opus or aac."),
    "bad patience": ("VOICEMODE_PROVIDER_SILENCE=0", "write a number of seconds above 0."),
    "bad address": ("VOICEMODE_TTS=htps://me:hush@x/v1", "VOICEMODE_TTS cannot be 'htps://…@x/v1': write"),
    "pause too short": ("VOICEMODE_SILENCE_THRESHOLD_MS=100", "write a number of milliseconds from 200."),
    "bad URI": ("VOICEMODE_MIC=Jabra", "write portaudio:"),
    "relative path": ("VOICEMODE_BASE_DIR=voices", "write a path that begins with / or ~/."),
    "unexpanded path": ("VOICEMODE_BASE_DIR=$HOME/voices", "write a path that begins with / or ~/."),
    "fault": ("VOICEMODE_VOICE='de", "VOICEMODE_VOICE has a quote that is not closed."),
    "garbage": ("hello", "this is not NAME=VALUE, a comment or empty."),
}


@pytest.mark.parametrize("where", ["user", "project"])
@pytest.mark.parametrize(("line", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_with_file_and_line(
    home: Path, project: Path, where: str, line: str, reason: str
) -> None:
    text = f"# a comment\n\n{line}\n"
    file = own(home, text) if where == "user" else write(project / ".voicemode.env", text)
    said = refused(home, project)
    assert said.startswith(f"{file}:3: ")
    assert said.endswith(reason) or reason in said


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.0"])
def test_a_port_is_one(home: Path, project: Path, port: str) -> None:
    own(home, f"VOICEMODE_KOKORO_PORT={port}\n")
    assert refused(home, project).endswith(f"cannot be '{port}': write a port from 1 to 65535.")


def test_a_name_twice_is_refused_with_both_lines(home: Path, project: Path) -> None:
    file = own(home, "VOICEMODE_MIC=null:\n\nVOICEMODE_MIC=null:\n")
    assert refused(home, project) == f"{file}:3: VOICEMODE_MIC is there already, in line 1."


def test_a_list_of_addresses_holds_nothing_else(home: Path, project: Path) -> None:
    own(home, "VOICEMODE_TTS_BASE_URLS=http://a/v1,kokoro\n")
    assert "cannot be 'http://a/v1,kokoro': write addresses with commas between them." in refused(home, project)


def test_what_is_overridden_is_checked_too(home: Path, project: Path) -> None:
    own(home, "VOICEMODE_ECHO=less\n")
    assert "voicemode.env:1" in refused(home, project, VOICEMODE_ECHO="off")


def test_a_bad_value_in_the_environment_is_refused(home: Path, project: Path) -> None:
    said = refused(home, project, VOICEMODE_ECHO="less")
    assert said == "VOICEMODE_ECHO in the environment cannot be 'less': write auto, cancel, guard or off."


def test_a_bad_secret_is_not_shown(home: Path, project: Path) -> None:
    assert "abc" not in refused(home, project, VOICEMODE_LLM_KEY="abc\udcff")


def test_a_file_that_is_none_is_refused(home: Path, project: Path) -> None:
    file = project / ".voicemode.env"
    file.write_bytes(b"# a\nVOICEMODE_VOICE=\xff\n")
    assert refused(home, project) == f"{file}:2: this is not valid UTF-8."
    file.write_bytes(b"#" * (places.LONGEST + 1))
    assert "no file of settings" in refused(home, project)


def test_what_belongs_to_voicemode_8_alone_is_said_to_have_no_effect(home: Path, project: Path) -> None:
    file = own(home, "VOICEMODE_STT_MODELS=base\nVOICEMODE_PRONOUNCE='a\nb'\nVOICEMODE_PRONOUNCE=c\nOTHER=x\n")
    environment = {"VOICEMODE_MLX_AUDIO_HOST": "x"}
    unused = read_configuration(environment=environment, directory=project, home=home).unused
    assert [(each.name, str(each.origin)) for each in unused] == [
        ("VOICEMODE_MLX_AUDIO_HOST", "environment"),
        ("VOICEMODE_STT_MODELS", f"{file}:1"),
        ("VOICEMODE_PRONOUNCE", f"{file}:2"),
        ("VOICEMODE_PRONOUNCE", f"{file}:4"),
    ]


def test_an_unknown_name_in_the_environment_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    environment = {"VOICEMODE_MICK": "a", "VOICEMODE_QQ": "b", "VOICEMODE_REQUIRE_ALL": "1", "OTHER": "c"}
    with caplog.at_level(logging.WARNING):
        load_settings(environment=environment)
    assert caplog.messages == [
        "Unknown in the environment: VOICEMODE_MICK (did you mean VOICEMODE_MIC?), VOICEMODE_QQ."
    ]


THEIRS = [
    "VOICEMODE_LLM_URL=http://x",
    "VOICEMODE_SPEAKER=FILE:/x",
    "VOICEMODE_TTS=https://x/v1",
    "VOICEMODE_TTS=openai?voice=nova",
    "VOICEMODE_STT=openai",
    "VOICEMODE_STT=' http://x/v1'",
    "VOICEMODE_STT=pocketsphinx, openai?model=a",
    "VOICEMODE_TTS=kokoro,http://x/v1",
    "VOICEMODE_TTS_BASE_URLS=http://x/v1",
    "VOICEMODE_STT_BASE_URLS=http://x/v1",
    "VOICEMODE_ALLOW_REMOTE=on",
    "VOICEMODE_CONTROL_CHANNEL_ENABLED=yes",
    "VOICEMODE_CONTROL_SOCKET=/x",
    "VOICEMODE_CONTROL_SOCKET=~/.voicemode/other.sock",
    "VOICEMODE_WHISPER_PORT=9",
    "VOICEMODE_KOKORO_PORT=9",
    "VOICEMODE_MLX_AUDIO_PORT=9",
]


HARMLESS = [
    "VOICEMODE_TTS=kokoro,espeak-ng",
    "VOICEMODE_STT=auto",
    "VOICEMODE_ALLOW_REMOTE=no",
    "VOICEMODE_CONTROL_CHANNEL_ENABLED=no",
    "VOICEMODE_CONTROL_PAUSE_TIMEOUT=60",
]


@pytest.mark.parametrize("line", HARMLESS)
def test_a_project_may_choose_among_what_is_here(home: Path, project: Path, line: str) -> None:
    name, _, _ = line.partition("=")
    write(project / ".voicemode.env", f"{line}\n")
    assert read(home, project).values[name].origin.layer == "project"


@pytest.mark.parametrize(
    "line", ["VOICEMODE_ALLOW_REMOTE=maybe", "VOICEMODE_KEEP_DAYS=never", "VOICEMODE_TTS=http://["]
)
def test_nor_is_it_refused_where_it_cannot_be_either(home: Path, project: Path, line: str) -> None:
    write(project / ".voicemode.env", f"{line}\n")
    assert [each.name for each in read(home, project).unused] == [line.partition("=")[0]]


@pytest.mark.parametrize("line", THEIRS)
def test_what_a_stranger_may_not_decide_is_not_used_from_a_project(home: Path, project: Path, line: str) -> None:
    name, _, value = line.replace("'", "").partition("=")
    write(project / ".voicemode.env", f"{line}\n")
    said = read(home, project)
    assert said.values[name].origin.layer == "default"
    assert [each.name for each in said.unused] == [name]
    own(home, f"{line}\n")
    taken = read(home, project).values[name]
    assert (taken.origin.layer, taken.text) == ("user", value)


def test_a_projects_file_of_somebody_else_is_not_read(
    home: Path, project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(project / ".voicemode.env", "VOICEMODE_ECHO=less\n")
    monkeypatch.setattr("voicemode.config.layers.belongs_to_somebody_else", lambda path: path == file)
    with caplog.at_level(logging.WARNING):
        assert load_settings(environment={}, directory=project, home=home).echo == "auto"
    assert caplog.messages == [f"{file} belongs to somebody else and is not read."]


def test_settings_are_what_the_values_say(home: Path) -> None:
    environment = {
        "VOICEMODE_BASE_DIR": "~/voices",
        "VOICEMODE_SILENCE_THRESHOLD_MS": "900",
        "VOICEMODE_VAD_THRESHOLD": "0.6",
        "VOICEMODE_BARGE_IN": "no",
        "VOICEMODE_BARGE_IN_MIN_MS": "300",
        "VOICEMODE_NO_SPEECH_TIMEOUT": "5",
        "VOICEMODE_AUDIO_FEEDBACK": "false",
        "VOICEMODE_PHRASES": "yes, no,",
    }
    settings = load_settings(environment=environment, home=home)
    assert settings.base_dir == home / "voices"
    assert settings.endpoint == EndpointPolicy(hangover=0.9, start=0.6)
    assert (settings.turn.interruptible, settings.turn.barge_in.min_speech, settings.turn.no_speech) == (
        False,
        0.3,
        5.0,
    )
    assert (settings.chimes, settings.phrases) == (False, ("yes", "no"))


def test_with_nothing_configured_everything_is_as_without_configuration(home: Path) -> None:
    assert load_settings(environment={}) == Settings()
    own_places = Settings(base_dir=home / ".voicemode", control_socket=home / ".voicemode" / "control.sock")
    assert load_settings(environment={}, home=home) == own_places


def test_what_leaves_nothing_between_is_refused_with_its_names() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(environment={"VOICEMODE_VAD_THRESHOLD": "0.2"})
    assert str(refusal.value) == (
        "VOICEMODE_VAD_THRESHOLD (environment) cannot be: VOICEMODE_VAD_RELEASE (0.35) must not be above "
        "VOICEMODE_VAD_THRESHOLD (0.2), or speech would flicker."
    )


def test_what_does_not_go_together_is_said_beside_all_else(home: Path, project: Path) -> None:
    file = write(
        project / ".voicemode.env",
        "VOICEMODE_VAD_RELEASE=0.8\nVOICEMODE_ENDPOINT_MAX_MS=100\nVOICEMODE_STOP_PHRASES=end of wait,Pardon!\n"
        "VOICEMODE_ECHO=less\n",
    )
    assert refused(home, project, VOICEMODE_ENDPOINT_MIN_MS="200", VOICEMODE_HEDGE="perhaps") == (
        "VOICEMODE_HEDGE in the environment cannot be 'perhaps': write true or false.\n"
        f"{file}:4: VOICEMODE_ECHO cannot be 'less': write auto, cancel, guard or off.\n"
        f"VOICEMODE_VAD_RELEASE ({file}:1) cannot be: VOICEMODE_VAD_RELEASE (0.8) must not be above "
        "VOICEMODE_VAD_THRESHOLD (0.5), or speech would flicker.\n"
        f"VOICEMODE_ENDPOINT_MIN_MS (environment) and VOICEMODE_ENDPOINT_MAX_MS ({file}:2) cannot be: "
        "VOICEMODE_ENDPOINT_MAX_MS (0.1 s) must not be below VOICEMODE_ENDPOINT_MIN_MS (0.2 s).\n"
        f"VOICEMODE_STOP_PHRASES ({file}:3) cannot be: 'Pardon!' is a phrase of VOICEMODE_REPEAT_PHRASES already and "
        "cannot be one of VOICEMODE_STOP_PHRASES."
    )


@pytest.mark.parametrize("line", ["VOICEMODE_VAD_RELEASE=low", "VOICEMODE_VAD_RELEASE='0.1"])
def test_nothing_is_held_against_a_value_that_is_not_known(home: Path, project: Path, line: str) -> None:
    file = own(home, f"{line}\n")
    assert refused(home, project, VOICEMODE_VAD_THRESHOLD="0.2").startswith(f"{file}:1: VOICEMODE_VAD_RELEASE ")
    assert len(refused(home, project, VOICEMODE_VAD_THRESHOLD="0.2").splitlines()) == 1
    known = refused(home, project, VOICEMODE_VAD_THRESHOLD="0.2", VOICEMODE_VAD_RELEASE="0.3").splitlines()
    assert (len(known), "must not be above" in known[-1]) == (2, True)


def test_a_file_that_cannot_be_read_leaves_everything_but_the_nearer_layers_unknown(home: Path, project: Path) -> None:
    (project / ".voicemode.env").write_bytes(b"#" * (places.LONGEST + 1))
    said = refused(home, project, VOICEMODE_VAD_THRESHOLD="0.2", VOICEMODE_ENDPOINT_MIN_MS="2000")
    assert "no file of settings" in said
    assert len(said.splitlines()) == 1


def test_a_line_that_is_no_text_hides_no_other(home: Path, project: Path) -> None:
    file = project / ".voicemode.env"
    file.write_bytes(b"\xef\xbb\xbfVOICEMODE_ECHO=less\n# \xfc\nVOICEMODE_VOICE=\xff\nVOICEMODE_HEDGE=perhaps\n")
    assert refused(home, project).splitlines() == [
        f"{file}:2: this is not valid UTF-8.",
        f"{file}:3: this is not valid UTF-8.",
        f"{file}:1: VOICEMODE_ECHO cannot be 'less': write auto, cancel, guard or off.",
        f"{file}:4: VOICEMODE_HEDGE cannot be 'perhaps': write true or false.",
    ]


def test_what_is_not_used_is_told_though_something_is_wrong(
    home: Path, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(project / ".voicemode.env", "VOICEMODE_LLM_URL=http://x\nVOICEMODE_ECHO=less\n")
    with caplog.at_level(logging.WARNING), pytest.raises(SettingsError, match="VOICEMODE_ECHO"):
        load_settings(environment={"VOICEMODE_MIK": "null:"}, directory=project, home=home)
    assert caplog.messages == [
        f"Not used: VOICEMODE_LLM_URL ({file}:1); voicemode config path says why.",
        "Unknown in the environment: VOICEMODE_MIK (did you mean VOICEMODE_MIC?).",
    ]


def test_nothing_is_read_that_was_not_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(tmp_path, "VOICEMODE_ECHO=off\n")
    write(tmp_path / ".voicemode.env", "VOICEMODE_ECHO=off\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VOICEMODE_ECHO", "off")
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={}).echo == "auto"


def test_a_file_belongs_to_whoever_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "file", "")
    assert not places.belongs_to_somebody_else(file)
    assert not places.belongs_to_somebody_else(tmp_path / "gone")
    if file.stat().st_uid:
        monkeypatch.setattr("os.geteuid", lambda: file.stat().st_uid + 1)
    else:
        os.chown(file, 12345, -1)
    assert places.belongs_to_somebody_else(file)
