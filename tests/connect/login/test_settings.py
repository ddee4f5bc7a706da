"""What of a login is configured, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from voicemode.config import survey
from voicemode.connect.login.settings import LoginSettings


def settings(tmp_path: Path, **environment: str) -> LoginSettings:
    named = {f"VOICEMODE_{name}": value for name, value in environment.items()}
    return LoginSettings.of(survey(environment=named, directory=tmp_path / "project", home=tmp_path / "home"))


def test_by_default_nothing_is_allowed_and_the_provider_is_that_of_voicemode_dev(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert not found.enabled
    assert (found.issuer, found.client_id) == ("https://dev-2q681p5hobd1dtmm.us.auth0.com/", "")
    assert (found.audience, found.store) == ("https://voicemode.dev/api", "file")
    assert found.base_dir == tmp_path / "home" / ".voicemode"


def test_another_provider_may_be_told_of_no_audience(tmp_path: Path) -> None:
    found = settings(tmp_path, CONNECT_ISSUER=" https://id.example.org ", CONNECT_AUDIENCE="None")
    assert (found.issuer, found.audience) == ("https://id.example.org", "")


@pytest.mark.parametrize("name", ["CONNECT_ENABLED=true", "CONNECT_ISSUER=https://evil.example.org", "CONNECT_TOKEN=x"])
def test_a_project_decides_nothing_of_a_login(tmp_path: Path, name: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".voicemode.env").write_text(f"VOICEMODE_{name}\n")
    found = settings(tmp_path)
    (tmp_path / "project" / ".voicemode.env").unlink()
    assert found == settings(tmp_path)
