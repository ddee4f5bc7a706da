"""``voicemode config``: what is configured and where, and changes of it.

``list`` and ``get`` need files without faults.  The others repair them: they touch nothing but the lines they are asked
to, and say afterwards what is still wrong.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click

from actors.errors import SettingsError, VoiceError

from ..config import Configuration, Value
from ..config.change import create, set_value, setting_called, unset_value
from ..config.configuration import without_password
from ..config.places import IN_PROJECT, belongs_to_somebody_else, is_file, project_file, user_file
from ..config.table import FileOf
from .defaults import here, home, read_here, survey_here
from .options import as_json, utf8
from .output import printable, write_json, write_line

in_project = click.option(
    "--project", is_flag=True, help="The nearest project's .voicemode.env, or one in this directory, not your own file."
)
of_key = click.argument("key", callback=utf8)


@click.group(invoke_without_command=True)
@click.pass_context
def config(context: click.Context) -> None:
    """Show and change the settings that commands take their defaults from."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@config.command("list")
@as_json
def list_settings(as_json: bool) -> int:
    """Every setting: its value, where that comes from, what it is for."""
    configuration = read_here()
    if as_json:
        unused = [
            {"name": each.name, "origin": str(each.origin), "reason": each.reason} for each in configuration.unused
        ]
        settings = [*map(_described, configuration.values.values())]
        write_json({"settings": settings, "unused": unused, "unknown": configuration.unknown})
        return 0
    for value in configuration.values.values():
        write_line(f"{value.setting.name}={printable(value.shown)}  ({printable(value.origin)})")
        write_line(f"    {value.setting.doc}")
    _tell_unused(configuration)
    return 0


@config.command()
@of_key
def get(key: str) -> int:
    """Print the value of KEY; of a secret only whether it is set."""
    setting_called(key)
    write_line(read_here().values[key].shown)
    return 0


@config.command("set")
@of_key
@click.argument("value", required=False, callback=utf8)
@in_project
def set_setting(key: str, value: str | None, project: bool) -> int:
    """Write KEY=VALUE to your file of settings.

    Of a key for a service leave VALUE out, or write - for it: it is asked for, or read from standard input, so that it
    is in no history.
    """
    layer, path = _target(project)
    if setting_called(key).secret:
        if value not in {None, "-"}:
            raise SettingsError(
                f"{key} was not set: what stands on a command line stays in the shell's history, so take it out there; "
                f"leave the key out here, and voicemode config set {key} asks for it or reads it from standard input."
            )
        value = _key_from_outside(key)
    elif value is None:
        raise click.UsageError("Missing argument 'VALUE'.")
    set_value(path, key, value, layer=layer, configured=_configured())
    after = _configured()
    _tell_wrong()
    if after is not None and (origin := after.values[key].origin).path != path:
        click.echo(
            f"voicemode: {key} is written to {printable(path)}, but {printable(origin)} goes before it", err=True
        )
    return 0


@config.command()
@of_key
@in_project
def unset(key: str, project: bool) -> int:
    """Take KEY out of your file of settings."""
    _, path = _target(project)
    if not unset_value(path, key):
        click.echo(f"voicemode: {printable(key)} is not in {printable(path)}", err=True)
    _tell_wrong()
    return 0


@config.command()
@in_project
def edit(project: bool) -> int:
    """Open your file of settings in $EDITOR, and say afterwards what is wrong with it."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    _, path = _target(project)
    if not editor:
        raise SettingsError(f"EDITOR is not set, so that no editor can be started; the file is {path}.")
    create(path)
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=True)  # noqa: S603 - it is the user's own
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise VoiceError(f"The editor {editor!r} failed: {error}.") from error
    configuration = survey_here()
    configuration.warn()
    configuration.refuse()
    return 0


@config.command("path")
def show_path() -> int:
    """Where settings are read from, what goes before comes first, and what in it is not used."""
    write_line("environment")
    for name, file in _files():
        write_line(f"{name}: {file}")
    configuration = survey_here()
    _tell_faults(configuration)
    _tell_unused(configuration)
    return 0


def _files() -> Iterator[tuple[str, str]]:
    directory = here()
    found = None if directory is None else project_file(directory, home())
    if found is None:
        yield "project", "none: there is no .voicemode.env in this directory or above it"
    elif belongs_to_somebody_else(found):
        yield "project", f"{printable(found)} (not read: it belongs to somebody else)"
    else:
        yield "project", printable(found)
    own = home()
    if own is None:
        yield "user", "none: there is no home directory"
    else:
        yield "user", printable(user_file(own)) + ("" if is_file(user_file(own)) else " (not there)")


def _target(project: bool) -> tuple[FileOf, Path]:
    directory, own = here(), home()
    if not project:
        if own is None:
            raise SettingsError("There is no home directory to keep settings in: set HOME.")
        return "user", user_file(own)
    if directory is None:
        raise SettingsError("The working directory was removed, so that there is no project.")
    found = project_file(directory, own)
    if found is not None and belongs_to_somebody_else(found):
        raise SettingsError(f"{found} belongs to somebody else and is not read.")
    return "project", found or directory / IN_PROJECT[0]


def _key_from_outside(key: str) -> str:
    """What is typed at a terminal, unseen, or else all of standard input."""
    if sys.stdin is None:
        raise SettingsError(f"{key} was not set: there is no standard input to read it from.")
    if sys.stdin.isatty():
        given: str = click.prompt(key, hide_input=True, err=True)
        return given.strip()
    try:
        return sys.stdin.buffer.read().decode().strip()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{key} was not set: standard input is not valid UTF-8.") from error


def _configured() -> Configuration | None:
    configuration = survey_here()
    return None if configuration.wrong else configuration


def _tell_wrong() -> None:
    _tell_faults(survey_here(), "there is still something wrong: ")


def _tell_faults(configuration: Configuration, before: str = "") -> None:
    for line in configuration.wrong:
        click.echo(f"voicemode: {before}{printable(line)}", err=True)


def _tell_unused(configuration: Configuration) -> None:
    for each in configuration.unused:
        click.echo(f"not used: {each.name} ({printable(each.origin)}): {each.reason}")
    for name in configuration.unknown:
        click.echo(f"unknown: {printable(name)} (environment)")


def _described(value: Value) -> dict[str, object]:
    setting, plain = value.setting, value.value
    if isinstance(plain, str | Path):
        plain = value.shown
    elif isinstance(plain, tuple):
        plain = [without_password(str(each)) for each in cast("tuple[object, ...]", plain)]
    return {
        "name": setting.name,
        "value": None if setting.secret else plain,
        "set": value.origin.layer != "default" and bool(value.text),
        "origin": str(value.origin),
        "default": setting.default or None,
        "option": setting.option,
        "write": setting.kind.wanted,
        "doc": setting.doc,
    }
