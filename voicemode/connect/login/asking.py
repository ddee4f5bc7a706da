"""One request to the provider.  In: an address and perhaps a form.  Out: a status and a body, both within bounds.

Redirects are not followed: a form with a code or a token in it goes to the address that was asked for, or nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import msgspec
import trio
from attrs import field, frozen

from ...http_client import Address, BrokenOff, HttpClient, NotAnAddress, TooSlowToConnect, Unreachable, Untrusted
from ...speech.endpoint_faults import quoted
from .errors import LoginError, ProviderSilent

CONNECT = 10.0
"""Seconds for a connection."""

PATIENCE = 30.0
"""Seconds for all of an answer."""

LONGEST = 1 << 18
"""Bytes of an answer; a token has a few thousand at most."""


@frozen
class Reply:
    status: int
    body: bytes = field(repr=False)

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def members(self) -> dict[str, object]:
        """Of the JSON object that the body is; none if it is something else."""
        try:
            found: object = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}

    def words(self, *secrets: str | None) -> str:
        """What is wrong in the provider's own words, cut short and without ``secrets``; nothing if it says nothing."""
        members = self.members()
        said = [text for name in ("error", "error_description") if isinstance(text := members.get(name), str)]
        return quoted(": ".join(said), secrets)


def safe_address(text: str, what: str) -> str:
    """``text`` if it is an https:// address, or one of this machine, that can be shown.  Raises LoginError."""
    try:
        address, parts = Address.parse(text), urlsplit(text)
    except (NotAnAddress, ValueError) as error:
        raise LoginError(f"{what} is no address of the form https://host/path.") from error
    if not text.isprintable() or " " in text or parts.fragment or address.credentials:
        raise LoginError(f"{what} is an address with a user, a #, or signs in it that do not belong there.")
    if not address.protected:
        raise LoginError(
            f"{what} is {address.name}, where anybody on the way could read what is sent: it has to begin with https://."
        )
    return text


async def ask(url: str, *, form: Mapping[str, str] | None = None, bearer: str | None = None) -> Reply:
    """``POST`` a ``form``, or ``GET`` without one.  ``url`` is a ``safe_address``.  Raises ProviderSilent, LoginError
    and SettingsError."""
    parts = urlsplit(url)
    address = Address.parse(f"{parts.scheme}://{parts.netloc}")
    name = Address.parse(url).name
    client = await HttpClient.open(address, key=bearer, connect=CONNECT, proxies=not address.loopback)
    try:
        with trio.fail_after(PATIENCE):
            # a relative reference may have a colon in its first part only behind a dot
            path = f"./{parts.path.removeprefix('/')}{f'?{parts.query}' if parts.query else ''}"
            headers = {"Accept": "application/json"}
            answer = await client.ask("GET" if form is None else "POST", path, form=form, headers=headers)
            body = b""
            async with answer:
                while (part := await answer.next()) is not None:
                    body += part
                    if len(body) > LONGEST:
                        raise LoginError(
                            f"{name} answers with more than {LONGEST >> 10} kB, which is no answer to this."
                        )
            return Reply(answer.status, body)
    except trio.TooSlowError as error:
        raise ProviderSilent(f"{name} has not answered for {PATIENCE:g} s. Try again later.") from error
    except Untrusted as error:
        raise ProviderSilent(f"{name} cannot be trusted ({error}). Is VOICEMODE_CONNECT_ISSUER right?") from error
    except TooSlowToConnect as error:
        raise ProviderSilent(f"{name} cannot be reached: no connection after {CONNECT:g} s.") from error
    except Unreachable as error:
        raise ProviderSilent(
            f"{name} cannot be reached ({error}). Is this machine online, and is VOICEMODE_CONNECT_ISSUER right?"
        ) from error
    except BrokenOff as error:
        raise ProviderSilent(f"{name} broke off in the middle of its answer. Try again.") from error
    finally:
        await client.aclose()
