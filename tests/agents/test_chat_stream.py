"""The body of a chat completion: the same texts however it is cut, and no guesses about what is none."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from voicemode.agents.chat_stream import LONGEST_LINE, ChatFailed, ChatStream, NotAChat, failure_of

from .chat_server import DONE, said

ANSWER = b"".join(
    (
        b": a comment\r\n\r\n",
        b'data: {"choices": [{"delta": {"role": "assistant"}}]}\r\n\r\n',
        said("Sch\u00f6n, ").replace(b"\\u00f6", "\u00f6".encode()),
        b"event: message\nid: 3\n" + said("guten Tag \U0001f44b"),
        said("", finish_reason="stop"),
        b'data: {"choices": [], "usage": {"total_tokens": 3}}\n\n',
        DONE,
    )
)


def read(*parts: bytes) -> tuple[list[str], ChatStream]:
    stream = ChatStream()
    return [text for part in parts for text in stream.feed(part)], stream


@given(st.lists(st.integers(0, len(ANSWER)), max_size=12))
def test_however_it_is_cut_the_texts_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ANSWER)]
    texts, stream = read(*(ANSWER[start:end] for start, end in pairwise(edges)))
    assert texts == ["Sch\u00f6n, ", "guten Tag \U0001f44b"]
    assert stream.finished
    assert stream.ended


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_text_comes_out_with_the_end_of_its_line(line_end: bytes) -> None:
    stream = ChatStream()
    line = said("One.").strip()
    assert stream.feed(line) == []
    assert stream.feed(line_end) == ["One."]


def test_nothing_after_the_end_counts() -> None:
    texts, _ = read(said("One.") + DONE + said("Two."))
    assert texts == ["One."]


def test_a_stream_that_just_ends_is_not_finished() -> None:
    _, stream = read(said("One."))
    stream.end()
    assert stream.ended
    assert not stream.finished


def test_a_reason_to_finish_is_enough() -> None:
    _, stream = read(said("One.", finish_reason="stop"))
    assert stream.finished
    assert not stream.ended


def test_a_whole_completion_is_taken_too() -> None:
    body = json.dumps({"choices": [{"message": {"content": "One.\nTwo."}}]}, indent=1).encode()
    _, stream = read(b"\n" + body[:20], body[20:])
    assert stream.end() == ["One.\nTwo."]
    assert stream.finished


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<html>Welcome</html>", "something else"),
        (b"", "nothing"),
        (b'{"models": []}', "JSON of another kind"),
        (b'{"choices": 3}', "JSON of another kind"),
        (b'{"choices": [', "broken JSON"),
        (b"data: {oops\n", "broken JSON"),
        (b"data: \xff\n", "broken JSON"),
        (b"x" * (LONGEST_LINE + 1), "a line without an end"),
    ],
)
def test_what_is_no_chat_is_called_so(body: bytes, what: str) -> None:
    stream = ChatStream()
    with pytest.raises(NotAChat, match=what):
        stream.feed(body)
        stream.end()


@pytest.mark.parametrize("error", [b'{"message": "out of memory"}', b'"out of memory"'])
def test_an_error_in_the_stream_is_told(error: bytes) -> None:
    stream = ChatStream()
    stream.feed(said("One"))
    with pytest.raises(ChatFailed, match="out of memory"):
        stream.feed(b'data: {"error": ' + error + b"}\n")


def test_the_reason_of_a_refusal_is_found_where_it_usually_is() -> None:
    assert failure_of(b'{"error": {"message": "no such model"}}') == "no such model"
    assert failure_of(b'{"error": "no such model"}') == "no such model"
    assert failure_of(b"<html>") == failure_of(b"{}") == failure_of(b"\xff") == ""
