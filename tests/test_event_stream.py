"""Server-sent events: the same however they are cut, and nothing but what their data lines hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from voicemode.event_stream import LONGEST_LINE, EndlessLine, EventStream

BODY = (
    b"\xef\xbb\xbfdata: one\n\n: a comment\r\nevent: x\r\ndata:two\r\n\r\ndata: \rid: 7\rdata: three: 3\n\ndata: four"
)


def read(*parts: bytes) -> list[bytes]:
    events = EventStream()
    return [*(value for part in parts for value in events.feed(part)), *events.end()]


@given(st.lists(st.integers(0, len(BODY)), max_size=20))
def test_however_they_are_cut_the_values_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    assert read(*(BODY[start:end] for start, end in pairwise(edges))) == [b"one", b"two", b"three: 3", b"four"]


def test_a_value_is_there_with_the_end_of_its_line() -> None:
    events = EventStream()
    assert events.feed(b"data: one") == []
    assert events.feed(b"\n") == [b"one"]
    assert events.end() == []


def test_a_line_without_an_end_is_given_up() -> None:
    with pytest.raises(EndlessLine):
        read(b"x" * (LONGEST_LINE + 1))


@given(st.binary())
def test_anything_can_be_read(body: bytes) -> None:
    assert all(read(body))
