"""From values to ``Settings``: what each sets is put there, and what does not go together is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, evolve, field

from actors.errors import SettingsError
from actors.machines.barge_in import BargeInPolicy
from actors.machines.endpointer import EndpointPolicy
from actors.machines.policy import TurnPolicy
from actors.machines.spoken_commands import SpokenCommands
from actors.machines.turn_delay import TurnDelayPolicy

from ..settings import Settings
from .configuration import Configuration, Value
from .table import SETTINGS

Policy = TypeVar("Policy", Settings, EndpointPolicy, TurnPolicy, BargeInPolicy, TurnDelayPolicy, SpokenCommands)


_FIELDS = re.compile(r"'[^']*'|^\w+(?= is )|\b\w+(?= \()|(?<= of )\w+")
"""What may be the name of a field in what a policy says against its values; what stands in quotes is none."""


def settings_of(configuration: Configuration) -> Settings:
    """Raises SettingsError when values that are right each for itself leave nothing between them."""
    settings, clashes = assemble(configuration.values, configuration.home)
    if clashes:
        raise SettingsError("\n".join(clashes))
    return settings


def assemble(
    values: Mapping[str, Value], home: Path | None, doubtful: Collection[str] = ()
) -> tuple[Settings, list[str]]:
    """The settings, and a sentence for all in ``values`` that does not go together, which is left out of them.

    What is said by the names in ``doubtful`` is not known, so that nothing is held against it.
    """
    chosen = {
        value.setting.field: value
        for value in values.values()
        if value.setting.field is not None and value.text and value.text != value.setting.default
    }
    keys = {name: value.text for name, value in values.items() if value.setting.secret and value.text}
    assembling = _Assembling(home, {field for name in doubtful if (field := SETTINGS[name].field)})
    if home is None:
        return assembling.put(Settings(keys=keys), chosen), assembling.clashes
    paths: dict[str, Any] = {
        field: effective(value, home)
        for value in values.values()
        if (field := value.setting.field) is not None and isinstance(value.value, Path)
    }
    remaining = {field: value for field, value in chosen.items() if field not in paths}
    return assembling.put(Settings(**paths, keys=keys), remaining), assembling.clashes


def effective(value: Value, home: Path | None) -> Any:
    """As it is in ``Settings`` and as an option takes it; ``~`` is ``home`` where that is known."""
    found = value.value
    if isinstance(found, Path) and home is not None and found.parts[0] == "~":
        return home.joinpath(*found.parts[1:])
    if isinstance(found, float) and value.setting.per != 1:
        return found / value.setting.per
    return found


@define
class _Assembling:
    home: Path | None
    doubtful: Collection[str]
    clashes: list[str] = field(factory=list[str])

    def put(self, policy: Policy, chosen: Mapping[str, Value], at: str = "") -> Policy:
        """``policy``, which stands at that path of the settings, with what is ``chosen`` for the paths below it."""
        changes: dict[str, Any] = {}
        own: dict[str, Value] = {}
        for name in dict.fromkeys(path.partition(".")[0] for path in chosen):
            if name in chosen:
                own[name] = chosen[name]
                changes[name] = effective(chosen[name], self.home)
            else:
                inner = {path.partition(".")[2]: value for path, value in chosen.items() if path.startswith(f"{name}.")}
                changes[name] = self.put(getattr(policy, name), inner, f"{at}{name}.")
        try:
            return evolve(policy, **changes)
        except (ValueError, SettingsError) as error:
            if not any(path.rpartition(".")[0] == at.rstrip(".") for path in self.doubtful):
                self.clashes.append(_clash(str(error).rstrip("."), own, at))
            return policy


def _clash(error: str, chosen: Mapping[str, Value], at: str) -> str:
    """``error`` with the names of settings in the place of those of fields, and where those that matter are."""
    named: list[str] = []

    def setting(match: re.Match[str]) -> str:
        named.append(match[0])
        found = (each.name for each in SETTINGS.values() if each.field == f"{at}{match[0]}")
        return next(found, match[0])

    said = _FIELDS.sub(setting, error)
    values = [value for name, value in chosen.items() if name in named] or [*chosen.values()]
    return f"{' and '.join(f'{value.setting.name} ({value.origin})' for value in values)} cannot be: {said}."
