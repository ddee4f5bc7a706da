"""Where a login is kept: a file for its owner alone, or the system's keyring, and from the one into the other."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring.backends.fail
import keyring.backends.null
import pytest

from tests.connect.login.conftest import Configure
from tests.connect.login.fake_keyring import FakeKeyring, keyring_is
from voicemode.connect.login.credentials import Credentials
from voicemode.connect.login.errors import LoginError
from voicemode.connect.login.file_store import FileStore
from voicemode.connect.login.keyring_store import KeyringStore
from voicemode.connect.login.store import store_of

LOGIN = Credentials(
    access_token="the-access-token",  # noqa: S106
    refresh_token="the-refresh-token",  # noqa: S106
    expires_at=1_800_000_000,
    user_info={"sub": "1", "name": "Ada", "tags": ["a"]},
    issuer="https://id.example.org",
    client_id="voicemode",
    lifetime=60,
)


@pytest.fixture
def backend() -> Iterator[FakeKeyring]:
    backend = FakeKeyring()
    with keyring_is(backend):
        yield backend


def test_a_file_keeps_a_login_for_its_owner_alone_in_a_form_that_voicemode_8_reads(store: FileStore) -> None:
    before = os.umask(0)
    try:
        store.save(LOGIN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert list(store.path.parent.iterdir()) == [store.path]
    kept = json.loads(store.path.read_text())
    assert {
        name: kept[name] for name in ("access_token", "refresh_token", "expires_at", "token_type", "user_info")
    } == {
        "access_token": "the-access-token",
        "refresh_token": "the-refresh-token",
        "expires_at": 1_800_000_000,
        "token_type": "Bearer",
        "user_info": {"sub": "1", "name": "Ada", "tags": ["a"]},
    }
    assert store.load() == LOGIN


def test_where_nothing_is_kept_nobody_is_signed_in(store: FileStore) -> None:
    assert store.load() is None
    assert store.clear() is False
    store.save(LOGIN)
    assert store.clear() is True
    assert store.load() is None


def test_a_file_that_others_can_read_is_closed_to_them(store: FileStore, caplog: pytest.LogCaptureFixture) -> None:
    store.save(LOGIN)
    store.path.chmod(0o644)
    assert store.load() == LOGIN
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert caplog.messages == [f"{store.path} could be read by others, and cannot any more."]


def test_a_login_that_cannot_be_written_leaves_the_one_before(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(LOGIN)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LoginError, match=r"cannot be written: No space left on device\."):
        store.save(Credentials(access_token="x", expires_at=1))  # noqa: S106
    assert store.load() == LOGIN
    assert list(store.path.parent.iterdir()) == [store.path]


def test_a_link_stays_a_link(store: FileStore, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store.path.parent.mkdir()
    store.path.symlink_to(elsewhere / "kept")
    store.save(LOGIN)
    assert store.path.is_symlink()
    assert FileStore(elsewhere / "kept").load() == LOGIN


@pytest.mark.parametrize("expires", ["-1", "1e300", '"soon"', "null"])
def test_a_login_that_ends_at_no_time_is_none(store: FileStore, expires: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(f'{{"access_token": "a", "expires_at": {expires}}}')
    with pytest.raises(LoginError, match="is no login that can be read"):
        store.load()


def test_a_keyring_keeps_a_login(store: FileStore, backend: FakeKeyring) -> None:
    in_keyring = KeyringStore(store)
    assert in_keyring.load() is None
    in_keyring.save(LOGIN)
    assert [*backend.kept] == [("voicemode", "credentials")]
    assert in_keyring.load() == LOGIN
    assert not store.path.exists()
    assert in_keyring.clear() is True
    assert backend.kept == {}
    assert in_keyring.clear() is False


def test_a_login_in_a_file_moves_into_the_keyring(store: FileStore, backend: FakeKeyring) -> None:
    store.save(LOGIN)
    in_keyring = KeyringStore(store)
    assert in_keyring.load() == LOGIN
    assert not store.path.exists()
    assert in_keyring.load() == LOGIN


def test_a_keyring_that_forgets_is_found_out_and_the_file_stays(store: FileStore, backend: FakeKeyring) -> None:
    store.save(LOGIN)
    backend.forgets = True
    with pytest.raises(LoginError, match=r"has not kept the login\. Open or set up the system's keyring"):
        KeyringStore(store).load()
    assert store.load() == LOGIN


def test_the_keyring_that_keeps_nothing_is_found_out(store: FileStore) -> None:
    with keyring_is(keyring.backends.null.Keyring()), pytest.raises(LoginError, match="has not kept the login"):
        KeyringStore(store).save(LOGIN)
    assert not store.path.exists()


def test_where_there_is_no_keyring_nothing_is_kept_in_a_file_instead(store: FileStore) -> None:
    with keyring_is(keyring.backends.fail.Keyring()):
        for do in (KeyringStore(store).load, lambda: KeyringStore(store).save(LOGIN), KeyringStore(store).clear):
            with pytest.raises(LoginError) as caught:
                do()
            assert str(caught.value) == (
                "The system's keyring cannot be used (NoKeyringError). Open or set up the system's keyring, or keep "
                "the login in a file that only you can read: voicemode config set VOICEMODE_CREDENTIAL_STORE file."
            )
    assert not store.path.exists()


def test_what_the_keyring_says_of_the_login_is_repeated_to_nobody(store: FileStore) -> None:
    class Tells(FakeKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            raise ValueError(password)

    with keyring_is(Tells()), pytest.raises(LoginError) as caught:
        KeyringStore(store).save(LOGIN)
    assert "the-access-token" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_without_the_package_it_says_what_to_install(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(LoginError, match=r"pip install 'voicemode\[connect\]'"):
        KeyringStore(store).load()


def test_signing_out_removes_the_file_and_what_voicemode_8_left_beside_it(
    store: FileStore, backend: FakeKeyring
) -> None:
    store.save(LOGIN)
    beside = store.path.with_name("credentials.migrated")
    beside.write_text("{}")
    assert KeyringStore(store).clear() is True
    assert not store.path.exists()
    assert not beside.exists()


@pytest.mark.parametrize(("where", "kind"), [("file", FileStore), ("keyring", KeyringStore)])
def test_the_setting_says_where(configure: Configure, where: str, kind: type[object]) -> None:
    assert isinstance(store_of(configure("https://id.example.org", store=where)), kind)
