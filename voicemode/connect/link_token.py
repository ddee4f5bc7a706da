"""Who we are, in the words that the link understands.  In: a login.  Out: a token, or why there is none."""

from __future__ import annotations

from typing import Self

from attrs import frozen

from actors.errors import LinkLost, LinkRefused

from .login import AccessToken, LoginRequired, LoginSettings, access_token
from .login.errors import LoginError, ProviderSilent


@frozen(eq=False)
class LinkToken:
    """Implements ``TokenSource``."""

    _token: AccessToken

    @classmethod
    def of(cls, settings: LoginSettings) -> Self:
        return cls(access_token(settings))

    async def __call__(self) -> str | None:
        try:
            return await self._token()
        except ProviderSilent as error:
            raise LinkLost(str(error)) from error
        except (LoginRequired, LoginError) as error:
            raise LinkRefused(str(error)) from error

    def refuse(self, token: str) -> None:
        self._token.refuse(token)
