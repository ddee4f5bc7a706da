"""The question that the browser takes to the provider.  In: whom to ask, for what.  Out: an address, and what its
answer is checked against.

Authorization code with PKCE by S256 (RFC 7636), a public client (RFC 8252).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from attrs import field, frozen

from .provider import Provider


def _secret() -> str:
    return secrets.token_urlsafe(32)


@frozen
class LoginRequest:
    """``state`` comes back with the answer; who has the code can do nothing with it without the ``verifier``."""

    provider: Provider
    client_id: str
    redirect_uri: str
    scopes: str
    audience: str = ""
    state: str = field(factory=_secret, repr=False)
    verifier: str = field(factory=_secret, repr=False)

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def url(self) -> str:
        parts = urlsplit(self.provider.authorization)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scopes,
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **({"audience": self.audience} if self.audience else {}),
        }
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *asked.items()])
        return urlunsplit(parts._replace(query=query))
