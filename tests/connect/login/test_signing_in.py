"""A sign-in from the first question to what is kept, against a real authorization server."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from attrs import evolve

from actors.errors import SettingsError
from tests.connect.login.authorization_server import USER, authorised, browse, user_of
from tests.connect.login.conftest import Configure
from tests.connect.login.rude_server import answer, rude_server
from voicemode.connect.login import signing_in
from voicemode.connect.login.errors import GrantRefused, LoginError
from voicemode.connect.login.file_store import FileStore
from voicemode.connect.login.provider import discover
from voicemode.connect.login.request import LoginRequest
from voicemode.connect.login.signing_in import Person, sign_in
from voicemode.connect.login.tokens import redeem

ANY_PORT = (0,)


async def nothing(_: str) -> None:
    """Somebody who looks at the page and does nothing."""


class Pastes:
    """Somebody who pastes what ``answer`` makes of where the browser was sent to."""

    def __init__(self, *lines: str) -> None:
        self.send, self.lines = trio.open_memory_channel[str](9)
        for line in lines:
            self.send.send_nowait(line)

    async def shown(self, url: str) -> None:
        await self.send.send(await authorised(url))

    def __aiter__(self) -> AsyncIterator[str]:
        return self.lines.__aiter__()


async def test_a_person_signs_in_in_the_browser(issuer: str, configure: Configure, store: FileStore) -> None:
    pages: list[str] = []
    told: list[str] = []

    async def shown(url: str) -> None:
        pages.append(await browse(url))

    given = await sign_in(configure(issuer), store, Person(shown, told.append), ports=ANY_PORT)
    assert "You can close this window" in pages[0]
    assert told == []
    assert store.load() == given
    assert given.name == USER
    assert given.user_info["sub"] == USER
    assert (given.issuer, given.client_id, given.lifetime) == (issuer, "voicemode", 3600)
    assert given.refresh_token
    assert await user_of(issuer, given.access_token) == USER
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


async def test_the_question_is_for_a_code_with_a_challenge_and_an_audience(
    configure: Configure, store: FileStore
) -> None:
    async with rude_server() as server:
        server.says["authorization_endpoint"] = f"{server.issuer}/authorize?tenant=7"
        request = LoginRequest(
            await discover(server.issuer), "voicemode", "http://127.0.0.1:1/callback", "openid", "https://api"
        )
    asked = parse_qs(urlsplit(request.url).query)
    assert asked == {
        "tenant": ["7"],
        "response_type": ["code"],
        "client_id": ["voicemode"],
        "redirect_uri": ["http://127.0.0.1:1/callback"],
        "scope": ["openid"],
        "state": [request.state],
        "code_challenge": [request.challenge],
        "code_challenge_method": ["S256"],
        "audience": ["https://api"],
    }
    assert request.verifier not in request.url
    assert request.state not in repr(request)
    assert request.verifier not in repr(request)


async def test_a_code_is_worth_nothing_to_who_has_not_the_verifier(issuer: str, configure: Configure) -> None:
    request = LoginRequest(await discover(issuer), "voicemode", "http://127.0.0.1:1/callback", "openid")
    code = parse_qs(urlsplit(await authorised(request.url)).query)["code"][0]
    with pytest.raises(GrantRefused, match="Code challenge failed") as caught:
        await redeem(code, evolve(request, verifier="x" * 43))
    assert code not in str(caught.value)


async def test_a_code_is_good_once(issuer: str) -> None:
    request = LoginRequest(await discover(issuer), "voicemode", "http://127.0.0.1:1/callback", "openid")
    code = parse_qs(urlsplit(await authorised(request.url)).query)["code"][0]
    assert (await redeem(code, request)).access
    with pytest.raises(GrantRefused):
        await redeem(code, request)


async def test_the_whole_address_can_be_pasted(issuer: str, configure: Configure, store: FileStore) -> None:
    pastes = Pastes()
    given = await sign_in(configure(issuer), store, Person(pastes.shown, print, pastes), ports=ANY_PORT)
    assert given.name == USER


async def test_the_code_alone_can_be_pasted(issuer: str, configure: Configure, store: FileStore) -> None:
    class PastesCode(Pastes):
        async def shown(self, url: str) -> None:
            await self.send.send(parse_qs(urlsplit(await authorised(url)).query)["code"][0])

    pastes = PastesCode()
    given = await sign_in(configure(issuer), store, Person(pastes.shown, print, pastes), ports=ANY_PORT)
    assert given.name == USER


async def test_who_pastes_something_else_is_told_and_may_paste_again(
    issuer: str, configure: Configure, store: FileStore
) -> None:
    told: list[str] = []
    pastes = Pastes("what is this", "http://127.0.0.1:1/callback?code=x&state=of-another", "http://[/")
    given = await sign_in(configure(issuer), store, Person(pastes.shown, told.append, pastes), ports=ANY_PORT)
    assert given.name == USER
    assert told[0].startswith("This is neither the address")
    assert (
        told[1:] == ["This address does not answer this sign-in. Copy the one that the browser ended at just now."] * 2
    )


async def test_the_browser_may_be_quicker_than_who_pastes(issuer: str, configure: Configure, store: FileStore) -> None:
    async def shown(url: str) -> None:
        await browse(url)

    given = await sign_in(configure(issuer), store, Person(shown, print, Pastes()), ports=ANY_PORT)
    assert given.name == USER


async def test_a_provider_that_says_no_is_quoted(configure: Configure, store: FileStore) -> None:
    async with rude_server() as server:

        async def shown(url: str) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            async with trio.open_nursery() as nursery:
                nursery.start_soon(get, f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}")

        with pytest.raises(LoginError) as caught:
            await sign_in(configure(server.issuer), store, Person(shown, print), ports=ANY_PORT)
    assert str(caught.value) == (f"{server.issuer} signs nobody in: the sign-in was refused there, or given up.")
    assert store.load() is None


async def get(url: str) -> int:
    parts = urlsplit(url)
    async with await trio.open_tcp_stream("127.0.0.1", parts.port or 80) as stream:
        await stream.send_all(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        reply = b""
        async for chunk in stream:
            reply += chunk
    return int(reply.split()[1])


async def test_nobody_signs_in_for_ever(
    issuer: str, configure: Configure, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_in, "PATIENCE", 0.01)
    with pytest.raises(LoginError, match="Start again with voicemode connect login"):
        await sign_in(configure(issuer), store, Person(nothing, print), ports=ANY_PORT)


async def test_who_cannot_be_named_is_signed_in_all_the_same(configure: Configure, store: FileStore) -> None:
    async with rude_server() as server:
        server.at["/userinfo"] = answer([], "403 Forbidden")
        told: list[str] = []

        class PastesCode(Pastes):
            async def shown(self, url: str) -> None:
                await self.send.send("a-code")

        pastes = PastesCode()
        given = await sign_in(
            configure(server.issuer), store, Person(pastes.shown, told.append, pastes), ports=ANY_PORT
        )
    assert (given.access_token, given.name) == ("access-0", "")
    assert told == [f"{server.issuer}/userinfo does not say who has signed in (403)."]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"enabled": False}, "unless you allow it: voicemode config set VOICEMODE_CONNECT_ENABLED true"),
        ({"client_id": ""}, "VOICEMODE_CONNECT_CLIENT_ID is missing"),
    ],
)
async def test_what_is_not_configured_is_said_and_nobody_is_asked(
    configure: Configure, store: FileStore, changes: dict[str, object], said: str
) -> None:
    async with rude_server() as server:
        with pytest.raises(SettingsError, match=said):
            await sign_in(configure(server.issuer, **changes), store, Person(nothing, print))
    assert server.connections == 0


async def test_a_login_that_cannot_be_kept_is_an_error(issuer: str, configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    pastes = Pastes()
    with pytest.raises(LoginError, match="cannot be written"):
        await sign_in(
            configure(issuer), FileStore(tmp_path / "credentials"), Person(pastes.shown, print, pastes), ports=ANY_PORT
        )
