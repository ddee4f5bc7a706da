"""A conversation for asyncio and one for plain code have all that Trio's has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import voicemode
import voicemode.aio
import voicemode.sync
from voicemode.session import open_conversation

NAMES = [name for name in dir(voicemode.Conversation) if not name.startswith("_")]
HOSTED = [voicemode.aio, voicemode.sync]


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("package", HOSTED)
@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_with_the_same_parameters(package: Any, name: str) -> None:
    theirs, ours = getattr(voicemode.Conversation, name), getattr(package.Conversation, name)
    if isinstance(theirs, property):
        assert isinstance(ours, property)
        assert inspect.signature(ours.fget).return_annotation == inspect.signature(theirs.fget).return_annotation
        return
    # Trio's way to tell that something has begun is for nurseries
    expected = [("started", kind, None) if name == "task_status" else (name, kind, default)
                for name, kind, default in parameters(theirs)]  # fmt: skip
    assert parameters(ours) == expected


@pytest.mark.parametrize("package", HOSTED)
def test_nothing_is_there_that_trio_has_not(package: Any) -> None:
    assert [name for name in dir(package.Conversation) if not name.startswith("_")] == NAMES


@pytest.mark.parametrize(("package", "more"), [(voicemode.aio, ["guest"]), (voicemode.sync, [])])
def test_it_is_opened_with_the_same(package: Any, more: list[str]) -> None:
    ours = [each for each in parameters(package.open_conversation) if each[0] not in more]
    assert ours == parameters(open_conversation)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if inspect.iscoroutinefunction(getattr(voicemode.Conversation, name))]
)
def test_what_waits_is_a_coroutine_in_asyncio(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(voicemode.aio.Conversation, name))
