"""``voicemode connect``: signing in and out as a person does it, and what is shown of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keyring.backends.fail
import pytest
import trio

from tests.cli.conftest import Run
from tests.connect.login.authorization_server import USER, authorised, authorization_server, browse
from tests.connect.login.fake_keyring import keyring_is
from voicemode.connect.login import browser
from voicemode.connect.login.credentials import Credentials
from voicemode.connect.login.file_store import FileStore

ROOT = Path(__file__).parents[2]

PATIENCE = 20.0
"""Seconds: only a test that fails waits for so long."""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "base" / "credentials")


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with authorization_server() as issuer:
        monkeypatch.setenv("VOICEMODE_CONNECT_ENABLED", "true")
        monkeypatch.setenv("VOICEMODE_CONNECT_ISSUER", issuer)
        monkeypatch.setenv("VOICEMODE_CONNECT_CLIENT_ID", "voicemode")
        yield issuer


def kept(store: FileStore, **changes: object) -> None:
    login = {
        "access_token": "the-access-token",
        "refresh_token": "the-refresh-token",
        "expires_at": time.time() + 3600,
        "lifetime": 3600.0,
        "user_info": {"email": "ada@example.org\x1b[2J"},
        "issuer": "https://id.example.org",
        "client_id": "voicemode",
    }
    store.save(Credentials(**(login | changes)))  # type: ignore[arg-type]


def test_a_person_signs_in_looks_and_signs_out(
    run: Run, issuer: str, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def show(url: str) -> bool:
        assert "You can close this window" in await browse(url)
        return True

    monkeypatch.setattr(browser, "show", show)
    ran = run("connect", "login")
    assert (ran.code, ran.out) == (0, f"You are signed in as {USER}, and it is kept in {store.path}.\n")
    assert ran.err == "voicemode: Your browser opens a page to sign in at.\n"
    report = run("connect", "status", "--json").json
    assert (report["enabled"], report["known_by"], report["login"]["user"]) == (True, "login", USER)
    assert (report["login"]["expired"], report["login"]["renewable"]) == (False, True)
    shown = run("connect", "status").out
    assert f"{USER} is signed in by {issuer}, which is kept in {store.path}" in shown
    login = store.load()
    assert login is not None
    for token in (login.access_token, login.refresh_token):
        assert token not in shown + str(report) + ran.out + ran.err
    ran = run("connect", "logout")
    assert (ran.code, ran.out) == (0, "You are signed out.\n")
    assert f"The provider was not told: {issuer} has no way to be told." in ran.err
    assert not store.path.exists()
    assert run("connect", "logout").out == "nobody was signed in\n"


def test_where_no_browser_opens_the_address_is_shown(run: Run, issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere: list[threading.Thread] = []

    async def show(url: str) -> bool:
        elsewhere.append(threading.Thread(target=trio.run, args=(browse, url)))
        elsewhere[0].start()
        return False

    monkeypatch.setattr(browser, "show", show)
    ran = run("connect", "login")
    elsewhere[0].join()
    assert ran.code == 0
    assert f"Go to this address, on this machine:\n{issuer}/oauth2/authorize?" in ran.err


@pytest.fixture
def login_without_browser(issuer: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "voicemode", "connect", "login", "--no-browser"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        yield process


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_without_a_browser_the_address_is_on_stdout_and_the_answer_comes_as_it_likes(
    login_without_browser: subprocess.Popen[str], store: FileStore
) -> None:
    assert "You can close this window" in trio.run(browse, address_of(login_without_browser))
    out, err = login_without_browser.communicate(timeout=PATIENCE)
    assert login_without_browser.returncode == 0, err
    assert out == f"You are signed in as {USER}, and it is kept in {store.path}.\n"
    assert "copy its address, paste it here and press enter" in err


def test_without_a_browser_what_is_pasted_on_stdin_is_taken(login_without_browser: subprocess.Popen[str]) -> None:
    landed = trio.run(authorised, address_of(login_without_browser))
    out, err = login_without_browser.communicate(f"{landed}\n", timeout=PATIENCE)
    assert login_without_browser.returncode == 0, err
    assert out.startswith(f"You are signed in as {USER}")


def test_ctrl_c_ends_a_sign_in(login_without_browser: subprocess.Popen[str], store: FileStore) -> None:
    address_of(login_without_browser)
    login_without_browser.send_signal(signal.SIGINT)
    _, err = login_without_browser.communicate(timeout=PATIENCE)
    assert login_without_browser.returncode == 130
    assert err.splitlines()[-1] == "voicemode: Stopped by SIGINT."
    assert not store.path.exists()


def test_who_has_allowed_nothing_is_told_how(run: Run) -> None:
    ran = run("connect", "login")
    assert ran.code == 2
    assert ran.complaint.endswith("unless you allow it: voicemode config set VOICEMODE_CONNECT_ENABLED true.")


def test_a_client_without_a_name_is_told_to_have_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_CONNECT_ENABLED", "true")
    ran = run("connect", "login")
    assert ran.code == 2
    assert ran.complaint.startswith(
        "voicemode: VOICEMODE_CONNECT_CLIENT_ID is missing: the name under which https://dev-"
    )


def test_a_provider_that_is_not_there_is_a_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_CONNECT_ENABLED", "true")
    monkeypatch.setenv("VOICEMODE_CONNECT_ISSUER", "http://127.0.0.1:9")
    monkeypatch.setenv("VOICEMODE_CONNECT_CLIENT_ID", "voicemode")
    ran = run("connect", "login")
    assert ran.code == 1
    assert "http://127.0.0.1:9/.well-known/openid-configuration cannot be reached" in ran.complaint


def test_status_where_nothing_is_allowed_and_nobody_signed_in(run: Run, store: FileStore) -> None:
    ran = run("connect", "status")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "nothing connects to anywhere: VOICEMODE_CONNECT_ENABLED is false",
            "nobody is signed in: voicemode connect login",
        ],
    )
    assert run("connect", "status", "--json").json == {
        "enabled": False,
        "gateway": "wss://voicemode.dev/ws",
        "known_by": None,
        "store": "file",
        "place": str(store.path),
        "login": None,
        "link": None,
    }
    assert not store.path.parent.exists()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "and renewed whenever it is needed"),
        ({"refresh_token": ""}, "and cannot be renewed"),
        ({"refresh_token": "", "expires_at": 1.0}, "and cannot be renewed: voicemode connect login"),
        (
            {"issuer": "https://old.example.org"},
            "VOICEMODE_CONNECT_ISSUER is https://id.example.org: voicemode connect login",
        ),
    ],
)
def test_status_says_how_long_a_login_is_good_for(
    run: Run, store: FileStore, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], line: str
) -> None:
    monkeypatch.setenv("VOICEMODE_CONNECT_ENABLED", "true")
    monkeypatch.setenv("VOICEMODE_CONNECT_ISSUER", "https://id.example.org")
    monkeypatch.setenv("VOICEMODE_CONNECT_WS_URL", "wss://gateway.example.org/ws?token=hush")
    kept(store, **changes)
    ran = run("connect", "status")
    first, second, last, link = ran.out.splitlines()
    assert link == "nothing holds the link: voicemode connect up"
    assert first == "the gateway is wss://gateway.example.org/ws"
    assert second.startswith("ada@example.org�[2J is signed in by https://")
    assert last.endswith(line)
    assert "hush" not in str(run("connect", "status", "--json").json)


def test_a_token_of_ones_own_is_shown_to_be_there_and_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_CONNECT_ENABLED", "true")
    monkeypatch.setenv("VOICEMODE_CONNECT_TOKEN", "my-own-secret")
    ran = run("connect", "status")
    assert "you are known by VOICEMODE_CONNECT_TOKEN, which goes before a login" in ran.out
    assert "my-own-secret" not in ran.out
    assert run("connect", "status", "--json").json["known_by"] == "token"


def test_a_keyring_that_cannot_be_used_is_a_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_CREDENTIAL_STORE", "keyring")
    with keyring_is(keyring.backends.fail.Keyring()):
        ran = run("connect", "status")
    assert ran.code == 1
    assert "The system's keyring cannot be used" in ran.complaint


def test_alone_it_says_what_there_is(run: Run) -> None:
    assert "login" in run("connect").out
