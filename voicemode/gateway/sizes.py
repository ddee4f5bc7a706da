"""How long what is said may be.  In: a message.  Out: what of it is too long; nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from attrs import fields, has

from actors.link_messages import LinkMessage

NAMES = 200
"""Characters of names, ids and whatever else is not named here."""

LONGEST: Mapping[str, int] = {
    "text": 10_000,
    "instructions": 10_000,
    "prompt": 10_000,
    "error": 1_000,
    "reason": 1_000,
    "message": 1_000,
    "token": 8_192,
}

MOST_USERS = 100
"""Of one agent's side."""


def too_long(message: LinkMessage) -> str | None:
    """A sentence about the first part that is, or None."""
    for name, value in _parts(message):
        if isinstance(value, tuple):
            if len(value) > MOST_USERS:
                return f"there are at most {MOST_USERS} {name}"
        elif len(value) > (longest := LONGEST.get(name, NAMES)):
            return f"{name} has at most {longest:,} characters"
    return None


def size_of(message: LinkMessage) -> int:
    """Characters, about."""
    return sum(len(value) for _, value in _parts(message))


def _parts(value: Any) -> Iterator[tuple[str, str | tuple[object, ...]]]:
    for each in fields(value.__class__):
        member: object = getattr(value, each.name)
        if isinstance(member, str):
            yield each.name, member
        elif isinstance(member, tuple):
            inside = cast("tuple[object, ...]", member)
            yield each.name, inside
            for inner in inside:
                if has(inner.__class__):
                    yield from _parts(inner)
        elif has(member.__class__):
            yield from _parts(member)
