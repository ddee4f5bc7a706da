"""Values of the types that the fields of a class say.  In: the fields of a class of attrs.  Out: the same fields, which
refuse other values before their own validators meet them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from attrs import Attribute, validators

from actors.errors import SettingsError

Fields: TypeAlias = "list[Attribute[Any]]"

SHOWN = 60
"""Characters of a wrong value that go into an error."""

_PLAIN: dict[object, tuple[type, str]] = {
    str: (str, "a text"),
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    Path: (Path, "a path"),
    NoneType: (NoneType, "None"),
}


def typed(_: type, fields: Fields) -> Fields:
    """A ``field_transformer``.  A value of a wrong type raises SettingsError with the name of its field."""
    return [
        each.evolve(validator=_of_its_type if each.validator is None else validators.and_(_of_its_type, each.validator))
        for each in fields
    ]


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _of_its_type(instance: object, attribute: Attribute[Any], value: object) -> None:
    cls: Any = type(instance)
    wanted = _hints(cls)[attribute.name]
    if not _fits(value, wanted):
        shown = repr(value)[:SHOWN] if attribute.repr else f"of type {type(value).__name__}"
        raise SettingsError(f"{attribute.name} is {_said(wanted)}, not {shown}.")


def _fits(value: object, wanted: Any) -> bool:
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in {Union, UnionType}:
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, inner[0]) for each in cast("tuple[object, ...]", value))
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _fits(key, inner[0]) and _fits(each, inner[1])
            for key, each in cast("Mapping[object, object]", value).items()
        )
    if isinstance(value, bool) and wanted is not bool:
        return False  # Python counts with them, nobody else does
    return isinstance(value, _PLAIN[wanted][0] if wanted in _PLAIN else wanted)


def _said(wanted: Any) -> str:
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in {Union, UnionType}:
        return " or ".join(map(_said, inner))
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin is tuple:
        return "a tuple of texts"
    if origin is Mapping:
        return "a mapping of texts to texts"
    return _PLAIN[wanted][1] if wanted in _PLAIN else f"of type {wanted.__name__}"
