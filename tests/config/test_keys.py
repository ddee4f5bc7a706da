"""Keys: from the environment and from the user's own file if nobody else can read it, from nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from voicemode import SettingsError
from voicemode.config import Configuration, load_settings, read_configuration
from voicemode.config.change import set_value
from voicemode.config.places import user_file
from voicemode.config.table import SETTINGS

KEYS = [name for name, setting in SETTINGS.items() if setting.secret]

every_key = pytest.mark.parametrize("name", KEYS)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def own(home: Path, text: str, mode: int = 0o600) -> Path:
    file = user_file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def read(home: Path, directory: Path | None = None, **environment: str) -> Configuration:
    return read_configuration(environment=environment, directory=directory, home=home)


def test_there_are_six() -> None:
    assert set(KEYS) == {"OPENAI_API_KEY", "VOICEMODE_STT_KEY", "VOICEMODE_TTS_KEY", "VOICEMODE_LLM_KEY"} | {
        "VOICEMODE_CONNECT_TOKEN",
        "VOICEMODE_GATEWAY_REDIS",
    }


@every_key
def test_a_key_may_stand_in_the_users_own_file(home: Path, name: str) -> None:
    file = own(home, f"# a comment\n{name}=hush\n")
    value = read(home).values[name]
    assert (value.shown, str(value.origin)) == ("set", f"{file}:2")
    settings = load_settings(environment={}, home=home)
    assert settings.keys == {name: "hush"}
    assert "hush" not in repr(settings)


@every_key
def test_the_environment_goes_before_the_file(home: Path, name: str) -> None:
    own(home, f"{name}=of-file\n")
    assert load_settings(environment={name: "of-environment"}, home=home).keys == {name: "of-environment"}


@every_key
def test_an_empty_value_in_the_environment_is_no_key(home: Path, name: str) -> None:
    own(home, f"{name}=of-file\n")
    assert load_settings(environment={name: ""}, home=home).keys == {}


def test_without_keys_the_processs_environment_is_left_to_be_asked(home: Path) -> None:
    assert load_settings(environment={}, home=home).keys == {}


@every_key
def test_a_projects_file_gives_no_key(home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / ".voicemode.env").write_text(f"{name}=hush\n")
    said = read(home, tmp_path)
    assert (said.values[name].text, [each.name for each in said.unused]) == ("", [name])
    assert said.unused[0].reason == "keys are read from the environment and from your own file alone"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_in_a_file_that_others_can_reach_is_refused(home: Path, mode: int) -> None:
    file = own(home, "\nOPENAI_API_KEY=hush\n", mode)
    with pytest.raises(SettingsError) as raised:
        read(home)
    assert str(raised.value) == (f"{file}:2: OPENAI_API_KEY is a key, and others can reach this file: chmod 600 {file}")
    file.chmod(0o600)
    assert read(home).values["OPENAI_API_KEY"].text == "hush"


def test_a_link_is_as_open_as_what_it_leads_to(home: Path, tmp_path: Path) -> None:
    file = own(home, "")
    file.unlink()
    (tmp_path / "dotfiles.env").write_text("OPENAI_API_KEY=hush\n")
    (tmp_path / "dotfiles.env").chmod(0o644)
    file.symlink_to(tmp_path / "dotfiles.env")
    with pytest.raises(SettingsError, match="chmod 600"):
        read(home)


def test_a_file_without_keys_may_be_read_by_anybody(home: Path) -> None:
    own(home, "VOICEMODE_VOICE=de\nOPENAI_API_KEY=\n", 0o644)
    assert read(home).values["VOICEMODE_VOICE"].text == "de"


@every_key
def test_a_file_that_gets_a_key_is_its_owners_alone_from_then_on(home: Path, name: str) -> None:
    file = own(home, "VOICEMODE_VOICE=de\n", 0o644)
    set_value(file, name, "hush", layer="user", configured=read(home))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_settings(environment={}, home=home).keys == {name: "hush"}


@pytest.mark.parametrize("text", ["", "a b", "hüsh", "hu\nsh"])
def test_what_is_no_key_is_not_written_and_not_shown(home: Path, text: str) -> None:
    file = own(home, "VOICEMODE_VOICE=de\n")
    with pytest.raises(SettingsError, match="What was given for OPENAI_API_KEY is no key") as raised:
        set_value(file, "OPENAI_API_KEY", text, layer="user", configured=None)
    assert "sh" not in str(raised.value).replace("standard", "")
    assert file.read_text() == "VOICEMODE_VOICE=de\n"


@pytest.mark.parametrize(
    "line", ["OPENAI_API_KEY='hush", "OPENAI_API_KEY hush", "OPENAI_API_KEY=hush\nOPENAI_API_KEY=hush"]
)
def test_no_fault_in_a_file_shows_a_key(home: Path, line: str) -> None:
    own(home, f"{line}\n")
    with pytest.raises(SettingsError) as raised:
        read(home)
    assert "hush" not in str(raised.value)
