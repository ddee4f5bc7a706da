"""``run`` starts the command line in the test's own process; what engines write to the descriptors is seen too."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from attrs import frozen

from voicemode.cli import main


@frozen
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Stdout is exactly one object on one line."""
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def complaint(self) -> str:
        """Stderr is exactly one line, and stdout is empty."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("voicemode: ")
        return line


Run: TypeAlias = Callable[..., Ran]


@pytest.fixture
def audio() -> Path:
    return Path(__file__).parent.parent / "audio"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the checkout or into the home of whoever runs it, or reads what is configured there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VOICEMODE_BASE_DIR", str(tmp_path / "base"))
    monkeypatch.delenv("VOICEMODE_SAVE_AUDIO", raising=False)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def start(*args: str | os.PathLike[str]) -> Ran:
        capfd.readouterr()
        code = main([os.fspath(arg) for arg in args])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return start
