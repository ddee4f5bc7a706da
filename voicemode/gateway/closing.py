"""Why the gateway closes a connection, as a code of WebSocket (RFC 6455 has the ones below 4000)."""

from __future__ import annotations

GOING_AWAY = 1001
"""The gateway ends; connect again."""

POLICY = 1008
"""Too much rubbish, or too much of anything."""

BUSY = 1013
"""There are too many connections, or tokens cannot be checked; try again later."""

BAD_TOKEN = 4001
"""There is no token, or one that is not, or no longer, good."""

REPLACED = 4002
"""The session goes on over a newer connection."""

TOO_SLOW = 4008
"""It said nothing in time, or does not read what it is sent."""
