"""An OpenID provider that publishes keys and signs tokens, and counts how often it is asked."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import trio
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "https://gateway.example"


@define
class Issuer:
    url: str = ""
    name: str = ""
    keys: dict[str, Any] = field(factory=dict[str, Any])
    extra: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    asked: list[str] = field(factory=list[str])
    broken: bool = False

    def add(self, kid: str, kind: str = "ES256") -> None:
        self.keys[kid] = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "ES256"
            else rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        )

    def sign(self, kid: str = "one", alg: str = "ES256", **claims: Any) -> str:
        said = {"iss": self.name, "aud": AUDIENCE, "sub": "ada", "name": "Ada", "exp": time.time() + 60, **claims}
        return jwt.encode(
            {name: value for name, value in said.items() if value is not None},
            self.keys[kid],
            algorithm=alg,
            headers={"kid": kid},
        )

    def answer(self, path: str) -> bytes:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.name, "jwks_uri": f"{self.url}jwks?v=1"}).encode()
        algorithms = {"EC": "ES256", "RSA": "RS256"}
        found = []
        for kid, key in self.keys.items():
            kind = "EC" if isinstance(key, ec.EllipticCurvePrivateKey) else "RSA"
            algorithm = jwt.get_algorithm_by_name(algorithms[kind])
            found.append({**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"})
        return json.dumps({"keys": [*found, *self.extra]}).encode()


@asynccontextmanager
async def issuing() -> AsyncGenerator[Issuer]:
    issuer = Issuer()
    issuer.add("one")

    async def serve(stream: trio.SocketStream) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = await stream.receive_some()
            if not data:
                return
            head += data
        body = issuer.answer(head.split()[1].decode())
        status = "500 No" if issuer.broken else "200 OK"
        await stream.send_all(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )
        await stream.aclose()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    issuer.url = issuer.name = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield issuer
        nursery.cancel_scope.cancel("done")
