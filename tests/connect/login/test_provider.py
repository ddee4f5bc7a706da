"""What a provider says of itself, and what is not believed of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connect.login.rude_server import RudeServer, answer, rude_server
from tests.scripted_server import Reply, hang, hang_up, streamed, whole
from voicemode.connect.login import asking
from voicemode.connect.login.asking import ask, safe_address
from voicemode.connect.login.errors import GrantRefused, LoginError, ProviderSilent
from voicemode.connect.login.provider import discover
from voicemode.connect.login.tokens import renew

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"


async def test_a_real_provider_is_found_out_about(issuer: str) -> None:
    provider = await discover(issuer)
    assert provider.issuer == issuer
    assert provider.token == f"{issuer}/oauth2/token"
    assert provider.userinfo == f"{issuer}/userinfo"
    assert provider.revocation == ""


async def test_the_description_of_rfc_8414_serves_as_well() -> None:
    async with rude_server() as server:
        server.at[OPENID] = answer({}, "404 Not Found")
        server.at[OAUTH] = answer(
            {"issuer": server.issuer, "authorization_endpoint": f"{server.issuer}/a", "token_endpoint": server.issuer}
        )
        provider = await discover(server.issuer)
    assert (provider.authorization, provider.userinfo) == (f"{server.issuer}/a", "")


async def test_an_issuer_with_a_path_is_asked_where_both_standards_say() -> None:
    async with rude_server() as server:
        with pytest.raises(LoginError, match="does not describe itself as OpenID providers do"):
            await discover(f"{server.issuer}/tenant/")
    assert server.paths() == [f"/tenant{OPENID}", f"{OAUTH}/tenant"]


@pytest.mark.parametrize("suffix", ["/", "/other"])
async def test_who_says_it_is_another_is_not_believed(suffix: str) -> None:
    async with rude_server() as server:
        server.says["issuer"] = server.issuer + suffix
        with pytest.raises(LoginError, match="has to be the same, letter by letter"):
            await discover(server.issuer)


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": None},
        {"issuer": 7},
        {"token_endpoint": None},
        {"token_endpoint": "http://elsewhere.example.org/token"},
        {"token_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://elsewhere.example.org/"},
        {"authorization_endpoint": "https://me:hush@example.org/"},
        {"authorization_endpoint": "https://example.org/\x1b[2J"},
        {"userinfo_endpoint": ["https://example.org"]},
        {"revocation_endpoint": "http://elsewhere.example.org/"},
    ],
)
async def test_a_description_with_unsafe_addresses_is_refused(says: dict[str, Any]) -> None:
    async with rude_server(**says) as server:
        with pytest.raises(LoginError) as caught:
            await discover(server.issuer)
    assert "hush" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b"<html>"])
async def test_what_is_no_description_is_none(body: bytes) -> None:
    async with rude_server() as server:
        server.at[OPENID] = whole(body)
        with pytest.raises(LoginError, match="is no description of an OpenID provider"):
            await discover(server.issuer)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (whole(b" " * (1 << 19)), "answers with more than 256 kB"),
        (streamed(*[b" " * 4096] * 100, kind="application/json"), "answers with more than 256 kB"),
        (hang_up, "cannot be reached"),
        (whole(b"{", missing=5), "broke off in the middle"),
        (answer({}, "503 Busy"), "cannot answer now (503)"),
        (hang, "has not answered for 0.2 s"),
    ],
)
async def test_a_bad_answer_ends_within_bounds(reply: Reply, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.2)
    async with rude_server() as server:
        server.at[OPENID] = reply
        with pytest.raises(LoginError) as caught:
            await discover(server.issuer)
    assert said in str(caught.value)


async def test_a_form_does_not_follow_a_redirect() -> None:
    async with rude_server() as server, rude_server() as other:
        server.at["/token"] = whole(b"", "text/plain", "307 Temporary Redirect", f"Location: {other.issuer}/token")
        with pytest.raises(LoginError, match=r"gives no token \(307\)"):
            await renew(await discover(server.issuer), "refresh-0", "voicemode")
        assert other.asked == []


async def test_nobody_there_is_said() -> None:
    with pytest.raises(ProviderSilent, match="cannot be reached"):
        await discover("http://127.0.0.1:9")


@pytest.mark.parametrize(
    "address", ["", "id.example.org", "http://id.example.org", "https://a:b@id.example.org", "https://id.example.org#x"]
)
def test_an_address_that_is_not_safe_is_not_asked(address: str) -> None:
    with pytest.raises(LoginError, match=r"^VOICEMODE_CONNECT_ISSUER is "):
        safe_address(address, "VOICEMODE_CONNECT_ISSUER")


@pytest.mark.parametrize(
    "address", ["https://id.example.org/x", "http://127.0.0.1:9/", "http://localhost", "http://[::1]:9"]
)
def test_https_and_this_machine_are_safe(address: str) -> None:
    assert safe_address(address, "it") == address


async def test_an_address_is_asked_as_it_is_written() -> None:
    async with rude_server() as server:
        for path in ("/a:b/c?p=1&q=", "/x/", "/"):
            await ask(f"{server.issuer}{path}")
    assert server.paths() == ["/a:b/c?p=1&q=", "/x/", "/"]


GOOD: dict[str, Any] = {"access_token": "fresh", "token_type": "Bearer", "expires_in": 10}


async def renewed(server: RudeServer, reply: Reply) -> Any:
    server.at["/token"] = reply
    return await renew(await discover(server.issuer), "the-refresh-token", "voicemode")


@pytest.mark.parametrize(
    ("changes", "lifetime"),
    [({}, 10), ({"expires_in": "20"}, 20), ({"expires_in": None}, 3600), ({"expires_in": 1e12}, 365 * 24 * 3600)],
)
async def test_a_token_is_good_for_as_long_as_the_provider_says(changes: dict[str, Any], lifetime: float) -> None:
    async with rude_server() as server:
        tokens = await renewed(server, answer(GOOD | changes))
    assert (tokens.access, tokens.lifetime) == ("fresh", lifetime)
    assert "fresh" not in repr(tokens)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": "two words"},
        {"access_token": "line\r\nX-Evil: 1"},
        {"access_token": "é"},
        {"token_type": "mac"},
        {"token_type": 7},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": True},
        {"expires_in": "soon"},
        {"expires_in": [1]},
    ],
)
async def test_a_token_that_could_not_be_used_is_none(changes: dict[str, Any]) -> None:
    async with rude_server() as server:
        with pytest.raises(LoginError, match="token"):
            await renewed(server, answer(GOOD | changes))


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (
            answer({"error": "invalid_grant", "error_description": "No the-refresh-token."}, "400 Bad Request"),
            GrantRefused,
            "gives no token (400): invalid_grant: No ….",
        ),
        (
            answer({"error": "invalid_client"}, "401 Unauthorized"),
            LoginError,
            "gives no token (401): invalid_client. Is VOICEMODE_CONNECT_CLIENT_ID right?",
        ),
        (whole(b"<html>no", status="403 Forbidden"), LoginError, "gives no token (403)."),
        (answer({"error": ["x"]}, "400 Bad Request"), LoginError, "gives no token (400)."),
        (answer({}, "429 Too Many Requests"), ProviderSilent, "Try again later."),
        (answer({}, "502 Bad Gateway"), ProviderSilent, "Try again later."),
        (whole(b"{"), LoginError, "answers without a token that could be used"),
    ],
)
async def test_a_refusal_is_told_in_words(reply: Reply, kind: type[LoginError], said: str) -> None:
    async with rude_server() as server:
        with pytest.raises(kind) as caught:
            await renewed(server, reply)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "the-refresh-token" not in str(caught.value)
