"""Signs out.  In: where the login is kept.  Out: nothing is kept any more, and what the provider was told (RFC 7009).

What is here goes in any case; the provider is asked afterwards, and may have no way to be told.
"""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from actors.errors import VoiceError

from .access_token import in_thread
from .asking import ask
from .credentials import Credentials
from .errors import LoginError
from .guard import alone_with_login
from .provider import discover
from .settings import LoginSettings
from .store import CredentialStore


@frozen
class SignedOut:
    """``login`` is what there was; ``told`` whether the provider has taken it back, and ``reason`` why it has not."""

    told: bool = False
    reason: str = ""
    login: Credentials | None = field(default=None, repr=False)


async def sign_out(settings: LoginSettings, store: CredentialStore) -> SignedOut | None:
    """None where nobody was signed in.  Raises LoginError when what is here cannot be removed."""
    async with alone_with_login(settings.base_dir):
        try:
            login = await in_thread(store.load)
        except LoginError:
            login = None  # what cannot be read can be removed
        there_was = await in_thread(store.clear)
    if login is None:
        return SignedOut(reason="what was kept could not be read") if there_was else None
    if not settings.enabled:
        return SignedOut(reason="VOICEMODE_CONNECT_ENABLED is false", login=login)
    try:
        await _revoke(login, settings)
    except VoiceError as error:
        return SignedOut(reason=str(error).rstrip("."), login=login)
    return SignedOut(told=True, login=login)


async def _revoke(login: Credentials, settings: LoginSettings) -> None:
    provider = await discover(login.issuer)
    if not provider.revocation:
        raise LoginError(f"{provider.issuer} has no way to be told")
    kind: Literal["refresh_token", "access_token"] = "refresh_token" if login.refresh_token else "access_token"
    form = {
        "token": login.refresh_token or login.access_token,
        "token_type_hint": kind,
        "client_id": login.client_id or settings.client_id,
    }
    reply = await ask(provider.revocation, form=form)
    if not reply.good:
        words = reply.words(login.refresh_token, login.access_token)
        raise LoginError(f"{provider.revocation} refuses to ({reply.status}){f': {words}' if words else ''}")
