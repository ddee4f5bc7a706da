"""What an endpoint says it has.  In: the JSON it answers with.  Out: the names of models or voices.

OpenAI lists ``{"data": [{"id": …}]}``; others have ``{"voices": ["…"]}`` or objects with an id or a name.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

LISTS = ("data", "models", "voices")
NAMES = ("id", "voice_id", "name", "model")


def names_in(body: bytes) -> tuple[str, ...]:
    """In the endpoint's order, each once; nothing if there is no list."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    if isinstance(said, dict):
        fields = cast("dict[str, object]", said)
        said = next((fields[name] for name in LISTS if isinstance(fields.get(name), list)), None)
    if not isinstance(said, list):
        return ()
    named = (_name(item) for item in cast("list[object]", said))
    return tuple(dict.fromkeys(name for name in named if name))


def _name(item: object) -> str:
    if isinstance(item, dict):
        fields = cast("dict[str, object]", item)
        item = next((fields[name] for name in NAMES if fields.get(name)), "")
    return item if isinstance(item, str) else ""
