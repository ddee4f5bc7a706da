"""Users in directories of their own, and other processes that subscribe for them until they are killed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.floor.conftest import ROOT, Process
from voicemode.connect.users import Users

SUBSCRIBES = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
from actors.errors import VoiceError
from voicemode.connect.presence import subscribe
from voicemode.connect.users import Users

base, teams, user, team = sys.argv[1:]
try:
    held = subscribe(Users(Path(base), teams=Path(teams)), user, team)
except VoiceError as error:
    print(error, flush=True)
else:
    print("subscribed", flush=True)
    while sys.stdin.readline():
        held.release()
        print("released", flush=True)
"""

Subscribe: TypeAlias = Callable[..., Process]


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """Nobody, and the teams crew and troop."""
    for team in ("crew", "troop"):
        (tmp_path / "teams" / team / "inboxes").mkdir(parents=True)
    return Users(tmp_path / "base", teams=tmp_path / "teams")


@pytest.fixture
def elsewhere(users: Users) -> Iterator[Subscribe]:
    """Starts a process that subscribes; its first word is whether it did."""
    with ExitStack() as stack:

        def subscribing(user: str, team: str = "crew") -> Process:
            base = users.directory.parent.parent
            process = Process(SUBSCRIBES, base, users.teams, user, team)
            stack.callback(process.end)
            return process

        yield subscribing


def files_of(users: Users, user: str) -> list[str]:
    return sorted(path.name for path in users.directory_of(user).iterdir())


if sys.platform == "win32":
    pytest.skip("Windows has no locks that end with a process", allow_module_level=True)
