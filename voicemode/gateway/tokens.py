"""Whose a token is.  In: what a client presents.  Out: an account, or a refusal with the protocol's code."""

from __future__ import annotations

import hmac
import secrets
import stat
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from actors.errors import SettingsError

LONGEST = 8_192
"""Characters."""

SHORTEST = 16
"""Characters; what is shorter can be guessed."""


@frozen(kw_only=True)
class Identity:
    """``expires`` is in seconds since 1970, None for never."""

    account: str
    name: str = ""
    expires: float | None = None


class TokenRefused(Exception):
    """``code`` is the protocol's: AUTH_REQUIRED, INVALID_TOKEN or SESSION_EXPIRED."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class CannotVerify(Exception):
    """Whether the token is good cannot be told now."""


class TokenVerifier(Protocol):
    async def verify(self, token: str) -> Identity:
        """Raises TokenRefused or CannotVerify."""
        ...


def new_token() -> str:
    return secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()


@frozen
class StaticTokens:
    """Tokens that are written down, for one person or a few; only what they hash to is kept in memory."""

    _known: Sequence[tuple[bytes, Identity]] = field(repr=False)

    @classmethod
    def one(cls, token: str, account: str) -> StaticTokens:
        return cls([(_digest(token), Identity(account=account))])

    @classmethod
    def read(cls, path: Path) -> StaticTokens:
        """A token, its account and perhaps a name for people in each line.  Raises SettingsError."""
        try:
            mode = path.stat().st_mode
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingsError(f"The tokens in {path} cannot be read: {reason}.") from error
        if stat.S_IMODE(mode) & 0o077:
            raise SettingsError(f"Others can read the tokens in {path}; let only yourself: chmod 600 {path}")
        known: list[tuple[bytes, Identity]] = []
        for number, line in enumerate(lines, 1):
            token, *rest = line.split(maxsplit=2) or [""]
            if not token or token.startswith("#"):
                continue
            if not rest or len(token) < SHORTEST:
                raise SettingsError(
                    f"Line {number} of {path} has no token of at least {SHORTEST} characters with an account behind it."
                )
            digest = _digest(token)
            if any(digest == before for before, _ in known):
                raise SettingsError(
                    f"Line {number} of {path} has a token that stands above already: each has one account."
                )
            known.append((digest, Identity(account=rest[0], name=rest[1] if len(rest) > 1 else "")))
        if not known:
            raise SettingsError(f"There is no token in {path}. A line has a token and its account.")
        return cls(known)

    async def verify(self, token: str) -> Identity:
        digest, found = _digest(token), None
        for known, identity in self._known:
            if hmac.compare_digest(known, digest):
                found = identity
        if found is None:
            raise TokenRefused("INVALID_TOKEN", "this token is not known here")
        return found


@frozen
class FirstOf:
    """Several verifiers; the token is whose the first of them says it is."""

    verifiers: Sequence[TokenVerifier]

    async def verify(self, token: str) -> Identity:
        refusal: TokenRefused | CannotVerify = TokenRefused("INVALID_TOKEN", "this token is not known here")
        for verifier in self.verifiers:
            try:
                return await verifier.verify(token)
            except (TokenRefused, CannotVerify) as error:
                refusal = error
        raise refusal


def check_form(token: str) -> None:
    """Raises TokenRefused for what cannot be a token."""
    if not token:
        raise TokenRefused("AUTH_REQUIRED", "a token is needed")
    if len(token) > LONGEST:
        raise TokenRefused("INVALID_TOKEN", f"a token has at most {LONGEST:,} characters")
