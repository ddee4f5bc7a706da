"""What is a request, and what is said of everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from voicemode.control.controllable import COMMANDS
from voicemode.control.protocol import LONGEST_TEXT, Answer, Request, answer_in, line_of, refusal, request_in


@pytest.mark.parametrize("command", COMMANDS)
def test_a_request_names_a_command(command: str) -> None:
    assert request_in(line_of(Request(command=command))).command == command


def test_what_clients_of_voicemode_send_is_a_request() -> None:
    sent = {"command": "skip_back", "message": "too fast" * 32, "hint": "brevity", "request_id": "7"}
    assert request_in(json.dumps(sent).encode()).request_id == "7"


LONG = "x" * (LONGEST_TEXT + 1)
REFUSED = {
    "nothing": b"",
    "no JSON": b"pause",
    "no object": b'"pause"',
    "a list in a list": b"[" * 8000,
    "half a line": b'{"command": "pau',
    "two on a line": b'{"command": "pause"} {"command": "stop"}',
    "no command": b"{}",
    "unknown command": b'{"command": "dance"}',
    "as on the command line": b'{"command": "skip-back"}',
    "unknown field": b'{"command": "pause", "text": "Say this."}',
    "long message": json.dumps({"command": "pause", "message": LONG}).encode(),
    "long hint": json.dumps({"command": "pause", "hint": LONG}).encode(),
    "long id": json.dumps({"command": "pause", "request_id": LONG}).encode(),
    "huge id": json.dumps({"command": "pause", "request_id": 1 << 100}).encode(),
    "no UTF-8": b'{"command": "\xff"}',
    "half a character": b'{"command": "pause", "message": "\\ud800"}',
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_everything_else_is_refused_in_one_line_that_says_what_there_is(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"^This is no request: .+ commands are pause, resume, .+ status\.$") as error:
        request_in(line)
    answer = json.loads(line_of(refusal(str(error.value))))
    assert (answer["ok"], answer["action"], answer["request_id"]) == (False, None, None)
    assert len(answer["error"]) < 400


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(lambda it: json.dumps(it).encode()))
def test_no_line_breaks_the_reading(line: bytes) -> None:
    with pytest.raises(ValueError, match="This is no request"):
        request_in(line)


def test_an_answer_is_read_as_it_was_written_and_one_of_a_newer_version_as_far_as_it_is_known() -> None:
    done = Answer(ok=True, action="pause", request_id=5)
    assert answer_in(line_of(done)) == done
    assert answer_in(b'{"ok": true, "action": "pause", "request_id": 5, "since": 3}') == done
    with pytest.raises(ValueError, match="Expected `object`"):
        answer_in(b"5")
