"""What is configured, as a value: what each setting is, where that was said, and what was said without effect."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import evolve, frozen

from actors.errors import SettingsError

from .table import Setting, nearest

log = logging.getLogger(__name__)

FEW = 2
"""Settings without effect that are named; of more it is said how many there are, as that is said of every command."""

NEAREST_FIRST = ("environment", "project", "user", "default")


@frozen
class Origin:
    layer: Literal["environment", "project", "user", "default"]
    path: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        return self.layer if self.path is None else f"{self.path}:{self.line}"

    @property
    def place(self) -> str:
        """Where it is, without the line."""
        return f"the {self.layer}" if self.path is None else str(self.path)


@frozen
class Value:
    """``text`` is as it was written; ``value`` what it means, in the setting's own unit, None when there is none."""

    setting: Setting
    text: str
    value: object
    origin: Origin

    @property
    def shown(self) -> str:
        """What anybody may see of it: of a secret whether it is set, of an address not who asks."""
        text = self.text or self.setting.default
        if self.setting.secret:
            return "set" if text else "unset"
        return without_password(text)


@frozen
class Unused:
    name: str
    origin: Origin
    reason: str


@frozen(kw_only=True)
class Configuration:
    """``values`` has every setting; ``unused`` was said without effect; ``unknown`` are names in the environment.

    ``ignored`` is a project's file that belongs to somebody else; ``home`` is what ``~`` stands for.  ``wrong`` has a
    sentence for everything that cannot be; what it is about has its default here.
    """

    values: Mapping[str, Value]
    unused: tuple[Unused, ...] = ()
    unknown: tuple[str, ...] = ()
    ignored: Path | None = None
    home: Path | None = None
    wrong: tuple[str, ...] = ()

    def refuse(self) -> None:
        """Raises SettingsError with a line for everything that is wrong, if anything is."""
        if self.wrong:
            raise SettingsError("\n".join(self.wrong))

    def with_value(self, value: Value) -> Configuration:
        """With ``value`` in its layer, which changes nothing where a nearer one has another."""
        held = self.values[value.setting.name]
        if NEAREST_FIRST.index(held.origin.layer) < NEAREST_FIRST.index(value.origin.layer):
            return self
        return evolve(self, values={**self.values, value.setting.name: value})

    def warn(self) -> None:
        """Log what has no effect, a line for each reason to say so."""
        if self.ignored is not None:
            log.warning("%s belongs to somebody else and is not read.", self.ignored)
        if len(self.unused) > FEW:
            places = " and ".join(dict.fromkeys(each.origin.place for each in self.unused))
            log.warning("%d settings in %s are not used; voicemode config path lists them.", len(self.unused), places)
        elif self.unused:
            named = ", ".join(f"{each.name} ({each.origin})" for each in self.unused)
            log.warning("Not used: %s; voicemode config path says why.", named)
        if self.unknown:
            log.warning("Unknown in the environment: %s.", ", ".join(map(_asked, self.unknown)))


def without_password(text: str) -> str:
    """``text`` with who asks left out of every address in it."""
    return re.sub(r"(?<=//)[^/\s]*@", "…@", text)


def _asked(name: str) -> str:
    near = nearest(name)
    return name if near is None else f"{name} (did you mean {near}?)"
