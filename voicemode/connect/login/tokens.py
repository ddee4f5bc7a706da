"""The provider's tokens.  In: a code, or a refresh token.  Out: an access token and how long it is good for.

RFC 6749 as a public client: its name goes with the form, and there is no secret.  An id_token is not looked at: who
somebody is comes from the provider itself, for the access token, and is for show; the verifier binds the code to us.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import field, frozen

from .asking import Reply, ask
from .errors import GrantRefused, LoginError, ProviderSilent
from .provider import Provider
from .request import LoginRequest

UNSAID = 3600.0
"""Seconds that a token is taken to be good for if the provider does not say."""

LONGEST = 365 * 24 * 3600.0
"""Seconds that a token is believed to be good for, whatever the provider says."""


@frozen(kw_only=True)
class Tokens:
    """``lifetime`` in seconds from when they were given; ``refresh`` is empty where there is none, or no new one."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    lifetime: float = UNSAID


async def redeem(code: str, request: LoginRequest) -> Tokens:
    """Raises GrantRefused, ProviderSilent, LoginError."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": request.redirect_uri,
        "client_id": request.client_id,
        "code_verifier": request.verifier,
    }
    return await _asked(request.provider, form, (code, request.verifier))


async def renew(provider: Provider, refresh_token: str, client_id: str) -> Tokens:
    """Raises GrantRefused, ProviderSilent, LoginError."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
    return await _asked(provider, form, (refresh_token,))


async def user_info(provider: Provider, access_token: str) -> dict[str, object]:
    """Who that is, as far as the provider says.  Raises LoginError."""
    if not provider.userinfo:
        return {}
    reply = await ask(provider.userinfo, bearer=access_token)
    members = reply.members()
    if not reply.good or not members:
        raise LoginError(f"{provider.userinfo} does not say who has signed in ({reply.status}).")
    return members


async def _asked(provider: Provider, form: Mapping[str, str], secrets: tuple[str, ...]) -> Tokens:
    reply = await ask(provider.token, form=form)
    if reply.good:
        return _given(reply, provider)
    words = reply.words(*secrets).rstrip(".")
    said = f"{provider.token} gives no token ({reply.status}){f': {words}' if words else ''}."
    if reply.status >= 500 or reply.status == 429:
        raise ProviderSilent(f"{said} Try again later.")
    error = reply.members().get("error")
    if error == "invalid_grant":
        raise GrantRefused(said)
    advice = " Is VOICEMODE_CONNECT_CLIENT_ID right?" if error in ("invalid_client", "unauthorized_client") else ""
    raise LoginError(f"{said}{advice}")


def _given(reply: Reply, provider: Provider) -> Tokens:
    members = reply.members()
    access, kind = members.get("access_token"), members.get("token_type", "Bearer")
    if not isinstance(access, str) or not _sendable(access):
        raise LoginError(f"{provider.token} answers without a token that could be used.")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise LoginError(f"{provider.token} gives a token of another kind than Bearer, which is of no use here.")
    refresh = members.get("refresh_token")
    return Tokens(
        access=access,
        refresh=refresh if isinstance(refresh, str) else "",
        lifetime=_lifetime(members.get("expires_in"), provider),
    )


def _sendable(token: str) -> bool:
    """Whether it can stand in a header."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def _lifetime(said: object, provider: Provider) -> float:
    """Some providers write the number as a text."""
    if said is None:
        return UNSAID
    try:
        seconds = math.nan if isinstance(said, bool) or not isinstance(said, str | int | float) else float(said)
    except (ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        raise LoginError(f"{provider.token} gives a token that is good for no time at all.")
    return min(seconds, LONGEST)
