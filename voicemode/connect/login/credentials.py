"""What a login leaves.  In and out: JSON as VoiceMode 8 keeps it, with what was not in there yet beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec
from attrs import evolve, field, frozen

from .errors import LoginError
from .tokens import Tokens

EARLY = 60.0
"""Seconds before its end from which a token is renewed: it has yet to travel, and clocks differ."""

OF_VOICEMODE_8 = "https://dev-2q681p5hobd1dtmm.us.auth0.com/"
"""Who gave what was kept without saying who gave it."""

THE_END = 253_402_300_800.0
"""Seconds since 1970 until the year 10000, which no date can be after."""

LONGEST = 30 * 24 * 3600.0
"""Seconds; no token of which it is not known how long it was good for is good for longer."""


def _no_user() -> dict[str, object]:
    return {}


@frozen(kw_only=True)
class Credentials:
    """``expires_at`` is in seconds since 1970, ``lifetime`` how many of them the token was good for when it came, 0
    where that is not known.  ``client_id`` is empty where that is not known."""

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str = field(default="", repr=False)
    token_type: str = "Bearer"  # noqa: S105 - a kind of token, and none
    user_info: Mapping[str, object] = field(factory=_no_user, repr=False)
    issuer: str = OF_VOICEMODE_8
    client_id: str = ""
    lifetime: float = 0.0

    @classmethod
    def given(cls, tokens: Tokens, now: float, *, issuer: str, client_id: str) -> Self:
        new = cls(access_token="", expires_at=0, issuer=issuer, client_id=client_id)
        return new.renewed(tokens, now)

    def renewed(self, tokens: Tokens, now: float) -> Self:
        """With new tokens; the refresh token stays where no other one came."""
        return evolve(
            self,
            access_token=tokens.access,
            refresh_token=tokens.refresh or self.refresh_token,
            expires_at=now + tokens.lifetime,
            lifetime=tokens.lifetime,
        )

    def left(self, now: float) -> float:
        """Seconds that the token is still good for; none when that is more than it ever was, which means that the
        clock has been set back and says nothing."""
        left = self.expires_at - now
        return left if 0 < left <= (self.lifetime or LONGEST) + EARLY else 0.0

    @property
    def name(self) -> str:
        """Of who has signed in, as people know them; empty where nobody said."""
        known = (self.user_info.get(each) for each in ("email", "preferred_username", "name", "nickname", "sub"))
        return next((each for each in known if isinstance(each, str) and each), "")

    def encode(self) -> bytes:
        kept: dict[str, object] = {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token or None,
            "expires_at": self.expires_at,
            "token_type": self.token_type,
            "user_info": dict(self.user_info),
            "issuer": self.issuer,
            "client_id": self.client_id,
            "lifetime": self.lifetime,
        }
        return msgspec.json.encode(kept)

    @classmethod
    def decode(cls, kept: str | bytes, place: str) -> Self:
        """Raises LoginError, which names the ``place``."""
        try:
            given = msgspec.json.decode(kept, type=dict[str, Any])
            members = {name: value for name, value in given.items() if value is not None}
            found = msgspec.convert(members, cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = None
        # outside of the handler: what could not be decoded is in the error, and with it perhaps a token
        if found is None or not 0 <= found.expires_at < THE_END:
            raise LoginError(
                f"What is kept in {place} is no login that can be read. Sign in again: voicemode connect login."
            )
        return found
