"""An OpenID provider for tests that does what none should, on a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from attrs import define, field

from tests.scripted_server import Asked, Reply, ScriptedServer, listening, whole


def form_of(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def answer(members: object, status: str = "200 OK") -> Reply:
    return whole(json.dumps(members).encode(), status=status)


@define
class RudeServer(ScriptedServer):
    """``says`` goes into its description of itself; ``at`` is what it answers at a path, instead of what it should.

    A refresh token is good once: who comes with an old one has stolen it, and then none is good any more.
    """

    says: dict[str, Any] = field(factory=dict[str, Any])
    at: dict[str, Reply] = field(factory=dict[str, Reply])
    refreshed: int = 0
    stolen: bool = False
    revoked: list[str] = field(factory=list[str])

    @property
    def issuer(self) -> str:
        return self.url.removesuffix("/v1")

    @property
    def token(self) -> str:
        return f"access-{self.refreshed}"

    @property
    def refresh_token(self) -> str:
        return f"refresh-{self.refreshed}"

    def paths(self) -> list[str]:
        return [asked.line.split()[1] for asked in self.asked]

    def reply_to(self, asked: Asked) -> Reply:
        path = asked.line.split()[1]
        if path in self.at:
            return self.at[path]
        if path == "/.well-known/openid-configuration":
            described = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "revocation_endpoint": f"{self.issuer}/revoke",
            }
            return answer({name: value for name, value in {**described, **self.says}.items() if value is not None})
        if path == "/userinfo":
            return answer({"sub": "ada"})
        if path == "/revoke":
            self.revoked.append(form_of(asked)["token"])
            return answer({})
        if path == "/token":
            return self._tokens(form_of(asked))
        return answer({}, "404 Not Found")

    def _tokens(self, form: dict[str, str]) -> Reply:
        if form["grant_type"] == "refresh_token":
            self.stolen = self.stolen or form["refresh_token"] != self.refresh_token
            if self.stolen:
                return answer({"error": "invalid_grant", "error_description": "Unknown or reused."}, "400 Bad Request")
            self.refreshed += 1
        return answer(
            {
                "access_token": self.token,
                "refresh_token": self.refresh_token,
                "token_type": "bearer",
                "expires_in": 3600,
            }
        )


@asynccontextmanager
async def rude_server(**says: Any) -> AsyncGenerator[RudeServer]:
    async with listening(RudeServer(says=says)) as server:
        yield server
