"""Says in words what is wrong with a file's types and names: msgspec's error in, a place and a sentence out."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import get_args

import msgspec
from attrs import frozen

from actors.results import Outcome

from .locate import Place
from .model import Bounds, Expectation, Listening, ScriptFile, Speaking, Step


@frozen
class Complaint:
    """What is wrong, and where in the data it stands."""

    place: Place
    reason: str


_TABLES: dict[tuple[str, ...], type[msgspec.Struct]] = {
    (): ScriptFile,
    ("assistant",): Speaking,
    ("user",): Speaking,
    ("listening",): Listening,
    ("step",): Step,
    ("step", "expect"): Expectation,
    ("step", "expect", "at_most"): Bounds,
}

_CHOICES = {"outcome": ", ".join(get_args(Outcome)), "when": '"after", or a number of seconds'}

_KINDS = {
    "str": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date",
    "date": "a date",
    "time": "a time of day",
}

_PATH = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`")
_WRONG = re.compile(r"Expected `([^`]*)`(?:, got `(.*)`| (>=|<=) (\S+)| of length (>= )?(\d+)(?:, got (\d+))?)$")


def complaint_of(error: msgspec.ValidationError) -> Complaint:
    """What ``error``, raised while data was converted to a ``ScriptFile``, complains about."""
    said, _, path = str(error).partition(" - at ")
    place: Place = tuple(key or int(index) for key, index in _PATH.findall(path))
    if unknown := _UNKNOWN.match(said):
        return Complaint((*place, unknown[1]), _unknown(unknown[1], place))
    name = next((part for part in reversed(place) if isinstance(part, str)), "")
    if said.startswith("Invalid enum value"):
        return Complaint(place, f"{name} cannot be{said.removeprefix('Invalid enum value')}: it is {_CHOICES[name]}.")
    if wrong := _WRONG.match(said):
        return Complaint(place, f"{name} is to be {_wanted(wrong)}.")
    return Complaint(place, f"{name}: {said}.")


def _unknown(key: str, place: Place) -> str:
    names = tuple(part for part in place if isinstance(part, str))
    known = [field.name for field in msgspec.structs.fields(_TABLES[names])]
    where = f"[{'.'.join(names)}]" if names else "a script"
    if near := get_close_matches(key, known, n=1):
        return f"{where} has no {key}; did you mean {near[0]}?"
    return f"{where} has no {key}; it takes {', '.join(known)}."


def _wanted(wrong: re.Match[str]) -> str:
    kinds, got, comparison, limit, at_least, length, given = wrong.groups()
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null")
    if got is not None:
        return f"{wanted}, not {_KINDS.get(got, got)}"
    if comparison is not None:
        return f"{wanted}, {float(limit):g} or {'more' if comparison == '>=' else 'less'}"
    if at_least is not None:
        return f"{wanted} that is not empty"
    return f"{wanted} of {length}, not of {given}"
