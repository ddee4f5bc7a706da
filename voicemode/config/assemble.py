"""From values to ``Settings``: what each sets is put there, and what does not go together is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve

from actors.errors import SettingsError
from actors.machines.barge_in import BargeInPolicy
from actors.machines.endpointer import EndpointPolicy
from actors.machines.policy import TurnPolicy
from actors.machines.spoken_commands import SpokenCommands
from actors.machines.turn_delay import TurnDelayPolicy

from ..settings import Settings
from .configuration import Configuration, Value

Policy = TypeVar("Policy", Settings, EndpointPolicy, TurnPolicy, BargeInPolicy, TurnDelayPolicy, SpokenCommands)


def settings_of(configuration: Configuration) -> Settings:
    """Raises SettingsError when two values that are right each for itself leave nothing between them."""
    chosen = {
        value.setting.field: value
        for value in configuration.values.values()
        if value.setting.field is not None and value.text and value.text != value.setting.default
    }
    keys = {name: value.text for name, value in configuration.values.items() if value.setting.secret and value.text}
    home = configuration.home
    if home is None:
        return _with(Settings(keys=keys), chosen, home)
    paths: dict[str, Any] = {
        field: effective(value, home)
        for value in configuration.values.values()
        if (field := value.setting.field) is not None and isinstance(value.value, Path)
    }
    remaining = {field: value for field, value in chosen.items() if field not in paths}
    return _with(Settings(**paths, keys=keys), remaining, home)


def effective(value: Value, home: Path | None) -> Any:
    """As it is in ``Settings`` and as an option takes it; ``~`` is ``home`` where that is known."""
    found = value.value
    if isinstance(found, Path) and home is not None and found.parts[0] == "~":
        return home.joinpath(*found.parts[1:])
    if isinstance(found, float) and value.setting.per != 1:
        return found / value.setting.per
    return found


def _with(policy: Policy, chosen: Mapping[str, Value], home: Path | None) -> Policy:
    changes: dict[str, Any] = {}
    for name in dict.fromkeys(path.partition(".")[0] for path in chosen):
        if name in chosen:
            changes[name] = effective(chosen[name], home)
        else:
            inner = {path.partition(".")[2]: value for path, value in chosen.items() if path.startswith(f"{name}.")}
            changes[name] = _with(getattr(policy, name), inner, home)
    try:
        return evolve(policy, **changes)
    except ValueError as error:
        said = " and ".join(f"{value.setting.name} ({value.origin})" for value in chosen.values())
        raise SettingsError(f"{said} cannot be: {error}.") from error
