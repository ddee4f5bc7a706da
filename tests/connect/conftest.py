from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.connect.agents import Machine

FullDisk: TypeAlias = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine.at(tmp_path)
    yield machine
    machine.unsubscribe()


@pytest.fixture
def full_disk() -> FullDisk:
    """``full_disk(size)``: inside, no file grows beyond so many bytes; a write that would is cut short first."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
