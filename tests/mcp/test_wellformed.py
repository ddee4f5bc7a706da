"""What becomes of a client's lines before the SDK has them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from
from mcp_types import INVALID_REQUEST, PARSE_ERROR

from voicemode.mcp.wellformed import Refusal, too_long, wellformed


def request(message: str) -> bytes:
    """With ``message`` as it stands in JSON."""
    return b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"message":"%s"}}' % message.encode()


def message_in(line: bytes) -> str:
    found = wellformed(line)
    assert isinstance(found, str), found
    message: str = json.loads(found)["params"]["message"]
    return message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"smile \ud83d\ude00", "smile \U0001f600"),
        (r"smile \ud83d", "smile \ufffd"),
        (r"\ude00 smile", "\ufffd smile"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\\ud83d \uD83D", r"\ud83d" + " \ufffd"),
    ],
)
def test_half_a_character_is_replaced_and_nothing_else(written: str, read: str) -> None:
    assert message_in(request(written)) == read


@given(lists(sampled_from(["\ud83d", "\ude00", "\\", "u", "d83d", '"', "a", "\n"])))
def test_whatever_a_string_of_halves_is_its_whole_characters_stay(parts: list[str]) -> None:
    text = "".join(parts)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert message_in(request(json.dumps(text)[1:-1])).replace("\ufffd", "") == whole.replace("\ufffd", "")


def test_bytes_that_are_no_text_are_replaced() -> None:
    line = request("x").replace(b'"x"}', b'"\xff"}')
    assert message_in(line) == "\ufffd"


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (b"no json", PARSE_ERROR, None),
        (b'{"jsonrpc":"2.0","id":5,"method":"x","params":{"a', PARSE_ERROR, 5),
        (b'{"id": "five", "jsonrpc": "2.0", "method', PARSE_ERROR, "five"),
        (b'{"method":"x","params":{"a":x},"jsonrpc":"2.0","id":5}', PARSE_ERROR, 5),
        (b'{"method":"x","params":{"id":5,"a":x}', PARSE_ERROR, None),
        (b'[{"jsonrpc":"2.0","id":5,"method":"x"}]', INVALID_REQUEST, None),
        (b"[]", INVALID_REQUEST, None),
        (b"5", INVALID_REQUEST, None),
        (b'{"id":5,"method":"x"}', INVALID_REQUEST, 5),
        (b'{"jsonrpc":"2.0","id":5,"method":"x","params":[1]}', INVALID_REQUEST, 5),
        (b'{"jsonrpc":"2.0","id":true,"method":7}', INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":%d,"method":7}' % (10**30), INVALID_REQUEST, None),
    ],
)
def test_what_is_no_message_is_refused_with_its_id_where_that_is_certain(
    line: bytes, code: int, number: int | str | None
) -> None:
    found = wellformed(line)
    assert isinstance(found, Refusal)
    assert (found.code, found.id) == (code, number)
    assert json.loads(found.line())["error"] == {"code": code, "message": found.message}


def test_an_answer_that_is_wrong_is_not_answered() -> None:
    assert wellformed(b'{"jsonrpc":"2.0","id":{},"error":"no"}') is None


def test_too_long_a_line_is_refused_with_its_id() -> None:
    assert too_long(b'{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":"xxx', 50).id == 5
