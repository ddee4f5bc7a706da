"""Settings read again while a command runs.  In: what it runs with.  Out: the same with what was changed since then.

What its own command line says stays as it is.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import click
from attrs import evolve
from click.core import ParameterSource

from actors.errors import SettingsError

from ..config import Configuration, settings_of
from ..config.assemble import Policy
from ..config.table import SETTINGS
from ..settings import Settings
from .defaults import configurable, read_here


class Rereading:
    """Made by the running command; may be called from another thread."""

    def __init__(self, context: click.Context, configuration: Configuration) -> None:
        self._last = settings_of(configuration)
        self._given = {
            setting.field
            for setting, option in configurable(context.command)
            if context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        }

    def __call__(self, current: Settings) -> Settings:
        """Raises SettingsError, and then the same is read again the next time."""
        found = settings_of(read_here())
        paths = [setting.field for setting in SETTINGS.values() if setting.field is not None]
        changes = {
            path: after
            for path in ("keys", *paths)
            if path not in self._given and (after := attrgetter(path)(found)) != attrgetter(path)(self._last)
        }
        try:
            new = _changed(current, changes)
        except ValueError as error:
            raise SettingsError(f"The settings do not go with the options of this command: {error}.") from error
        self._last = found
        return new


def _changed(policy: Policy, changes: dict[str, Any]) -> Policy:
    """``policy`` with the values at the paths."""
    here = {path: value for path, value in changes.items() if "." not in path}
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        name, dot, rest = path.partition(".")
        if dot:
            below.setdefault(name, {})[rest] = value
    here |= {name: _changed(getattr(policy, name), inner) for name, inner in below.items()}
    return evolve(policy, **here)
