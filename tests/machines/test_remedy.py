from __future__ import annotations

import pytest

from actors.machines.remedy import remedy_for
from tests.machines.engines import refusal, unavailable


def test_a_connection_that_died_is_tried_once_more() -> None:
    assert [remedy_for(unavailable("died"), attempt) for attempt in (1, 2, 3)] == ["retry", "go_on", "go_on"]


def test_a_request_that_makes_no_sense_makes_none_to_another_engine() -> None:
    assert remedy_for(refusal("refused"), 1) == "stop"


@pytest.mark.parametrize("code", ["busy", "timeout", "unreachable", "failed", "untrusted", "empty", "endless"])
def test_an_engine_that_does_not_do_it_leaves_it_to_the_next(code: str) -> None:
    assert remedy_for(unavailable(code), 1) == "go_on"


@pytest.mark.parametrize("code", ["unauthorized", "not_found", "format", "too_long", "moved", "no_sound"])
def test_a_request_that_one_engine_does_not_take_may_suit_another(code: str) -> None:
    assert remedy_for(refusal(code), 1) == "go_on"


@pytest.mark.parametrize("code", ["refused", "voice"])
def test_what_is_wrong_everywhere_is_put_to_nobody_else(code: str) -> None:
    assert remedy_for(refusal(code), 1) == "stop"
