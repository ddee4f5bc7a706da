"""The layers, nearest first: environment, project's file, user's file, default.  Out: every value and its origin.

Everything is checked, also what a nearer layer overrides and whether what decides goes together, so that all that is
wrong is said at once; what would have no effect is collected, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TypeAlias

from attrs import define, field

from actors.errors import SettingsError

from .assemble import assemble
from .configuration import Configuration, Origin, Unused, Value, without_password
from .env_file import scan
from .places import belongs_to_somebody_else, is_file, is_private, project_file, read_lines, user_file
from .table import SETTINGS, FileOf, Setting, no_such_setting
from .upstream import why_unused

FOREIGN = frozenset({"VOICEMODE_REQUIRE_ALL"})
"""Names in the environment that begin like ours and belong to others: this one to the tests."""

QUOTED = 60
"""Characters of a wrong value that go into an error."""

Given: TypeAlias = dict[str, tuple[str | None, Origin]]
"""What a layer says, by name; None where it cannot be or cannot be read."""


@define
class _Found:
    """What has been met so far beside values."""

    unused: list[Unused] = field(factory=list[Unused])
    wrong: list[str] = field(factory=list[str])


def read_configuration(*, environment: Mapping[str, str], directory: Path | None, home: Path | None) -> Configuration:
    """What is configured for a program that runs in ``directory`` (None: in no project) with ``home`` (None: nobody's).

    Raises SettingsError with a line of text for everything that cannot be, each with the file and the line where it is.
    """
    configuration = survey(environment=environment, directory=directory, home=home)
    configuration.refuse()
    return configuration


def survey(*, environment: Mapping[str, str], directory: Path | None, home: Path | None) -> Configuration:
    """The same, with what cannot be in ``wrong``."""
    found = _Found()
    layers = [_environment(environment, found)]
    project = None if directory is None else project_file(directory.absolute(), home)
    ignored = project if project is not None and belongs_to_somebody_else(project) else None
    if project is not None and ignored is None:
        layers.append(_file(project, "project", found))
    if home is not None and is_file(user_file(home)):
        layers.append(_file(user_file(home), "user", found))
    values: dict[str, Value] = {}
    doubtful: set[str] = set()
    for name, setting in SETTINGS.items():
        text, origin = next((layer[name] for layer in layers if name in layer), (setting.default, Origin("default")))
        if text is None:
            doubtful.add(name)
            text, origin = setting.default, Origin("default")
        values[name] = Value(setting, text, setting.parse(text), origin)
    for value in [value for value in values.values() if value.setting.stands_for and value.value]:
        for name in value.setting.stands_for:
            if values[name].origin.layer == "default":
                values[name] = Value(SETTINGS[name], value.text, value.value, value.origin)
    _, clashes = assemble(values, home, doubtful)
    unknown = (name for name in environment if name.startswith("VOICEMODE_") and name not in {*SETTINGS, *FOREIGN})
    return Configuration(
        values=values,
        unused=tuple(found.unused),
        unknown=tuple(sorted(name for name in unknown if why_unused(name) is None)),
        ignored=ignored,
        home=home,
        wrong=(*found.wrong, *clashes),
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


def _environment(environment: Mapping[str, str], found: _Found) -> Given:
    origin = Origin("environment")
    found.unused += [
        Unused(name, origin, reason)
        for name in sorted(environment)
        if name not in SETTINGS and (reason := why_unused(name))
    ]
    given = [(name, environment[name]) for name in SETTINGS if name in environment]
    return {name: (_checked(SETTINGS[name], text, origin, found), origin) for name, text in given}


def _file(path: Path, kind: FileOf, found: _Found) -> Given:
    try:
        text, faults = read_lines(path)
    except SettingsError as error:
        found.wrong.append(str(error))
        return dict.fromkeys(SETTINGS, (None, Origin(kind, path)))
    found.wrong += faults
    layer: Given = {}
    unread: Given = {}
    for each in scan(text):
        origin = Origin(kind, path, each.line)
        setting = SETTINGS.get(each.name)
        if each.fault is not None:
            found.wrong.append(f"{origin}: {f'{each.name} ' if each.name else 'this '}{each.fault}.")
            unread[each.name] = None, origin
        elif setting is None:
            if reason := why_unused(each.name):
                found.unused.append(Unused(each.name, origin, reason))
            elif each.name.upper().startswith(("VOICEMODE", "VOICE_MODE")):
                found.wrong.append(f"{origin}: {no_such_setting(each.name)}")
        elif each.name in layer:
            found.wrong.append(f"{origin}: {each.name} is there already, in line {layer[each.name][1].line}.")
        elif reason := setting.kept_from(kind, each.value):
            found.unused.append(Unused(each.name, origin, reason))
        else:
            if setting.secret and each.value and not is_private(path):
                command = f"chmod 600 {quote(str(path))}"
                found.wrong.append(f"{origin}: {each.name} is a key, and others can reach this file: {command}")
            layer[each.name] = _checked(setting, each.value, origin, found), origin
    return unread | layer


def _checked(setting: Setting, text: str, origin: Origin, found: _Found) -> str | None:
    try:
        check(setting, text, origin)
    except SettingsError as error:
        found.wrong.append(str(error))
        return None
    return text
