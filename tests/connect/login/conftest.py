"""The real authorization server and the settings for it.  Nothing is read from or kept in anybody's home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.connect.login.authorization_server import authorization_server
from voicemode.connect.login.file_store import FileStore
from voicemode.connect.login.settings import LoginSettings

Configure: TypeAlias = Callable[..., LoginSettings]


@pytest.fixture
def issuer() -> Iterator[str]:
    with authorization_server() as issuer:
        yield issuer


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def settings(issuer: str, **changes: Any) -> LoginSettings:
        chosen = {
            "enabled": True,
            "gateway": "wss://gateway.example.org/ws",
            "issuer": issuer,
            "client_id": "voicemode",
            "audience": "",
            "scopes": "openid profile email offline_access",
            "store": "file",
            "base_dir": tmp_path / "base",
        }
        return LoginSettings(**(chosen | changes))

    return settings


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "base" / "credentials")
