"""docs/architecture.md: the picture of the tasks is that of a conversation as it runs."""

from __future__ import annotations

import re
from pathlib import Path

from trio.testing import MockClock

from tests.nursery_picture import drawn

PAGE = Path(__file__).parent.parent / "docs" / "architecture.md"


async def test_the_picture_shows_the_tasks_that_run(autojump_clock: MockClock) -> None:
    [picture] = re.findall(r"```tasks\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert await drawn() == picture
