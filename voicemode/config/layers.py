"""The layers, nearest first: environment, project's file, user's file, default.  Out: every value and its origin.

Everything is checked, also what a nearer layer overrides, so that all that is wrong is said at once; what would have no
effect is collected, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TypeAlias

from actors.errors import SettingsError

from .configuration import Configuration, Origin, Unused, Value, without_password
from .env_file import scan
from .places import belongs_to_somebody_else, is_file, is_private, project_file, read, user_file
from .table import SETTINGS, FileOf, Setting, no_such_setting
from .upstream import why_unused

FOREIGN = frozenset({"VOICEMODE_REQUIRE_ALL"})
"""Names in the environment that begin like ours and belong to others: this one to the tests."""

QUOTED = 60
"""Characters of a wrong value that go into an error."""

Given: TypeAlias = dict[str, tuple[str, Origin]]


def read_configuration(*, environment: Mapping[str, str], directory: Path | None, home: Path | None) -> Configuration:
    """What is configured for a program that runs in ``directory`` (None: in no project) with ``home`` (None: nobody's).

    Raises SettingsError with a line of text for everything that cannot be, each with the file and the line where it is.
    """
    unused: list[Unused] = []
    wrong: list[str] = []
    layers = [_environment(environment, unused, wrong)]
    project = None if directory is None else project_file(directory.absolute(), home)
    ignored = project if project is not None and belongs_to_somebody_else(project) else None
    if project is not None and ignored is None:
        layers.append(_file(project, "project", unused, wrong))
    if home is not None and is_file(user_file(home)):
        layers.append(_file(user_file(home), "user", unused, wrong))
    if wrong:
        raise SettingsError("\n".join(wrong))
    values = {
        name: next((_value(setting, *layer[name]) for layer in layers if name in layer), _default(setting))
        for name, setting in SETTINGS.items()
    }
    for value in [value for value in values.values() if value.setting.stands_for and value.value]:
        for name in value.setting.stands_for:
            if values[name].origin.layer == "default":
                values[name] = Value(SETTINGS[name], value.text, value.value, value.origin)
    unknown = (name for name in environment if name.startswith("VOICEMODE_") and name not in {*SETTINGS, *FOREIGN})
    return Configuration(
        values=values,
        unused=tuple(unused),
        unknown=tuple(sorted(name for name in unknown if why_unused(name) is None)),
        ignored=ignored,
        home=home,
    )


def check(setting: Setting, text: str, origin: Origin) -> object:
    """What ``text`` means.  Raises SettingsError that says where it stands."""
    try:
        return setting.parse(text)
    except ValueError as error:
        said = "that" if setting.secret else repr(without_password(text)[:QUOTED])
        where = f"{origin}: " if origin.path is not None else ""
        whence = " in the environment" if origin.layer == "environment" else ""
        raise SettingsError(f"{where}{setting.name}{whence} cannot be {said}: write {setting.kind.wanted}.") from error


def _environment(environment: Mapping[str, str], unused: list[Unused], wrong: list[str]) -> Given:
    origin = Origin("environment")
    unused += [
        Unused(name, origin, reason)
        for name in sorted(environment)
        if name not in SETTINGS and (reason := why_unused(name))
    ]
    layer = {name: (environment[name], origin) for name in SETTINGS if name in environment}
    for name, (text, _) in layer.items():
        wrong += _faults(SETTINGS[name], text, origin)
    return layer


def _file(path: Path, kind: FileOf, unused: list[Unused], wrong: list[str]) -> Given:
    """A line that is wrong gives nothing."""
    layer: Given = {}
    try:
        text = read(path)
    except SettingsError as error:
        wrong.append(str(error))
        return layer
    for each in scan(text):
        origin = Origin(kind, path, each.line)
        if each.fault is not None:
            wrong.append(f"{origin}: {f'{each.name} ' if each.name else 'this '}{each.fault}.")
        elif (setting := SETTINGS.get(each.name)) is None:
            if reason := why_unused(each.name):
                unused.append(Unused(each.name, origin, reason))
            elif each.name.upper().startswith(("VOICEMODE", "VOICE_MODE")):
                wrong.append(f"{origin}: {no_such_setting(each.name)}")
        elif each.name in layer:
            wrong.append(f"{origin}: {each.name} is there already, in line {layer[each.name][1].line}.")
        elif reason := setting.kept_from(kind, each.value):
            unused.append(Unused(each.name, origin, reason))
        else:
            if setting.secret and each.value and not is_private(path):
                command = f"chmod 600 {quote(str(path))}"
                wrong.append(f"{origin}: {each.name} is a key, and others can reach this file: {command}")
            wrong += _faults(setting, each.value, origin)
            layer[each.name] = each.value, origin
    return layer


def _faults(setting: Setting, text: str, origin: Origin) -> list[str]:
    try:
        check(setting, text, origin)
    except SettingsError as error:
        return [str(error)]
    return []


def _value(setting: Setting, text: str, origin: Origin) -> Value:
    return Value(setting, text, setting.parse(text), origin)


def _default(setting: Setting) -> Value:
    return _value(setting, setting.default, Origin("default"))
