"""How much of everything there may be, so that nothing grows without bound and nobody starves the others."""

from __future__ import annotations

from attrs import frozen

HOUR = 3600.0

MOST_TEXT = 10_000
"""Characters of a message."""

MOST_ID = 200
"""Characters."""


@frozen(kw_only=True)
class Limits:
    """Durations in seconds, sizes in bytes."""

    connections: int = 10_000
    per_account: int = 50
    strangers: int = 500
    """Connections of whom it is not known yet whose they are."""
    handshake: float = 10.0
    """For a token to be said and found good, and again for ``ready``."""
    silence: float = 90.0
    """After which a connection that says nothing is closed."""
    patience: float = 90.0
    """For a message to be confirmed; longer than an agent's side takes to find its connection dead and make another."""
    back: float = 30.0
    """For whoever has just gone to be back; until then messages for them are taken."""
    resumable: float = 24 * HOUR
    remembered: int = 5_000
    """Sessions without a connection."""
    remembered_per_account: int = 50
    per_target: int = 100
    """Messages that wait for one recipient."""
    per_account_waiting: int = 1_000
    window: int = 20
    """Messages that one connection has not confirmed; more are sent when it has."""
    frames: float = 50.0
    """A second, of one connection, on the average; who sends more is read more slowly."""
    burst: int = 200
    bytes: float = 250_000.0
    """A second, of one connection, on the average."""
    burst_bytes: float = 1_100_000.0
    """One frame of the longest."""
    mistakes: int = 10
    """In a row, after which a connection is closed."""
    unread: int = 256_000
    """Of what one connection does not read; for ``slow`` seconds, and it is closed."""
    slow: float = 10.0
    drain: float = 4.0
    """For connections to end when the gateway does."""
