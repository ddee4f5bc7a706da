"""Where a socket is to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """In the end it is there no more, whatever happened."""
    path = tmp_path / "private" / "control.sock"
    yield path
    assert not path.exists()
