"""While there is an engine in a thread, threads that compute make way soon; afterwards it is as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

import voicemode.sync
from tests.embed.hosting import TEXT
from voicemode.embed.switching import SOON


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_it_is_soon_while_there_is_an_engine_and_then_as_before() -> None:
    sys.setswitchinterval(0.004)
    with voicemode.sync.open_conversation(TEXT), voicemode.sync.open_conversation(TEXT):
        assert sys.getswitchinterval() == SOON
    assert sys.getswitchinterval() == 0.004


def test_what_is_sooner_stays() -> None:
    sys.setswitchinterval(0.0005)
    with voicemode.sync.open_conversation(TEXT):
        assert sys.getswitchinterval() == 0.0005
    assert sys.getswitchinterval() == 0.0005


def test_what_is_changed_meanwhile_stays() -> None:
    sys.setswitchinterval(0.004)
    with voicemode.sync.open_conversation(TEXT):
        sys.setswitchinterval(0.002)
    assert sys.getswitchinterval() == 0.002
