"""Who is at the other end, on each system."""

from __future__ import annotations

import os
import socket
import struct

import pytest

from voicemode.sockets.peer import user_of


class Told:
    """A socket of another system: what its kernel says."""

    def __init__(self, credentials: bytes | OSError) -> None:
        self.credentials = credentials

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        if isinstance(self.credentials, OSError):
            raise self.credentials
        return self.credentials[:buflen]


def test_it_is_this_user_where_it_is_this_process() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert user_of(ours) == os.geteuid()


def xucred(version: int) -> bytes:
    return struct.pack("IIh2x16I", version, 501, 1, 20, *[0] * 15)


@pytest.mark.parametrize(
    ("platform", "credentials", "user"),
    [
        ("linux", struct.pack("iII", 7, 1000, 1000), 1000),
        ("linux", b"", None),
        ("darwin", xucred(0), 501),
        ("freebsd14", xucred(0), 501),
        ("darwin", xucred(1), None),
        ("darwin", xucred(0)[:8], None),
        ("darwin", OSError("gone"), None),
        ("plan9", xucred(0), None),
    ],
)
def test_what_cannot_be_understood_is_nobody(platform: str, credentials: bytes | OSError, user: int | None) -> None:
    assert user_of(Told(credentials), platform) == user
