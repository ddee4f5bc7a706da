"""A real authorization server on this machine, from ``oidc-provider-mock`` (Authlib), and a browser that goes there.

The provider has no PKCE of its own: ``PkceDemanded`` puts Authlib's judgement of it in front.  Nor does it know public
clients, which Authlib does if it is told.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import werkzeug.serving
from attrs import define, field
from authlib.oauth2.rfc7636 import create_s256_code_challenge

with warnings.catch_warnings():
    # it imports what its own library is about to give up
    warnings.simplefilter("ignore")
    import oidc_provider_mock._app as provider

USER = "ada@example.org"


@define
class PkceDemanded:
    """``challenges`` by code.  A code without one, or whose verifier is another, is good for nothing."""

    app: Callable[..., Iterable[bytes]]
    challenges: dict[str, str] = field(factory=dict[str, str])

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.endswith("/token"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            if form["grant_type"] == "authorization_code" and not self._proven(form):
                start_response("400 Bad Request", [("Content-Type", "application/json")])
                return [b'{"error": "invalid_grant", "error_description": "Code challenge failed."}']
        asked = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            to = dict(headers).get("Location", "")
            code = parse_qs(urlsplit(to).query).get("code")
            if code and asked.get("code_challenge_method") == "S256":
                self.challenges[code[0]] = asked["code_challenge"]
            return start_response(status, headers, *rest)

        return self.app(environ, start)

    def _proven(self, form: dict[str, str]) -> bool:
        challenge = self.challenges.pop(form["code"], None)
        return challenge == create_s256_code_challenge(form.get("code_verifier", ""))


@contextmanager
def authorization_server() -> Generator[str]:
    """Runs in threads; its issuer."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"authlib|oidc_provider_mock")
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        for grant in (provider.AuthorizationCodeGrant, provider.RefreshTokenGrant):
            patch.setattr(grant, "TOKEN_ENDPOINT_AUTH_METHODS", ["none"])
        app = provider.app(access_token_max_age=timedelta(hours=1))
        server = werkzeug.serving.make_server("127.0.0.1", 0, PkceDemanded(app), threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


async def authorised(url: str, user: str = USER) -> str:
    """Where the browser is sent when ``user`` has signed in at ``url`` and said yes."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(url)
        assert page.status_code == 200, page.text
        assert re.search(r"<form method=.post.", page.text)
        answer = await browser.post(url, data={"sub": user})
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]


async def browse(url: str) -> str:
    """Sign in at ``url`` and go where that leads; the page that is shown there."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(await authorised(url))
        assert page.status_code == 200
        return page.text


async def revoke_everything(issuer: str, user: str = USER) -> None:
    async with httpx.AsyncClient(trust_env=False) as anybody:
        (await anybody.post(f"{issuer}/users/{user}/revoke-tokens")).raise_for_status()


async def user_of(issuer: str, token: str) -> str | None:
    """Who the server takes the bearer of ``token`` for."""
    async with httpx.AsyncClient(trust_env=False) as anybody:
        answer = await anybody.get(f"{issuer}/userinfo", headers={"Authorization": f"Bearer {token}"})
        return str(answer.json()["sub"]) if answer.is_success else None
