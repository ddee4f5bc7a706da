"""Changes of a file of settings: a name and a value in, the file on disk with them out.

What is written is checked first, alone and together with all that is configured besides; a file that is already wrong
elsewhere may be mended line by line.
"""

from __future__ import annotations

from pathlib import Path

from actors.errors import SettingsError

from ..speech.endpoint_name import is_key
from .assemble import settings_of
from .configuration import Configuration, Origin, Value
from .document import template
from .env_file import put, remove, scan
from .layers import check
from .places import is_file, read, write
from .table import SETTINGS, FileOf, Setting, no_such_setting


def setting_called(name: str) -> Setting:
    """Raises SettingsError for a name that is none."""
    if name not in SETTINGS:
        raise SettingsError(no_such_setting(name))
    return SETTINGS[name]


def set_value(path: Path, name: str, text: str, *, layer: FileOf, configured: Configuration | None) -> None:
    """Let the file at ``path``, which is that of ``layer``, give ``name`` the value ``text``.

    The file is made from the template when it is not there; with a key in it nobody but its owner can read it.
    ``configured`` is what holds before, None when it cannot be read.  Raises SettingsError, and the file is as it was.
    """
    setting = setting_called(name)
    if setting.secret and not is_key(text):
        raise SettingsError(f"What was given for {name} is no key: one is of printable ASCII signs, without blanks.")
    origin = Origin(layer)
    value = Value(setting, text, check(setting, text, origin), origin)
    if reason := setting.kept_from(layer, text):
        raise SettingsError(f"{name} was not set: {reason}.")
    if configured is not None:
        settings_of(configured.with_value(value))
    before = read(path) if is_file(path) else template()
    try:
        write(path, put(before, name, text), private=setting.secret)
    except ValueError as error:
        raise SettingsError(f"{name} cannot be written to {path}: {error}.") from error


def unset_value(path: Path, name: str) -> bool:
    """Take ``name``, which may be any, out of the file at ``path``, and tell whether it was there.

    Raises SettingsError when the file cannot be read or written.
    """
    before = read(path) if is_file(path) else ""
    if all(each.name != name for each in scan(before)):
        return False
    write(path, remove(before, name))
    return True


def create(path: Path) -> None:
    """Make the file from the template unless it is there.  Raises SettingsError."""
    if not is_file(path):
        write(path, template())
