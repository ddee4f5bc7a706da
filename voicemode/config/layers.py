"""The layers, nearest first: environment, project's file, user's file, default.  Out: every value and its origin.

Every file is checked whole, also what a nearer layer overrides; what would have no effect is collected, not refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    Raises SettingsError with the file and the line of the first thing that cannot be.
    """
    unused: list[Unused] = []
    layers = [_environment(environment, unused)]
    project = None if directory is None else project_file(directory.absolute(), home)
    ignored = project if project is not None and belongs_to_somebody_else(project) else None
    if project is not None and ignored is None:
        layers.append(_file(project, "project", unused))
    if home is not None and is_file(user_file(home)):
        layers.append(_file(user_file(home), "user", unused))
    values = {
        name: next((_value(setting, *layer[name]) for layer in layers if name in layer), _default(setting))
        for name, setting in SETTINGS.items()
    }
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


def assignments(path: Path) -> Iterator[tuple[str, str, int]]:
    """Names, values and lines of the file.  Raises SettingsError where it is no file of settings."""
    for each in scan(read(path)):
        if each.fault is not None:
            named = f"{each.name} " if each.name else "this "
            raise SettingsError(f"{path}:{each.line}: {named}{each.fault}.")
        yield each.name, each.value, each.line


def _environment(environment: Mapping[str, str], unused: list[Unused]) -> Given:
    origin = Origin("environment")
    unused += [
        Unused(name, origin, reason)
        for name in sorted(environment)
        if name not in SETTINGS and (reason := why_unused(name))
    ]
    layer = {name: (environment[name], origin) for name in SETTINGS if name in environment}
    for name, (text, _) in layer.items():
        check(SETTINGS[name], text, origin)
    return layer


def _file(path: Path, kind: FileOf, unused: list[Unused]) -> Given:
    layer: Given = {}
    for name, text, line in assignments(path):
        origin = Origin(kind, path, line)
        setting = SETTINGS.get(name)
        if setting is None:
            if reason := why_unused(name):
                unused.append(Unused(name, origin, reason))
            elif name.upper().startswith(("VOICEMODE", "VOICE_MODE")):
                raise SettingsError(f"{origin}: {no_such_setting(name)}")
        elif name in layer:
            raise SettingsError(f"{origin}: {name} is there already, in line {layer[name][1].line}.")
        elif reason := setting.kept_from(kind, text):
            unused.append(Unused(name, origin, reason))
        elif setting.secret and text and not is_private(path):
            raise SettingsError(
                f"{origin}: {name} is a key, and others can reach this file: chmod 600 {quote(str(path))}"
            )
        else:
            check(setting, text, origin)
            layer[name] = text, origin
    return layer


def _value(setting: Setting, text: str, origin: Origin) -> Value:
    return Value(setting, text, setting.parse(text), origin)


def _default(setting: Setting) -> Value:
    return _value(setting, setting.default, Origin("default"))
