"""Keeps web pages out of a server that is for this machine alone.  In: a request's headers.  Out: a refusal, if any.

A page may send requests to 127.0.0.1 from any browser on the machine, and under a name of its own that it has made
point there (DNS rebinding) read the answers as well.  Its requests carry that name as ``Host``, or its own ``Origin``.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from .refusal import Refusal


def is_loopback(name: str | None) -> bool:
    """Whether ``name`` is this machine for itself: localhost, ::1 or 127.anything."""
    if name is None:
        return False
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_strangers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises Refusal for a request that was meant for another host or comes from another's web page."""
    given = {name: value.decode("latin-1") for name, value in headers}
    if not is_loopback(_name("//" + given.get(b"host", ""))):
        raise Refusal(421, "This server answers as localhost and 127.0.0.1 only, unless started with --host.")
    if b"origin" in given and not is_loopback(_name(given[b"origin"])):
        raise Refusal(403, "This server does not answer web pages of other hosts, unless started with --host.")


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
