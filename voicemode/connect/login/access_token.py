"""A token that the gateway takes, whenever one is wanted.  In: what a login left.  Out: a token, renewed in time.

One that was given by a gateway of the user's own goes before any login, and is never renewed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio
from attrs import define, field

from .credentials import EARLY, Credentials
from .errors import GrantRefused, LoginRequired, ProviderSilent
from .guard import alone_with_login
from .once_begun import once_begun
from .provider import Provider, discover
from .settings import LoginSettings
from .store import CredentialStore, store_of
from .tokens import renew

log = logging.getLogger(__name__)

AGAIN = "Sign in with voicemode connect login."

Result = TypeVar("Result")

_keeping = trio.CapacityLimiter(1)


@define
class AccessToken:
    """Call it for each connection.  ``clock`` is the one on the wall, in seconds since 1970, which may jump."""

    settings: LoginSettings
    store: CredentialStore
    clock: Callable[[], float] = time.time
    _refused: str = field(default="", init=False, repr=False)
    _one_at_a_time: trio.Lock = field(factory=trio.Lock, init=False)

    async def __call__(self) -> str:
        """Raises LoginRequired when only a person can help; ProviderSilent when it may work later, which it does not
        while the token that there is can still be used; LoginError and SettingsError otherwise."""
        if self.settings.token:
            return self.settings.token
        async with self._one_at_a_time:
            held = await self._held()
            if self._good_for(held) > EARLY:
                return held.access_token
            async with alone_with_login(self.settings.base_dir):
                # somebody else may have renewed it while we waited, or signed out
                held = await self._held()
                if self._good_for(held) > EARLY:
                    return held.access_token
                return (await self._renewed(held)).access_token

    def refuse(self, token: str) -> None:
        """The gateway does not take it, whatever its time: the next one is another."""
        self._refused = token

    def _good_for(self, held: Credentials) -> float:
        return 0.0 if held.access_token == self._refused else held.left(self.clock())

    async def _held(self) -> Credentials:
        held = await in_thread(self.store.load)
        if held is None:
            raise LoginRequired(f"Nobody is signed in. {AGAIN}")
        if held.issuer != self.settings.issuer:
            raise LoginRequired(f"The login is one of {held.issuer}, not of {self.settings.issuer}. {AGAIN}")
        return held

    async def _renewed(self, held: Credentials) -> Credentials:
        client_id = held.client_id or self.settings.client_id
        if not held.refresh_token or not client_id:
            if self._good_for(held) > 0:
                return held
            raise LoginRequired(f"The login of {held.issuer} has ended, and cannot be renewed. {AGAIN}")
        try:
            provider = await discover(held.issuer)
            return await once_begun(partial(self._renew, provider, held, client_id))
        except GrantRefused as error:
            raise LoginRequired(f"The login has ended, or was ended: {error} {AGAIN}") from error
        except ProviderSilent as error:
            if self._good_for(held) > 0:
                log.warning("The login is not renewed yet: %s", error)
                return held
            raise

    async def _renew(self, provider: Provider, held: Credentials, client_id: str) -> Credentials:
        tokens = await renew(provider, held.refresh_token, client_id)
        new = held.renewed(tokens, self.clock())
        await in_thread(partial(self.store.save, new))
        return new


def access_token(settings: LoginSettings) -> AccessToken:
    return AccessToken(settings, store_of(settings))


async def in_thread(do: Callable[[], Result]) -> Result:
    """What a store does.  Left alone when it is cancelled, as a keyring may be waiting for a person."""
    return await trio.to_thread.run_sync(do, abandon_on_cancel=True, limiter=_keeping)
