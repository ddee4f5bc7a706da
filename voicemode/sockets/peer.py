"""Who is at the other end of a Unix socket.  In: a connected socket.  Out: the user's number, as the system has it."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Protocol

_UCRED = struct.Struct("iII")
"""Linux: process, user, group."""

_XUCRED = struct.Struct("IIh2x16I")
"""macOS and FreeBSD: version of the structure, user, number of groups, groups."""

_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1
"""Of macOS and FreeBSD; Python does not name them everywhere."""


class Connected(Protocol):
    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...


def user_of(connected: Connected, platform: str = sys.platform) -> int | None:
    """None where it cannot be known, and the other end is then nobody to be trusted."""
    try:
        if platform == "linux":
            credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            _, user, _ = _UCRED.unpack(credentials)
            return int(user)
        if platform.startswith(("darwin", "freebsd")):
            version, user, *_ = _XUCRED.unpack(connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size))
            return int(user) if version == 0 else None
    except (OSError, struct.error):  # it has gone already, or the system has another structure
        return None
    return None
