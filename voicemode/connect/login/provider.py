"""An OpenID provider as it describes itself.  In: the issuer's address.  Out: its endpoints, each one safe to ask.

OpenID Connect Discovery 1.0, and RFC 8414 where there is no such document.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from attrs import frozen

from .asking import Reply, ask, safe_address
from .errors import LoginError, ProviderSilent


@frozen(kw_only=True)
class Provider:
    """``userinfo`` and ``revocation`` are empty where it has none; ``names_itself``: its redirects carry ``iss``."""

    issuer: str
    authorization: str
    token: str
    userinfo: str = ""
    revocation: str = ""
    names_itself: bool = False


async def discover(issuer: str) -> Provider:
    """Raises LoginError, ProviderSilent when it cannot be asked now, and SettingsError."""
    safe_address(issuer, "VOICEMODE_CONNECT_ISSUER")
    for url in _documents(issuer):
        reply = await ask(url)
        if reply.good:
            return _described(reply, url, issuer)
        if reply.status >= 500 or reply.status == 429:
            raise ProviderSilent(f"{url} cannot answer now ({reply.status}). Try again later.")
    raise LoginError(
        f"{issuer} does not describe itself as OpenID providers do: there is nothing at "
        f"{' or '.join(_documents(issuer))}. Is VOICEMODE_CONNECT_ISSUER right?"
    )


def _documents(issuer: str) -> tuple[str, str]:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


def _described(reply: Reply, url: str, issuer: str) -> Provider:
    members = reply.members()

    def address(name: str, *, needed: bool = False) -> str:
        text = members.get(name)
        if text is None and not needed:
            return ""
        return safe_address(text if isinstance(text, str) else "", f"The {name} that {url} names")

    said = members.get("issuer")
    if not isinstance(said, str):
        raise LoginError(
            f"What {url} answers is no description of an OpenID provider. Is VOICEMODE_CONNECT_ISSUER right?"
        )
    if said != issuer:
        shown = said if said.isprintable() else "something else"
        raise LoginError(
            f"{url} is the description of {shown}, not of {issuer}. VOICEMODE_CONNECT_ISSUER has to be the same, "
            "letter by letter."
        )
    return Provider(
        issuer=issuer,
        authorization=address("authorization_endpoint", needed=True),
        token=address("token_endpoint", needed=True),
        userinfo=address("userinfo_endpoint"),
        revocation=address("revocation_endpoint"),
        names_itself=members.get("authorization_response_iss_parameter_supported") is True,
    )
