"""``voicemode config``, and that commands take their defaults from what it shows."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from voicemode import Settings
from voicemode.cli.talk_agent import AgentChoice
from voicemode.config.table import SETTINGS

from .conftest import Run

HEARD = ["converse", "hi"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is configured; the working directory is a project below."""
    for name in [name for name in os.environ if name.startswith("VOICEMODE_") or name in {"VISUAL", "OPENAI_API_KEY"}]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "home"


@pytest.fixture
def own(home: Path) -> Path:
    file = home / ".voicemode" / "voicemode.env"
    file.parent.mkdir()
    return file


@pytest.fixture
def project(home: Path) -> Path:
    return Path.cwd() / ".voicemode.env"


@pytest.fixture
def settings_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """What a command would open a conversation with."""
    seen: list[Settings] = []

    def take(settings: Settings, *_: object, **__: object) -> int:
        seen.append(settings)
        return 0

    for command in ("converse", "say", "listen"):
        monkeypatch.setattr(import_module(f"voicemode.cli.{command}"), "run_turn", take)

    def of(*args: str) -> Settings:
        ran = run(*args)
        assert (ran.code, ran.err) == (0, "")
        return seen.pop()

    return of


def test_an_option_goes_before_the_environment_that_before_the_files(
    settings_of: Callable[..., Settings], own: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text("VOICEMODE_TTS_SPEED=1.1\n")
    assert settings_of(*HEARD).speed == 1.1
    project.write_text("VOICEMODE_TTS_SPEED=1.2\n")
    assert settings_of(*HEARD).speed == 1.2
    monkeypatch.setenv("VOICEMODE_TTS_SPEED", "1.3")
    assert settings_of(*HEARD).speed == 1.3
    assert settings_of(*HEARD, "--speed", "1.4").speed == 1.4


OPTIONS: dict[str, tuple[str, Callable[[Settings], object], object]] = {
    "VOICEMODE_MIC": ("null:", lambda settings: settings.microphone, "null:"),
    "VOICEMODE_SPEAKER": ("null:", lambda settings: settings.speaker, "null:"),
    "VOICEMODE_DEVICE_WAIT": ("0", lambda settings: settings.turn.device_wait, 0.0),
    "VOICEMODE_ECHO": ("guard", lambda settings: settings.echo, "guard"),
    "VOICEMODE_NOISE_SUPPRESSION": ("on", lambda settings: settings.noise_suppression, True),
    "VOICEMODE_GAIN_CONTROL": ("1", lambda settings: settings.gain_control, True),
    "VOICEMODE_AUDIO_FEEDBACK": ("no", lambda settings: settings.chimes, False),
    "VOICEMODE_TTS": ("espeak", lambda settings: settings.tts, "espeak"),
    "VOICEMODE_STT": ("whisper,pocketsphinx", lambda settings: settings.stt, ("whisper", "pocketsphinx")),
    "VOICEMODE_VOICE": ("de", lambda settings: settings.voice, "de"),
    "VOICEMODE_TTS_SPEED": ("2", lambda settings: settings.speed, 2.0),
    "VOICEMODE_PHRASES": ("yes,no way", lambda settings: settings.phrases, ("yes", "no way")),
    "VOICEMODE_DEFAULT_LISTEN_DURATION": ("30", lambda settings: settings.turn.longest, 30.0),
    "VOICEMODE_NO_SPEECH_TIMEOUT": ("3", lambda settings: settings.turn.no_speech, 3.0),
    "VOICEMODE_MIN_RECORDING_DURATION": ("2", lambda settings: settings.turn.least, 2.0),
    "VOICEMODE_BARGE_IN_POLICY": ("ignore", lambda settings: settings.turn.barge_in.manners, "ignore"),
    "VOICEMODE_BASE_DIR": ("~/voices", lambda settings: str(settings.base_dir), "{home}/voices"),
    "VOICEMODE_SAVE_AUDIO": ("true", lambda settings: settings.save_audio, True),
    "VOICEMODE_CONTROL_CHANNEL_ENABLED": ("on", lambda settings: settings.control, True),
}


WITHOUT_OPTION: dict[str, tuple[str, Callable[[Settings], object], object]] = {
    "VOICEMODE_SILENCE_THRESHOLD_MS": ("900", lambda settings: settings.endpoint.hangover, 0.9),
    "VOICEMODE_VAD_THRESHOLD": ("0.6", lambda settings: settings.endpoint.start, 0.6),
    "VOICEMODE_VAD_RELEASE": ("0.3", lambda settings: settings.endpoint.stop, 0.3),
    "VOICEMODE_TTS_BASE_URLS": (
        "http://a/v1, http://b/v1",
        lambda settings: settings.tts_urls,
        ("http://a/v1", "http://b/v1"),
    ),
    "VOICEMODE_STT_BASE_URLS": ("http://a/v1", lambda settings: settings.stt_urls, ("http://a/v1",)),
    "VOICEMODE_ALWAYS_TRY_LOCAL": ("no", lambda settings: settings.look_around, False),
    "VOICEMODE_PREFER_LOCAL": ("no", lambda settings: settings.prefer_local, False),
    "VOICEMODE_ALLOW_REMOTE": ("yes", lambda settings: settings.allow_remote, True),
    "VOICEMODE_PROVIDER_SILENCE": ("3", lambda settings: settings.silence, 3.0),
    "VOICEMODE_HEDGE": ("yes", lambda settings: settings.hedge, True),
    "VOICEMODE_VOICES": ("bf_emma,nova", lambda settings: settings.voices, ("bf_emma", "nova")),
    "VOICEMODE_TTS_MODELS": ("tts-1-hd", lambda settings: settings.tts_models, ("tts-1-hd",)),
    "VOICEMODE_STT_MODEL": ("base", lambda settings: settings.stt_model, "base"),
    "VOICEMODE_STT_PROMPT": ("Kokoro", lambda settings: settings.stt_prompt, "Kokoro"),
    "VOICEMODE_CONTROL_SOCKET": ("/run/me/sock", lambda settings: str(settings.control_socket), "/run/me/sock"),
    "VOICEMODE_CONTROL_PAUSE_TIMEOUT": ("60", lambda settings: settings.longest_pause, 60.0),
    "VOICEMODE_CONTROL_PAUSE_TIMEOUT_ACTION": ("resume", lambda settings: settings.after_pause, "resume"),
    "VOICEMODE_WHISPER_LANGUAGE": ("de", lambda settings: settings.stt_language, "de"),
    "VOICEMODE_WHISPER_PORT": ("1", lambda settings: settings.whisper_port, 1),
    "VOICEMODE_KOKORO_PORT": ("65535", lambda settings: settings.kokoro_port, 65535),
    "VOICEMODE_MLX_AUDIO_PORT": ("3", lambda settings: settings.mlx_audio_port, 3),
    "VOICEMODE_KOKORO_DEFAULT_VOICE": ("bf_emma", lambda settings: settings.kokoro_voice, "bf_emma"),
    "VOICEMODE_TTS_AUDIO_FORMAT": ("opus", lambda settings: settings.tts_format, "opus"),
    "VOICEMODE_STT_COMPRESS": ("never", lambda settings: settings.stt_compress, "never"),
    "VOICEMODE_BARGE_IN": ("no", lambda settings: settings.turn.interruptible, False),
    "VOICEMODE_BARGE_IN_MIN_MS": ("300", lambda settings: settings.turn.barge_in.min_speech, 0.3),
    "VOICEMODE_ENDPOINT_MIN_MS": ("250", lambda settings: settings.turn.delay.shortest, 0.25),
    "VOICEMODE_ENDPOINT_MAX_MS": ("2000", lambda settings: settings.turn.delay.longest, 2.0),
    "VOICEMODE_TURN_MODEL": ("smart-turn", lambda settings: settings.turn_model, "smart-turn"),
    "VOICEMODE_DRAFTS": ("1", lambda settings: settings.turn.drafts, 1),
    "VOICEMODE_SPECULATIVE_REPLIES": ("yes", lambda settings: settings.speculative_replies, True),
    "VOICEMODE_DISABLE_SILENCE_DETECTION": ("yes", lambda settings: settings.turn.ignore_silence, True),
    "VOICEMODE_BARGE_IN_DUCK": ("0.5", lambda settings: settings.turn.barge_in.duck, 0.5),
    "VOICEMODE_BARGE_IN_MIN_WORDS": ("2", lambda settings: settings.turn.barge_in.min_words, 2),
    "VOICEMODE_BARGE_IN_PROTECTED_MS": ("500", lambda settings: settings.turn.barge_in.protected, 0.5),
    "VOICEMODE_BACKCHANNELS": ("none", lambda settings: settings.turn.barge_in.backchannels, ()),
    "VOICEMODE_STOP_WORDS": ("halt, enough", lambda settings: settings.turn.barge_in.stop_words, ("halt", "enough")),
    "VOICEMODE_REPEAT_PHRASES": ("again", lambda settings: settings.turn.spoken.repeat, ("again",)),
    "VOICEMODE_WAIT_PHRASES": ("none", lambda settings: settings.turn.spoken.wait, ()),
    "VOICEMODE_END_PHRASES": ("over", lambda settings: settings.turn.spoken.end, ("over",)),
    "VOICEMODE_STOP_PHRASES": ("goodbye", lambda settings: settings.turn.spoken.stop, ("goodbye",)),
    "VOICEMODE_REPEAT_MAX_LEADING_WORDS": ("2", lambda settings: settings.turn.spoken.repeat_leading, 2),
    "VOICEMODE_WAIT_MAX_LEADING_WORDS": ("3", lambda settings: settings.turn.spoken.wait_leading, 3),
    "VOICEMODE_WAIT_DURATION": ("30", lambda settings: settings.turn.rest, 30.0),
    "VOICEMODE_AWAY_AFTER": ("20", lambda settings: settings.turn.away, 20.0),
    "VOICEMODE_SAVE_TRANSCRIPTIONS": ("yes", lambda settings: settings.save_transcriptions, True),
    "VOICEMODE_EVENT_LOG_ENABLED": ("yes", lambda settings: settings.event_log, True),
    "VOICEMODE_TELEMETRY": ("jsonl", lambda settings: settings.telemetry, "jsonl"),
    "VOICEMODE_TELEMETRY_CONTENT": ("yes", lambda settings: settings.telemetry_content, True),
    "VOICEMODE_KEEP_DAYS": ("30", lambda settings: settings.keep_days, 30.0),
    "VOICEMODE_KEEP_MEGABYTES": ("0", lambda settings: settings.keep_megabytes, 0.0),
    "VOICEMODE_HISTORY_BUFFER_SIZE": ("3", lambda settings: settings.history, 3),
    "VOICEMODE_CONCH_ENABLED": ("no", lambda settings: settings.floor, False),
    "VOICEMODE_CONCH_TIMEOUT": ("60", lambda settings: settings.floor_wait, 60.0),
    "VOICEMODE_CONCH_CHECK_INTERVAL": ("0.1", lambda settings: settings.floor_check, 0.1),
    "VOICEMODE_CONCH_HOLD_EXPIRY": ("0", lambda settings: settings.floor_hold, 0.0),
}


@pytest.mark.parametrize("command", [HEARD, ["say", "hi"], ["listen"]], ids=lambda command: command[0])
@pytest.mark.parametrize("name", WITHOUT_OPTION)
def test_what_has_no_option_reaches_the_conversation_too(
    settings_of: Callable[..., Settings], own: Path, command: list[str], name: str
) -> None:
    value, field, meant = WITHOUT_OPTION[name]
    own.write_text(f"{name}={value}\n")
    assert field(settings_of(*command)) == meant


def test_it_reaches_a_talk_too(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []

    class Seen(Exception):
        pass

    def take(_: AgentChoice, settings: Settings, *__: object) -> None:
        seen.append(settings)
        raise Seen

    monkeypatch.setattr("voicemode.cli.talking.Talk", take)
    own.write_text("".join(f"{name}={value}\n" for name, (value, _, _) in (OPTIONS | WITHOUT_OPTION).items()))
    with pytest.raises(Seen):
        run("talk", "--agent", "a:b", "--base-dir", "{home}/voices")
    assert all(field(seen[0]) == meant for _, field, meant in (OPTIONS | WITHOUT_OPTION).values())


def test_every_setting_of_a_conversation_is_tried_here() -> None:
    assert {name for name, setting in SETTINGS.items() if setting.field} == {*OPTIONS, *WITHOUT_OPTION}


@pytest.mark.parametrize("where", ["environment", "file"])
@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_configured_is_the_default_of_an_option(
    settings_of: Callable[..., Settings],
    home: Path,
    own: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    where: str,
) -> None:
    value, field, meant = OPTIONS[name]
    if where == "environment":
        monkeypatch.setenv(name, value)
    else:
        file = own if SETTINGS[name].kept_from("project", value) else project
        file.write_text(f"{name}='{value}'\n")
    assert field(settings_of(*HEARD)) == (meant.format(home=home) if isinstance(meant, str) else meant)


def test_a_switch_that_is_on_for_good_can_be_off_for_once(settings_of: Callable[..., Settings], own: Path) -> None:
    own.write_text("VOICEMODE_SAVE_AUDIO=on\nVOICEMODE_NOISE_SUPPRESSION=on\nVOICEMODE_GAIN_CONTROL=on\n")
    settings = settings_of(*HEARD, "--no-save-audio", "--no-noise-suppression", "--no-gain-control")
    assert (settings.save_audio, settings.noise_suppression, settings.gain_control) == (False, False, False)


def test_everything_is_saved_but_for_what_is_said_otherwise(settings_of: Callable[..., Settings], own: Path) -> None:
    own.write_text("VOICEMODE_SAVE_ALL=on\n")
    assert (settings_of(*HEARD).save_audio, settings_of(*HEARD).save_transcriptions) == (True, True)
    assert not settings_of(*HEARD, "--no-save-audio").save_audio
    own.write_text("VOICEMODE_SAVE_ALL=on\nVOICEMODE_SAVE_AUDIO=off\n")
    assert (settings_of(*HEARD).save_audio, settings_of(*HEARD).save_transcriptions) == (False, True)


@pytest.mark.parametrize(
    "line",
    [
        "VOICEMODE_SAVE_TRANSCRIPTIONS=on",
        "VOICEMODE_SAVE_ALL=on",
        "VOICEMODE_EVENT_LOG_ENABLED=on",
        "VOICEMODE_TELEMETRY=otel",
        "VOICEMODE_TELEMETRY_CONTENT=on",
        "VOICEMODE_KEEP_DAYS=1",
        "VOICEMODE_KEEP_MEGABYTES=1",
    ],
)
def test_no_project_writes_down_what_is_said_or_removes_it(
    run: Run, settings_of: Callable[..., Settings], project: Path, line: str
) -> None:
    project.write_text(f"{line}\n")
    assert "a project's file may not decide this" in run("config", "path").out


def test_only_who_is_asked_to_opens_the_other_device(settings_of: Callable[..., Settings], own: Path) -> None:
    own.write_text("VOICEMODE_MIC=null:\nVOICEMODE_SPEAKER=null:\n")
    assert settings_of("say", "hi").microphone is None
    assert settings_of("listen").speaker is None


def test_headphones_go_before_what_is_configured_about_echo(settings_of: Callable[..., Settings], own: Path) -> None:
    own.write_text("VOICEMODE_ECHO=guard\n")
    assert settings_of(*HEARD, "--headphones").echo == "off"


def test_transcribe_takes_phrases_from_the_configuration(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def take(*args: object) -> None:
        seen.append(args[2])
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("voicemode.cli.transcribe").trio, "run", take)
    own.write_text("VOICEMODE_PHRASES=yes,no\n")
    run("transcribe", "x.wav")
    (settings,) = seen
    assert isinstance(settings, Settings)
    assert (settings.stt, settings.phrases) == ("auto", ("yes", "no"))


@pytest.fixture
def agent_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AgentChoice]:
    """Whom ``talk`` would talk with."""
    seen: list[AgentChoice] = []

    class Seen(Exception):
        pass

    def take(choice: AgentChoice, *_: object) -> None:
        seen.append(choice)
        raise Seen

    monkeypatch.setattr("voicemode.cli.talking.Talk", take)

    def of(*args: str) -> AgentChoice:
        with pytest.raises(Seen):
            run("talk", *args)
        return seen.pop()

    return of


def test_talk_takes_its_agent_from_the_configuration(agent_of: Callable[..., AgentChoice], own: Path) -> None:
    own.write_text("VOICEMODE_LLM_URL=http://x/v1\nVOICEMODE_LLM_MODEL=m\nVOICEMODE_LLM_SYSTEM=s\n")
    choice = agent_of()
    assert (choice.url, choice.model, choice.system) == ("http://x/v1", "m", "s")
    assert agent_of("--llm-url", "http://y/v1").url == "http://y/v1"


@pytest.mark.parametrize("other", [["--agent", "a:b"], ["--agent-command", "cat"]])
def test_another_agent_on_the_command_line_goes_before_the_configured_one(
    agent_of: Callable[..., AgentChoice], own: Path, other: list[str]
) -> None:
    own.write_text("VOICEMODE_LLM_URL=http://x/v1\nVOICEMODE_LLM_MODEL=m\nVOICEMODE_LLM_SYSTEM=s\n")
    choice = agent_of(*other)
    assert (choice.url, choice.model, choice.system) == (None, None, None)


def test_help_tells_the_setting_and_the_default_as_it_is(run: Run, own: Path) -> None:
    assert "[VOICEMODE_DEFAULT_LISTEN_DURATION] [default: 120.0]" in " ".join(run("listen", "--help").out.split())
    own.write_text("VOICEMODE_DEFAULT_LISTEN_DURATION=30\nVOICEMODE_AUDIO_FEEDBACK=off\n")
    shown = " ".join(run("listen", "--help").out.split())
    assert "[VOICEMODE_DEFAULT_LISTEN_DURATION] [default: 30.0]" in shown
    assert "[VOICEMODE_AUDIO_FEEDBACK] [default: no-chimes]" in shown.replace("- ", "-")


EVERY = {
    "converse": HEARD,
    "say": ["say", "hi"],
    "listen": ["listen"],
    "talk": ["talk"],
    "transcribe": ["transcribe", "x.wav"],
    "devices": ["devices"],
    "script": ["script", "x.toml"],
    "config list": ["config", "list"],
    "config get": ["config", "get", "VOICEMODE_MIC"],
}


@pytest.mark.parametrize("command", EVERY.values(), ids=EVERY)
def test_a_file_with_a_fault_is_bad_usage_of_every_command(run: Run, own: Path, command: list[str]) -> None:
    own.write_text("\nVOICEMODE_MICK=null:\n")
    ran = run(*command)
    assert ran.code == 2
    said = f"{own}:2: there is no setting VOICEMODE_MICK, did you mean VOICEMODE_MIC?"
    assert ran.complaint == f"voicemode: {said}"
    if command[:2] != ["config", "get"]:
        assert run(*command, "--json").json == {"error": {"message": said, "type": "SettingsError"}}


def test_all_that_is_wrong_is_said_at_once_and_in_order(
    run: Run, own: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEMODE_HEDGE", "perhaps")
    project.write_text("VOICEMODE_ECHO=less\nVOICEMODE_VOICE=de\n")
    own.write_text("VOICEMODE_MICK=null:\nhello\nVOICEMODE_VOICE=de\nVOICEMODE_VOICE='de\nVOICEMODE_DEVICE_WAIT=-1\n")
    said = [
        "VOICEMODE_HEDGE in the environment cannot be 'perhaps': write true or false.",
        f"{project}:1: VOICEMODE_ECHO cannot be 'less': write auto, cancel, guard or off.",
        f"{own}:1: there is no setting VOICEMODE_MICK, did you mean VOICEMODE_MIC?",
        f"{own}:2: this is not NAME=VALUE, a comment or empty.",
        f"{own}:4: VOICEMODE_VOICE has a quote that is not closed.",
        f"{own}:5: VOICEMODE_DEVICE_WAIT cannot be '-1': write a number of seconds from 0.",
    ]
    ran = run("listen", "--json")
    assert ran.code == 2
    assert ran.err.splitlines() == [f"voicemode: {line}" for line in said]
    assert ran.json == {"error": {"message": "\n".join(said), "type": "SettingsError"}}
    assert run("config", "path").err == ran.err


def test_a_file_that_cannot_be_read_hides_no_other(run: Run, own: Path, project: Path) -> None:
    project.write_bytes(b"VOICEMODE_VOICE=\xff\n")
    own.write_text("VOICEMODE_ECHO=less\n")
    first, second = run("listen").err.splitlines()
    assert f"{project}:1: this is not valid UTF-8." in first
    assert f"{own}:1: VOICEMODE_ECHO" in second


def test_what_has_no_effect_is_told_beside_what_is_wrong(
    run: Run, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project.write_text("VOICEMODE_ECHO=less\nVOICEMODE_LLM_URL=http://x\nVOICEMODE_VAD_RELEASE=0.9\n")
    ran = run("listen")
    assert ran.code == 2
    assert [line.partition(" cannot be")[0] for line in ran.err.splitlines()] == [
        f"voicemode: {project}:1: VOICEMODE_ECHO",
        f"voicemode: VOICEMODE_VAD_RELEASE ({project}:3)",
    ]
    assert caplog.messages == [f"Not used: VOICEMODE_LLM_URL ({project}:2); voicemode config path says why."]
    path = run("config", "path")
    assert path.err == ran.err
    assert f"not used: VOICEMODE_LLM_URL ({project}:2): a project's file may not decide this" in path.out


def test_what_has_no_effect_is_one_warning(
    settings_of: Callable[..., Settings], own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own.write_text("VOICEMODE_STT_MODELS=base\nVOICEMODE_MCP_URL=true\n")
    settings_of(*HEARD)
    (line,) = caplog.messages
    assert line.startswith(f"Not used: VOICEMODE_STT_MODELS ({own}:1), VOICEMODE_MCP_URL ({own}:2);")


def test_of_many_without_effect_is_told_how_many_and_where_they_are_listed(
    run: Run,
    own: Path,
    settings_of: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own.write_text("VOICEMODE_STT_MODELS=base\nVOICEMODE_MCP_URL=true\n")
    monkeypatch.setenv("VOICEMODE_DEBUG", "true")
    settings_of(*HEARD)
    (line,) = caplog.messages
    assert line == f"3 settings in the environment and {own} are not used; voicemode config path lists them."
    listed = run("config", "path").out
    for name in ("STT_MODELS", "MCP_URL", "DEBUG"):
        assert f"not used: VOICEMODE_{name} (" in listed


def test_list_has_every_setting_with_value_origin_and_use(
    run: Run, own: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text("VOICEMODE_LLM_URL=https://me:hush@x/v1\nVOICEMODE_VOICES_DIR=x\n")
    monkeypatch.setenv("VOICEMODE_LLM_KEY", "hush")
    project.write_text("VOICEMODE_PHRASES='yes, no'\n")
    monkeypatch.setenv("VOICEMODE_SAVE_AUDIO", "1")
    ran = run("config", "list")
    assert (ran.code, ran.err) == (0, "")
    assert all(f"\n{name}=" in f"\n{ran.out}" and setting.doc in ran.out for name, setting in SETTINGS.items())
    assert f"VOICEMODE_LLM_URL=https://…@x/v1  ({own}:1)\n" in ran.out
    assert "VOICEMODE_LLM_KEY=set  (environment)\n" in ran.out
    assert "OPENAI_API_KEY=unset  (default)\n" in ran.out
    assert f"VOICEMODE_PHRASES=yes, no  ({project}:1)\n" in ran.out
    assert "VOICEMODE_SAVE_AUDIO=1  (environment)\n" in ran.out
    assert f"not used: VOICEMODE_VOICES_DIR ({own}:2): speech services are named with" in ran.out
    assert "hush" not in ran.out


def test_list_as_json(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_LLM_KEY", "hush")
    urls = "VOICEMODE_TTS_BASE_URLS=https://me:hush@y/v1,http://z/v1"
    unused = "VOICEMODE_VOICES_DIR=x"
    own.write_text(f"VOICEMODE_LLM_URL=https://me:hush@x/v1\nVOICEMODE_PHRASES=yes,no\n{unused}\n{urls}\n")
    ran = run("config", "list", "--json")
    listed: dict[str, dict[str, Any]] = {each["name"]: each for each in ran.json["settings"]}
    assert set(listed) == set(SETTINGS)
    assert (listed["VOICEMODE_LLM_KEY"]["value"], listed["VOICEMODE_LLM_KEY"]["set"]) == (None, True)
    assert listed["VOICEMODE_PHRASES"]["value"] == ["yes", "no"]
    assert listed["VOICEMODE_TTS_BASE_URLS"]["value"] == ["https://…@y/v1", "http://z/v1"]
    assert listed["VOICEMODE_PHRASES"]["origin"] == f"{own}:2"
    assert (listed["VOICEMODE_SAVE_AUDIO"]["value"], listed["VOICEMODE_SAVE_AUDIO"]["set"]) == (False, False)
    assert listed["VOICEMODE_BASE_DIR"]["value"] == "~/.voicemode"
    assert [each["name"] for each in ran.json["unused"]] == ["VOICEMODE_VOICES_DIR"]
    assert "hush" not in ran.out


def test_get_prints_one_value(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hush")
    own.write_text("VOICEMODE_VOICE=de\n")
    assert run("config", "get", "VOICEMODE_VOICE").out == "de\n"
    assert run("config", "get", "VOICEMODE_ECHO").out == "auto\n"
    assert run("config", "get", "OPENAI_API_KEY").out == "set\n"
    assert run("config", "get", "VOICEMODE_LLM_KEY").out == "unset\n"
    ran = run("config", "get", "VOICEMODE_VOICED")
    assert (ran.code, ran.complaint) == (
        2,
        "voicemode: there is no setting VOICEMODE_VOICED, did you mean VOICEMODE_VOICE?",
    )


def test_set_makes_the_file_from_the_template_and_get_finds_it(run: Run, home: Path) -> None:
    assert run("config", "set", "VOICEMODE_VOICE", "en gb").code == 0
    file = home / ".voicemode" / "voicemode.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "# VOICEMODE_VOICE=\nVOICEMODE_VOICE='en gb'\n" in file.read_text()
    assert run("config", "get", "VOICEMODE_VOICE").out == "en gb\n"
    assert [path.name for path in file.parent.iterdir()] == ["voicemode.env"]


def test_set_keeps_comments_order_mode_and_links(run: Run, own: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.env"
    real.write_text("# mine\nVOICEMODE_ECHO=off # why\nVOICEMODE_VOICE=de\n")
    real.chmod(0o640)
    own.symlink_to(real)
    assert run("config", "set", "VOICEMODE_ECHO", "guard").code == 0
    assert real.read_text() == "# mine\nVOICEMODE_ECHO=guard # why\nVOICEMODE_VOICE=de\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert own.is_symlink()


def test_set_writes_to_the_project_when_asked(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("config", "set", "--project", "VOICEMODE_ECHO", "off").code == 0
    (project.parent / "deep").mkdir()
    monkeypatch.chdir(project.parent / "deep")
    assert run("config", "set", "--project", "VOICEMODE_VOICE", "de").code == 0
    assert "\nVOICEMODE_ECHO=off\n" in project.read_text()
    assert "\nVOICEMODE_VOICE=de\n" in project.read_text()
    assert not list(Path.cwd().iterdir())


REFUSED = {
    "unknown": (["VOICEMODE_MICK", "null:"], "did you mean VOICEMODE_MIC?"),
    "bad value": (["VOICEMODE_ECHO", "less"], "VOICEMODE_ECHO cannot be 'less': write auto, cancel, guard or off."),
    "not together": (["VOICEMODE_VAD_RELEASE", "0.9"], "RELEASE (0.9) must not be above VOICEMODE_VAD_THRESHOLD (0.5)"),
    "key": (
        ["VOICEMODE_LLM_KEY", "hush"],
        "leave the key out here, and voicemode config set VOICEMODE_LLM_KEY asks for it",
    ),
    "not in a project": (["--project", "VOICEMODE_LLM_URL", "http://x"], "a project's file may not decide this"),
    "control character": (["VOICEMODE_VOICE", "a\x1b"], "a character that cannot be printed"),
    "bytes": (["VOICEMODE_VOICE", "\udcff"], "not valid UTF-8"),
}


@pytest.mark.parametrize(("args", "reason"), REFUSED.values(), ids=REFUSED)
def test_set_writes_nothing_that_cannot_be(run: Run, own: Path, project: Path, args: list[str], reason: str) -> None:
    own.write_text("VOICEMODE_VOICE=de\n")
    ran = run("config", "set", *args)
    assert ran.code == 2
    assert reason in ran.complaint
    assert own.read_text() == "VOICEMODE_VOICE=de\n"
    assert not project.exists()


def test_set_says_when_something_goes_before_it(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_ECHO", "off")
    ran = run("config", "set", "VOICEMODE_ECHO", "guard")
    assert (ran.code, ran.complaint) == (
        0,
        f"voicemode: VOICEMODE_ECHO is written to {own}, but environment goes before it",
    )


def test_set_and_unset_repair_a_file_and_say_what_is_left(run: Run, own: Path) -> None:
    own.write_text("VOICEMODE_ECHO=less\nVOICEMODE_ECHO=more\nVOICEMODE_MICK=null:\nhello\n")
    ran = run("config", "set", "VOICEMODE_ECHO", "off")
    assert ran.code == 0
    first, second = ran.err.splitlines()
    assert first.startswith("voicemode: there is still something wrong: ")
    assert "VOICEMODE_MICK" in first
    assert "this is not NAME=VALUE" in second
    ran = run("config", "unset", "VOICEMODE_MICK")
    assert f"{own}:2: this is not NAME=VALUE" in ran.complaint
    assert own.read_text() == "VOICEMODE_ECHO=off\nhello\n"


def test_unset_takes_a_value_out(run: Run, own: Path) -> None:
    own.write_text("# a\nVOICEMODE_ECHO=off\n\nVOICEMODE_VOICE=de\n")
    assert run("config", "unset", "VOICEMODE_ECHO").err == ""
    assert own.read_text() == "# a\n\nVOICEMODE_VOICE=de\n"
    ran = run("config", "unset", "VOICEMODE_ECHO")
    assert (ran.code, ran.complaint) == (0, f"voicemode: VOICEMODE_ECHO is not in {own}")


def test_edit_opens_the_editor_and_says_what_is_wrong(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / ".voicemode" / "voicemode.env"
    editor = f"{sys.executable} -c \"import sys; print('VOICEMODE_ECHO=less', file=open(sys.argv[1], 'a'))\""
    monkeypatch.setenv("EDITOR", editor)
    ran = run("config", "edit")
    assert ran.code == 2
    assert f"{file}:" in ran.complaint
    assert "VOICEMODE_ECHO cannot be 'less'" in ran.complaint
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("EDITOR", f"{sys.executable} -c pass")
    assert run("config", "edit").code == 2
    monkeypatch.setenv("VISUAL", "nonesuch")
    assert "The editor 'nonesuch' failed" in run("config", "edit").complaint


def test_without_an_editor_the_file_is_named(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    ran = run("config", "edit")
    assert ran.code == 2
    assert str(home / ".voicemode" / "voicemode.env") in ran.complaint


def test_a_projects_file_of_somebody_else_is_named_and_left_alone(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_text("VOICEMODE_ECHO=less\n")
    for module in ("cli.config", "config.layers"):
        monkeypatch.setattr(
            import_module(f"voicemode.{module}"), "belongs_to_somebody_else", lambda path: path == project
        )
    assert f"project: {project} (not read: it belongs to somebody else)\n" in run("config", "path").out
    assert "belongs to somebody else" in run("config", "set", "--project", "VOICEMODE_ECHO", "off").complaint


def test_path_names_the_files_in_order(run: Run, own: Path, project: Path) -> None:
    ran = run("config", "path")
    assert (ran.code, ran.err) == (0, "")
    environment, of_project, of_user = ran.out.splitlines()
    assert environment == "environment"
    assert of_project.startswith("project: none")
    assert of_user == f"user: {own} (not there)"
    own.write_text("VOICEMODE_MCP_URL=true\n")
    project.write_text("")
    assert run("config", "path").out.splitlines()[1:] == [
        f"project: {project}",
        f"user: {own}",
        f"not used: VOICEMODE_MCP_URL ({own}:1): there is no server for the web yet",
    ]


def test_path_works_with_files_that_do_not(run: Run, own: Path) -> None:
    own.write_text("hello\n")
    ran = run("config", "path")
    assert (ran.code, len(ran.out.splitlines())) == (0, 3)
    assert ran.err == f"voicemode: {own}:1: this is not NAME=VALUE, a comment or empty.\n"


def test_a_directory_that_was_removed_has_no_project(run: Run, own: Path) -> None:
    own.write_text("VOICEMODE_VOICE=de\n")
    Path.cwd().rmdir()
    assert run("config", "get", "VOICEMODE_VOICE").out == "de\n"
    assert "working directory was removed" in run("config", "set", "--project", "VOICEMODE_VOICE", "en").complaint


@pytest.mark.parametrize("command", ["list", "get", "set", "unset", "edit", "path"])
def test_every_part_explains_itself(run: Run, command: str) -> None:
    assert command in run("config").out
    ran = run("config", command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: voicemode config {command}")
