"""Signing out: what is here goes in any case, and the provider is told if it can be."""

from __future__ import annotations

import pytest

from tests.connect.login.conftest import Configure
from tests.connect.login.rude_server import RudeServer, answer, rude_server
from tests.scripted_server import hang_up
from voicemode.connect.login.credentials import Credentials
from voicemode.connect.login.errors import LoginError
from voicemode.connect.login.file_store import FileStore
from voicemode.connect.login.guard import alone_with_login
from voicemode.connect.login.signing_out import sign_out


def login(server: RudeServer, refresh: str = "the-refresh-token") -> Credentials:
    return Credentials(
        access_token="the-access-token",  # noqa: S106
        refresh_token=refresh,
        expires_at=1_800_000_000,
        issuer=server.issuer,
        client_id="voicemode",
    )


@pytest.mark.parametrize(("refresh", "revoked"), [("the-refresh-token", "the-refresh-token"), ("", "the-access-token")])
async def test_the_provider_takes_the_login_back(
    configure: Configure, store: FileStore, refresh: str, revoked: str
) -> None:
    async with rude_server() as server:
        store.save(login(server, refresh))
        out = await sign_out(configure(server.issuer), store)
        assert out is not None
        assert (out.told, out.reason) == (True, "")
        assert server.revoked == [revoked]
    assert store.load() is None
    assert "token" not in repr(out)


@pytest.mark.parametrize(
    ("says", "reply", "reason"),
    [
        ({"revocation_endpoint": None}, None, "has no way to be told"),
        (
            {},
            answer({"error": "not_today"}, "400 Bad Request"),
            "refuses to (400): not_today",
        ),
        ({}, hang_up, "cannot be reached"),
        ({"issuer": "https://other.example.org"}, None, "is the description of https://other.example.org"),
    ],
)
async def test_what_is_here_goes_also_when_the_provider_cannot_be_told(
    configure: Configure, store: FileStore, says: dict[str, object], reply: object, reason: str
) -> None:
    async with rude_server(**says) as server:
        if reply is not None:
            server.at["/revoke"] = reply  # type: ignore[assignment]
        store.save(login(server))
        out = await sign_out(configure(server.issuer), store)
    assert out is not None
    assert not out.told
    assert reason in out.reason
    assert "the-refresh-token" not in out.reason
    assert store.load() is None


async def test_who_has_not_allowed_connections_signs_out_here_alone(configure: Configure, store: FileStore) -> None:
    async with rude_server() as server:
        store.save(login(server))
        out = await sign_out(configure(server.issuer, enabled=False), store)
    assert out is not None
    assert (out.told, out.reason) == (False, "VOICEMODE_CONNECT_ENABLED is false")
    assert server.connections == 0
    assert store.load() is None


async def test_nobody_signs_out_twice(configure: Configure, store: FileStore) -> None:
    assert await sign_out(configure("https://id.example.org"), store) is None


async def test_what_cannot_be_read_goes_too(configure: Configure, store: FileStore) -> None:
    store.path.parent.mkdir()
    store.path.write_text("{")
    out = await sign_out(configure("https://id.example.org"), store)
    assert out is not None
    assert out.reason == "what was kept could not be read"
    assert not store.path.exists()


async def test_who_is_stopped_at_the_login_is_not_waited_for_for_ever(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = store.path.parent
    async with alone_with_login(base):
        monkeypatch.setattr("voicemode.connect.login.guard.LONGEST", 0.01)
        with pytest.raises(LoginError, match="it was probably stopped; let it go on, or end it"):
            async with alone_with_login(base):
                raise AssertionError


async def test_a_folder_that_cannot_be_used_is_named(store: FileStore) -> None:
    store.path.parent.write_text("a file")
    with pytest.raises(LoginError, match=r"credentials\.lock cannot be locked"):
        async with alone_with_login(store.path.parent):
            raise AssertionError
