"""What the gateway's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from voicemode.gateway.queue import MessageQueue


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[MessageQueue]:
    with closing(MessageQueue.open(tmp_path / "folder" / "queue")) as queue:
        yield queue
