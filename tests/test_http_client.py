"""Who is trusted is read once, and again when the environment names others."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import SettingsError
from voicemode.http_client import Address, HttpClient

HERE = Address.parse("http://127.0.0.1:9/v1")


async def test_certificates_that_the_environment_names_later_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await (await HttpClient.open(HERE)).aclose()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        await HttpClient.open(HERE)
    await (await HttpClient.open(HERE, proxies=False)).aclose()
    monkeypatch.undo()
    await (await HttpClient.open(HERE)).aclose()
