"""A token for each connection: renewed in time, by one at a time, and kept whatever happens meanwhile."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
import trio
from attrs import define, evolve

from tests.connect.login.authorization_server import USER, authorised, revoke_everything, user_of
from tests.connect.login.conftest import Configure
from tests.connect.login.rude_server import RudeServer, answer, rude_server
from tests.scripted_server import hang, hang_up
from voicemode.connect.login import once_begun
from voicemode.connect.login.access_token import AccessToken
from voicemode.connect.login.credentials import Credentials
from voicemode.connect.login.errors import LoginError, LoginRequired, ProviderSilent
from voicemode.connect.login.file_store import FileStore
from voicemode.connect.login.signing_in import Person, sign_in

NOW = 1_800_000_000.0
HOUR = 3600.0


@define
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def login(issuer: str, *, left: float = HOUR, refresh: str = "refresh-0") -> Credentials:
    return Credentials(
        access_token="access-0",  # noqa: S106
        refresh_token=refresh,
        expires_at=NOW + left,
        lifetime=HOUR,
        issuer=issuer,
        client_id="voicemode",
    )


def token_of(server: RudeServer, configure: Configure, store: FileStore, clock: Clock) -> AccessToken:
    return AccessToken(configure(server.issuer), store, clock)


async def test_a_token_that_is_good_is_given_without_asking_anybody(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer, left=61))
        assert await token_of(server, configure, store, clock)() == "access-0"
    assert server.connections == 0


async def test_a_token_is_renewed_a_minute_before_it_ends(configure: Configure, store: FileStore, clock: Clock) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer, left=60))
        token = token_of(server, configure, store, clock)
        assert await token() == "access-1"
        kept = store.load()
        assert kept is not None
        assert (kept.refresh_token, kept.expires_at) == ("refresh-1", NOW + HOUR)
        clock.now += HOUR - 60
        assert await token() == "access-2"
        assert await token() == "access-2"
    assert server.refreshed == 2


async def test_a_real_provider_renews_a_login_and_may_end_it(
    issuer: str, configure: Configure, store: FileStore
) -> None:
    send, lines = trio.open_memory_channel[str](1)

    async def shown(url: str) -> None:
        await send.send(await authorised(url))

    first = await sign_in(configure(issuer), store, Person(shown, print, lines), ports=(0,))
    clock = Clock(time.time())
    token = AccessToken(configure(issuer), store, clock)
    assert await token() == first.access_token
    clock.now += HOUR
    second = await token()
    assert second != first.access_token
    assert await user_of(issuer, second) == USER
    kept = store.load()
    assert kept == evolve(first, access_token=second, expires_at=clock.now + HOUR)
    await revoke_everything(issuer)
    clock.now += HOUR
    with pytest.raises(LoginRequired, match=r"invalid_grant.*Sign in with voicemode connect login\.$"):
        await token()


async def test_many_who_want_a_token_at_once_renew_it_once(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    got: list[str] = []
    async with rude_server() as server:
        store.save(login(server.issuer, left=0))
        one, other = (token_of(server, configure, store, clock) for _ in range(2))

        async def want(token: AccessToken) -> None:
            got.append(await token())

        async with trio.open_nursery() as nursery:
            for token in (one, other) * 5:
                nursery.start_soon(want, token)
    assert got == ["access-1"] * 10
    assert (server.refreshed, server.stolen) == (1, False)


WANTS = """
import sys, trio
from pathlib import Path
from voicemode.connect.login import LoginSettings, access_token

async def main(issuer, base):
    sys.stdin.read()
    settings = LoginSettings(
        enabled=True, gateway="", issuer=issuer, client_id="voicemode", audience="", scopes="", store="file",
        base_dir=Path(base),
    )
    print(await access_token(settings)())

trio.run(main, *sys.argv[1:])
"""


async def test_two_processes_that_want_a_token_at_once_renew_it_once(configure: Configure, store: FileStore) -> None:
    got: list[str] = []
    async with rude_server() as server:
        store.save(evolve(login(server.issuer), expires_at=time.time()))

        async def want() -> None:
            command = [sys.executable, "-c", WANTS, server.issuer, str(store.path.parent)]
            done = await trio.run_process(command, stdin=b"", capture_stdout=True, cwd=Path(__file__).parents[3])
            got.append(done.stdout.decode().strip())

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(want)
    assert got == ["access-1"] * 3
    assert (server.refreshed, server.stolen) == (1, False)


@pytest.mark.parametrize("trouble", [hang_up, answer({}, "503 Busy")])
async def test_while_a_token_is_still_good_a_silent_provider_is_no_trouble(
    configure: Configure, store: FileStore, clock: Clock, trouble: object, caplog: pytest.LogCaptureFixture
) -> None:
    async with rude_server() as server:
        server.at["/token"] = trouble  # type: ignore[assignment]
        store.save(login(server.issuer, left=30))
        token = token_of(server, configure, store, clock)
        assert await token() == "access-0"
        assert "The login is not renewed yet" in caplog.text
        clock.now += 31
        with pytest.raises(ProviderSilent):
            await token()
        del server.at["/token"]
        assert await token() == "access-1"
    assert "access-0" not in caplog.text
    assert "refresh-0" not in caplog.text


async def test_a_provider_that_cannot_be_reached_at_all_is_no_trouble_either(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    store.save(login("http://127.0.0.1:9", left=30))
    assert await AccessToken(configure("http://127.0.0.1:9"), store, clock)() == "access-0"


async def test_a_token_of_ones_own_goes_before_a_login(configure: Configure, store: FileStore, clock: Clock) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer, left=0))
        settings = configure(server.issuer, token="my-own")  # noqa: S106
        assert await AccessToken(settings, store, clock)() == "my-own"
    assert server.connections == 0
    assert "my-own" not in repr(settings)


async def test_who_has_never_signed_in_is_told_how(configure: Configure, store: FileStore) -> None:
    with pytest.raises(LoginRequired, match=r"^Nobody is signed in\. Sign in with voicemode connect login\.$"):
        await AccessToken(configure("https://id.example.org"), store)()


async def test_a_login_of_another_issuer_is_shown_to_nobody(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    async with rude_server() as server:
        store.save(login("https://other.example.org", left=0))
        with pytest.raises(LoginRequired, match=r"is one of https://other.example.org, not of http://127"):
            await token_of(server, configure, store, clock)()
    assert server.connections == 0


async def test_a_login_that_cannot_be_renewed_lasts_to_its_end(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer, left=30, refresh=""))
        token = token_of(server, configure, store, clock)
        assert await token() == "access-0"
        clock.now += 30
        with pytest.raises(LoginRequired, match="has ended, and cannot be renewed"):
            await token()


async def test_a_token_that_the_gateway_refused_is_renewed_before_its_time(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer))
        token = token_of(server, configure, store, clock)
        token.refuse(await token())
        assert await token() == "access-1"
        assert await token() == "access-1"


@pytest.mark.parametrize("jump", [-10 * 365 * 24 * HOUR, -2 * HOUR, HOUR, 10 * 365 * 24 * HOUR])
async def test_a_clock_that_jumped_makes_no_token_last_longer(
    configure: Configure, store: FileStore, clock: Clock, jump: float
) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer))
        clock.now += jump
        assert await token_of(server, configure, store, clock)() == "access-1"
        kept = store.load()
    assert kept is not None
    assert kept.expires_at == clock.now + HOUR


async def test_a_new_refresh_token_is_kept_although_nobody_waits_any_more(
    configure: Configure, store: FileStore, clock: Clock
) -> None:
    async with rude_server() as server:
        store.save(login(server.issuer, left=0))
        with trio.CancelScope() as scope:

            async def late(stream: trio.SocketStream) -> None:
                scope.cancel()
                await answer({"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": HOUR})(stream)

            server.at["/token"] = late
            await token_of(server, configure, store, clock)()
        assert scope.cancelled_caught
    kept = store.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"  # noqa: S105


async def test_who_is_cancelled_waits_for_a_silent_provider_only_so_long(
    configure: Configure, store: FileStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once_begun, "GRACE", 0.01)
    async with rude_server() as server:
        server.at["/token"] = hang
        store.save(login(server.issuer, left=0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(token_of(server, configure, store, clock))
            while "/token" not in server.paths():
                server.was_asked = trio.Event()
                await server.was_asked.wait()
            nursery.cancel_scope.cancel()
        assert store.load() == login(server.issuer, left=0)


async def test_what_voicemode_8_kept_is_a_login_too(configure: Configure, store: FileStore, clock: Clock) -> None:
    issuer = "https://dev-2q681p5hobd1dtmm.us.auth0.com/"
    store.path.parent.mkdir()
    kept = {
        "access_token": "old",
        "refresh_token": None,
        "expires_at": NOW + HOUR,
        "token_type": "Bearer",
        "user_info": {"email": USER, "email_verified": True},
    }
    store.path.write_text(json.dumps(kept, indent=2))
    store.path.chmod(0o600)
    assert await AccessToken(configure(issuer), store, clock)() == "old"
    found = store.load()
    assert found is not None
    assert found.name == USER


async def test_no_error_and_no_picture_of_a_login_shows_its_tokens(configure: Configure, store: FileStore) -> None:
    held = login("https://id.example.org")
    assert "access-0" not in repr(held)
    assert "refresh-0" not in repr(held)
    assert "access-0" not in repr(AccessToken(configure(held.issuer), store))
    store.path.parent.mkdir()
    for kept in ('{"access_token": 7, "secret-refresh": ', '{"access_token": 7}', '{"access_token": "secret"}', "[]"):
        store.path.write_text(kept)
        store.path.chmod(0o600)
        with pytest.raises(LoginError, match=r"is no login that can be read\. Sign in again") as caught:
            await AccessToken(configure(held.issuer), store)()
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert "secret" not in str(caught.value)
