"""One table of settings: what it says of defaults, options and fields is so, and the documentation says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from attrs import AttrsInstance

from voicemode import Settings
from voicemode.audio import uri
from voicemode.cli import commands
from voicemode.cli.options import OnlyIfNamed
from voicemode.config import Configuration, read_configuration
from voicemode.config.document import template, with_table
from voicemode.config.env_file import scan
from voicemode.config.kinds import SCHEMES
from voicemode.config.table import SETTINGS, Setting
from voicemode.config.upstream import why_unused

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
HOME = Path.home()

every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def plain(configuration: Configuration) -> dict[str, object]:
    return {name: value.value for name, value in configuration.values.items()}


def field_of(settings: AttrsInstance, path: str) -> object:
    found: object = settings
    for name in path.split("."):
        found = getattr(found, name)
    return found


@every_setting
def test_a_default_is_that_of_the_field(setting: Setting) -> None:
    if setting.field is None:
        return
    default = setting.parse("")
    meant = field_of(Settings(), setting.field)
    if setting.name in {"VOICEMODE_MIC", "VOICEMODE_SPEAKER"}:
        assert (meant, default) == (None, "portaudio:")
    elif isinstance(meant, Path):
        assert HOME / str(default).removeprefix("~/") == meant
    elif isinstance(default, float):
        assert default / setting.per == meant
    else:
        assert (() if default is None and meant == () else default) == meant


def every_command() -> Iterator[click.Command]:
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        yield command


@every_setting
def test_a_default_is_that_of_the_option(setting: Setting) -> None:
    options = [
        option
        for command in every_command()
        for option in command.params
        if setting.option in option.opts and not isinstance(option, OnlyIfNamed)
    ]
    assert bool(options) == (setting.option is not None)
    for option in options:
        assert isinstance(option, click.Option)
        assert f"[{setting.name}]" in str(option.help)
        default = option.get_default(click.Context(click.Command("")))
        if isinstance(default, Path):
            assert str(default) == setting.default
        else:
            # click has a sign of its own for no default
            assert (default if isinstance(default, str | int | float) else None) == setting.parse("")


@every_setting
def test_a_setting_is_documented_in_one_sentence(setting: Setting) -> None:
    assert setting.doc.endswith(".")
    assert "|" not in setting.doc + setting.kind.wanted


def test_no_setting_is_also_called_unused() -> None:
    assert [name for name in SETTINGS if why_unused(name)] == []


@pytest.mark.parametrize(
    "name", ["VOICEMODE_TTS_MODELS_OPENAI", "VOICEMODE_PRONOUNCE_2", "VOICE_MODE_AUTO_START_KOKORO"]
)
def test_what_voicemode_8_has_besides_is_known(name: str) -> None:
    assert why_unused(name)


def test_the_page_has_the_table_as_it_is() -> None:
    page = PAGE.read_text()
    assert with_table(page) == page, "run: python -m voicemode.config docs/configuration.md"


def test_the_file_on_the_page_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"## Files\n\n```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / ".voicemode.env").write_text(example)
    said = read_configuration(environment={}, directory=tmp_path, home=None).values
    given = {name: value.value for name, value in said.items() if value.origin.layer == "project"}
    assert given == {
        "VOICEMODE_MIC": "portaudio:Jabra",
        "VOICEMODE_TTS_SPEED": 1.2,
        "VOICEMODE_LLM_SYSTEM": "Answer in one sentence.",
    }


def test_the_template_sets_nothing_and_names_everything() -> None:
    assert scan(template()) == []
    assert re.findall(r"^# ([A-Z_]+)=", template(), re.MULTILINE) == list(SETTINGS)


def test_the_template_with_every_comment_taken_away_says_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".voicemode.env").write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", template(), flags=re.MULTILINE))
    said = read_configuration(environment={}, directory=tmp_path, home=None)
    assert plain(said) == plain(read_configuration(environment={}, directory=None, home=None))


def test_the_schemes_are_those_there_are_devices_for() -> None:
    assert set(SCHEMES) == set(uri._MICROPHONES) == set(uri._SPEAKERS)
