"""Frames are counted as they arrive, in whatever pieces."""

from __future__ import annotations

from hypothesis import given, strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from voicemode.gateway.frames import FrameCounter

HEAD = b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n"

frames = st.tuples(st.sampled_from([Opcode.TEXT, Opcode.PING, Opcode.CLOSE]), st.integers(0, 70_000))


def sent(opcode: Opcode, size: int) -> bytes:
    small = min(size, 125) if opcode is not Opcode.TEXT else size
    return FrameProtocol(client=True, extensions=[])._serialize_frame(opcode, b"x" * small)


@given(st.lists(frames, max_size=6), st.lists(st.integers(1, 5_000), min_size=1, max_size=20))
def test_each_frame_counts_once_however_it_comes(said: list[tuple[Opcode, int]], cuts: list[int]) -> None:
    data = HEAD + b"".join(sent(*frame) for frame in said)
    counter, count = FrameCounter(), 0
    for cut in cuts:
        count += counter.feed(data[:cut])
        data = data[cut:]
    assert count + counter.feed(data) == len(said)


@given(st.lists(st.binary(max_size=3_000), max_size=5))
def test_what_are_no_frames_is_some_number(pieces: list[bytes]) -> None:
    counter = FrameCounter()
    for piece in pieces:
        assert 0 <= counter.feed(piece) <= len(piece) + 14


def test_no_frame_is_counted_in_the_head_of_a_request() -> None:
    counter = FrameCounter()
    assert sum(counter.feed(HEAD[at : at + 1]) for at in range(len(HEAD))) == 0
    assert counter.feed(sent(Opcode.PING, 0)) == 1
