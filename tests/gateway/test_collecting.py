"""Python looks for garbage seldom where there is a lot to look through."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from voicemode.gateway.collecting import collect_seldom


@pytest.fixture
def as_usual() -> Iterator[tuple[int, int, int]]:
    usual = gc.get_threshold()
    yield usual
    gc.set_threshold(*usual)
    gc.unfreeze()


def test_it_is_looked_for_more_seldom_than_usual_and_not_in_what_was_there(as_usual: tuple[int, int, int]) -> None:
    collect_seldom()
    assert all(now > usual for now, usual in zip(gc.get_threshold(), as_usual, strict=True))
    assert gc.get_freeze_count() > 0
