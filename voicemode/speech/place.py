"""Where a service works.  In: its address.  Out: on this machine or network, or at somebody else's."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from actors.messages import Place

AT_HOME = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
"""Ends of names that no public name server knows (RFC 6761, 6762 and 8375, and what routers and ICANN reserve)."""


def place_of(url: str) -> Place:
    """``local`` for private addresses (RFC 1918 and the like) and names that only a home network has."""
    host = (urlsplit(url.strip()).hostname or "").rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        return "local" if "." not in host or host.endswith(AT_HOME) else "remote"
    return "local" if address.is_private or address.is_link_local else "remote"


def same_service(url: str) -> tuple[str, int | None, str]:
    """Equal for addresses of the same service, whichever way this machine is called."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    try:
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        here = False
    return "" if here else host, port, parts.path.rstrip("/")
