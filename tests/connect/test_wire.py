"""The frames of the link: every message survives the wire, and whatever comes in is a message or a fault."""

from __future__ import annotations

import json
import math

import pytest
from attrs import asdict
from hypothesis import given, strategies as st

from actors import link_messages as link
from actors.link_messages import LinkMessage
from voicemode.connect.wire import LONGEST_FRAME, TYPES, WireError, decode, encode


def fault(frame: str | bytes) -> str | None:
    """The code of what is wrong with it."""
    try:
        decode(frame)
    except WireError as error:
        return error.code
    return None


def finite(message: LinkMessage) -> bool:
    """Infinity is no JSON."""
    return all(math.isfinite(value) for value in asdict(message).values() if isinstance(value, float))


messages = st.one_of(*(st.from_type(kind).filter(finite) for kind in TYPES.values()))


@given(messages)
def test_a_message_comes_out_of_the_wire_as_it_went_in(message: LinkMessage) -> None:
    assert decode(encode(message)) == message


@given(st.one_of(st.text(), st.binary(), st.from_regex(r'\{"type":"[a-z_]*".*\}')))
def test_whatever_comes_in_is_a_message_or_a_fault_with_a_code(frame: str | bytes) -> None:
    assert fault(frame) in {None, "PARSE_ERROR", "INVALID_MESSAGE", "MISSING_FIELD", "INVALID_TYPE", "UNKNOWN_TYPE"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(list(TYPES)), st.dictionaries(st.sampled_from(["id", "text", "device", "users"]), JSON))
def test_members_of_any_kind_are_a_message_or_a_fault(name: str, members: dict[str, object]) -> None:
    assert fault(json.dumps({**members, "type": name})) in {None, "MISSING_FIELD", "INVALID_TYPE"}


def test_names_are_those_of_the_gateway() -> None:
    ready = link.Ready(device=link.Device(device_id="dev-1", platform="ios", app_version="2"))
    assert json.loads(encode(ready)) == {
        "type": "ready",
        "device": {"deviceId": "dev-1", "platform": "ios", "name": "", "appVersion": "2"},
        "capabilities": {"tts": False, "stt": False, "mic": False, "speaker": False},
    }
    delivery = link.UserMessageDelivery(id="m", text="Hi.", sender="Mike", target_user="cora", user_id="u")
    assert json.loads(encode(delivery)) == {
        "type": "user_message_delivery",
        "id": "m",
        "text": "Hi.",
        "from": "Mike",
        "target_user": "cora",
        "userId": "u",
    }
    assert "useVAD" in json.loads(encode(link.Listen(id="l", use_vad=True)))


def test_what_a_newer_side_adds_is_ignored_and_null_is_as_good_as_absent() -> None:
    assert decode('{"type":"stop","target":"tts","reason":null,"mood":"calm"}') == link.Stop(target="tts")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "PARSE_ERROR"),
        (b"\xff", "PARSE_ERROR"),
        ('{"a":' * 100_000, "PARSE_ERROR"),
        ("[]", "INVALID_MESSAGE"),
        ('"' + "a" * LONGEST_FRAME + '"', "INVALID_MESSAGE"),
        ("{}", "MISSING_FIELD"),
        ('{"type":"speak","id":"s"}', "MISSING_FIELD"),
        ('{"type":"speak","id":1,"text":""}', "INVALID_TYPE"),
        ('{"type":"stop","target":"everything"}', "INVALID_TYPE"),
        ('{"type":"dance"}', "UNKNOWN_TYPE"),
        ('{"type":{}}', "UNKNOWN_TYPE"),
    ],
)
def test_a_fault_has_the_code_that_the_protocol_has_for_it(frame: str | bytes, code: str) -> None:
    assert fault(frame) == code
