"""Tokens of an OpenID provider, checked against the keys it publishes.  In: a JWT.  Out: whose it is, or a refusal.

What is checked: the signature, by an algorithm with a public and a private key; ``iss``, ``aud``, ``exp``, ``nbf``; and
that there is a ``sub``, which is the account.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
import trio

from actors.errors import SettingsError

from ..http_client import Address, HttpClient, HttpFailure, NotAnAddress
from .tokens import CannotVerify, Identity, TokenRefused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""None that needs a secret which both sides know, and not ``none``."""

DISCOVERY = ".well-known/openid-configuration"

FRESH = 3600.0
"""Seconds after which the keys are fetched anew."""

AT_MOST_EVERY = 30.0
"""Seconds between two attempts to fetch them, however many tokens with unknown keys come."""

PATIENCE = 8.0
"""Seconds for the issuer to answer."""

LEEWAY = 10.0
"""Seconds that its clock may be off."""

LONGEST = 1_000_000
"""Bytes of an answer."""


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _Keys(msgspec.Struct):
    keys: list[dict[str, Any]]


class IssuerTokens:
    """Satisfies TokenVerifier; ``audience`` is what the tokens have to be for.

    Raises SettingsError for an issuer whose keys could never be believed.
    """

    def __init__(self, issuer: str, audience: str) -> None:
        _check(issuer)
        self._issuer, self._audience = issuer, audience
        self._name = issuer
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._fetched, self._tried = -math.inf, -math.inf
        self._fetching = trio.Lock()

    async def verify(self, token: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise TokenRefused("INVALID_TOKEN", "this is no token") from error
        if header.get("alg") not in ALGORITHMS:
            raise TokenRefused("INVALID_TOKEN", "this token is not signed in a way that can be checked")
        key = await self._key(header.get("kid"))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[str(header["alg"])],
                audience=self._audience,
                issuer=self._name,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("SESSION_EXPIRED", "this token is no longer good") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenRefused("INVALID_TOKEN", f"this token is not good here: {error}") from error
        account, name = claims["sub"], claims.get("name")
        if not isinstance(account, str) or not account:
            raise TokenRefused("INVALID_TOKEN", "this token is nobody's")
        return Identity(
            account=account,
            name=name if isinstance(name, str) else "",
            expires=float(claims["exp"]) + LEEWAY,
        )

    async def fetch(self) -> None:
        """Fetch the keys, so that the first token need not wait.  Raises CannotVerify."""
        async with self._fetching:
            await self._fetch()

    async def _key(self, kid: object) -> jwt.PyJWK:
        if self._missing(kid):
            async with self._fetching:
                now = trio.current_time()
                # somebody else may have done it meanwhile
                if self._missing(kid) and now >= self._tried + AT_MOST_EVERY:
                    try:
                        await self._fetch()
                    except CannotVerify:
                        # keys that were good an hour ago are better than none
                        if self._found(kid) is None:
                            raise
        found = self._found(kid)
        if found is None and not self._keys:
            raise CannotVerify(f"{self._issuer} has not been reached")
        if found is None:
            raise TokenRefused("INVALID_TOKEN", "this token is signed with a key that the issuer does not have")
        return found

    def _missing(self, kid: object) -> bool:
        return self._found(kid) is None or trio.current_time() >= self._fetched + FRESH

    def _found(self, kid: object) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None

    async def _fetch(self) -> None:
        self._tried = trio.current_time()
        try:
            with trio.fail_after(PATIENCE):
                said = await _get(self._issuer, DISCOVERY, _Discovery)
                if said.issuer.rstrip("/") != self._issuer.rstrip("/"):
                    raise CannotVerify(f"{self._issuer} says that it is {said.issuer}")
                found = await _get(said.jwks_uri, "", _Keys)
        except trio.TooSlowError as error:
            raise CannotVerify(f"{self._issuer} does not answer") from error
        keys: dict[str | None, jwt.PyJWK] = {}
        for each in found.keys:
            try:
                key = jwt.PyJWK(each)
            except jwt.PyJWTError:
                # of a kind that cannot be used here
                continue
            if each.get("use", "sig") == "sig" and key.key_type != "oct":
                keys[key.key_id] = key
        self._keys, self._name, self._fetched = keys, said.issuer, trio.current_time()


def _check(issuer: str) -> None:
    try:
        if Address.parse(issuer).protected:
            return
    except NotAnAddress:
        pass
    raise SettingsError(
        f"{issuer} cannot be an issuer: its address begins with https://, or with http:// and is on this machine."
    )


def _itself(address: str) -> str:
    """What stands at ``address``, seen from it; ``HttpClient`` takes what is under it or beside it."""
    parts = urlsplit(address)
    last = parts.path.rstrip("/").rsplit("/", 1)[-1]
    return f"../{last}?{parts.query}" if parts.query else f"../{last}"


async def _get(address: str, path: str, kind: type[Any]) -> Any:
    """Raises CannotVerify."""
    try:
        where = Address.parse(address)
        if not where.protected:
            raise CannotVerify(f"{where.name} is not protected; its address has to begin with https://")
        client = await HttpClient.open(where, connect=PATIENCE)
        try:
            async with await client.ask("GET", path or _itself(address)) as answer:
                body = b""
                while (part := await answer.next()) is not None and len(body) <= LONGEST:
                    body += part
                if not answer.good:
                    raise CannotVerify(f"{where.name} answers {answer.status}")
        finally:
            await client.aclose()
        return msgspec.json.decode(body, type=kind)
    except NotAnAddress as error:
        raise CannotVerify(f"{address} is {error}") from error
    except HttpFailure as error:
        raise CannotVerify(f"{address}: {error}") from error
    except msgspec.MsgspecError as error:
        raise CannotVerify(f"{address} answers something else than it should") from error
