"""Whether a line is a message at all.  In: a line of a client's.  Out: what the SDK can read, or what is answered.

The SDK passes over what it cannot read, and whoever sent it would wait for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import msgspec
from attrs import frozen
from mcp_types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter

Id: TypeAlias = int | str | None

BEGINNING = 4096
"""Bytes of a line that is too long in which its id is looked for."""

LARGEST = 1 << 53
"""A number above it cannot be told from its neighbours in every language."""

_LONE = re.compile(
    r"""((?: [^\\]++ | \\\\ | \\u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}
         | \\(?!u[dD][89a-fA-F][0-9a-fA-F]{2}) )*+)
        (\\u[dD][89a-fA-F][0-9a-fA-F]{2})?+""",
    re.VERBOSE,
)
"""All up to half a pair of surrogates, and that half where there is one."""

_ID = r'"id"\s*:\s*(-?\d{1,18}|"[^"\\]{0,200}")\s*'
_FIRST = re.compile(rf'\s*\{{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?{_ID},')
_LAST = re.compile(rf'"jsonrpc"\s*:\s*"2\.0"\s*,\s*{_ID}\}}\s*$')
"""Where clients write it; anywhere else it may be that of something else."""


@frozen
class Refusal:
    """``id`` is that of what is refused, where it can be read."""

    code: int
    message: str
    id: Id = None

    def line(self) -> str:
        error = {"code": self.code, "message": self.message}
        return msgspec.json.encode({"jsonrpc": "2.0", "id": self.id, "error": error}).decode() + "\n"


def wellformed(line: bytes) -> str | Refusal | None:
    """``line`` with U+FFFD in the place of what stands for no character; None for what is no message and wants no
    answer, as it is an answer itself."""
    text = line.decode("utf-8", "replace")
    if _is_message(text):
        return text
    mended = _LONE.sub(_replaced, text)
    if mended != text and _is_message(mended):
        return mended
    return _refusal(mended)


def too_long(beginning: bytes, longest: int) -> Refusal:
    """For a line of more than ``longest`` bytes."""
    text = beginning[:BEGINNING].decode("utf-8", "replace")
    return Refusal(
        INVALID_REQUEST, f"A message may have {longest} bytes; this one has more and was not read.", _id(text)
    )


def _is_message(text: str) -> bool:
    try:
        jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValueError:
        return False
    return True


def _replaced(match: re.Match[str]) -> str:
    return f"{match[1]}\\ufffd" if match[2] else match[1]


def _refusal(text: str) -> Refusal | None:
    try:
        found: Any = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return Refusal(PARSE_ERROR, "This is not valid JSON, and nothing was done.", _id(text))
    if isinstance(found, list):
        return Refusal(INVALID_REQUEST, "Batches are not answered: send each message in a line of its own.")
    if not isinstance(found, dict):
        return Refusal(INVALID_REQUEST, "This is no JSON-RPC message.")
    if "method" not in found and ("result" in found or "error" in found):
        return None
    said = "This is no JSON-RPC 2.0 request: see jsonrpc, id, method and params."
    return Refusal(INVALID_REQUEST, said, _known(cast("Mapping[str, object]", found).get("id")))


def _known(number: object) -> Id:
    if isinstance(number, bool) or not isinstance(number, int | str):
        return None
    return number if isinstance(number, str) or -LARGEST <= number <= LARGEST else None


def _id(text: str) -> Id:
    match = _FIRST.match(text) or _LAST.search(text)
    return None if match is None else msgspec.json.decode(match[1])
