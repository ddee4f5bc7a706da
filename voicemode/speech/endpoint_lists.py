"""What an endpoint says it has.  In: the JSON it answers with.  Out: the names of models or voices, and what they take.

OpenAI lists ``{"data": [{"id": …}]}``; others have ``{"voices": ["…"]}`` or objects with an id or a name.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

LIVE_UPLOADS = "live_uploads"
"""Of a model that takes a recording while it is still being made, as those of ``voicemode serve-speech`` do."""

LISTS = ("data", "models", "voices")
NAMES = ("id", "voice_id", "name", "model")


def names_in(body: bytes) -> tuple[str, ...]:
    """In the endpoint's order, each once; nothing if there is no list."""
    return tuple(dict.fromkeys(name for name in map(_name, _items(body)) if name))


def takes_live_uploads(body: bytes) -> bool:
    """Whether some model in the list says so."""
    return any(
        cast("dict[str, object]", item).get(LIVE_UPLOADS) is True for item in _items(body) if isinstance(item, dict)
    )


def _items(body: bytes) -> list[object]:
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if isinstance(said, dict):
        fields = cast("dict[str, object]", said)
        said = next((fields[name] for name in LISTS if isinstance(fields.get(name), list)), None)
    return cast("list[object]", said) if isinstance(said, list) else []


def _name(item: object) -> str:
    if isinstance(item, dict):
        fields = cast("dict[str, object]", item)
        item = next((fields[name] for name in NAMES if fields.get(name)), "")
    return item if isinstance(item, str) else ""
