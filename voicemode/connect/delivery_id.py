"""The id under which a gateway hands on what a device said.  In: the device, and the id it chose.  Out: one that no
other device can have chosen."""

from __future__ import annotations

from hashlib import sha256


def delivery_id(identity: str, message_id: str) -> str:
    """The same for the same message, whichever gateway it goes through and however often, so that repeats are known."""
    return "msg_" + sha256(f"{identity}\0{message_id}".encode(errors="surrogatepass")).hexdigest()[:24]
