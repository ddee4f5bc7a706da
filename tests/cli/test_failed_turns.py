"""What the command line tells programs of a turn that failed; engines, devices and the clock are made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.errors import AllProvidersFailed, ProviderUnavailable
from tests.conversing import Room
from tests.fakes import FakeEars, FakeVoice, said
from tests.fakes_speech import LoudnessModel
from voicemode import Settings, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.cli import turn

from .conftest import Ran, Run

TEXT = "one two three four five six seven eight."
"""Two seconds of the fake voice."""

Engines = Callable[..., None]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    """The conversation has these, and a user who speaks at ``answers`` seconds."""
    run = trio.run
    monkeypatch.setattr(trio, "run", lambda take: run(take, clock=MockClock(autojump_threshold=0)))

    def arrange(*, answers: float | None = None, **own: Any) -> None:
        room = Room()
        if answers is not None:
            room.microphone.place(said(1.0), answers)
        parts = {"tts": FakeVoice(), "stt": FakeEars(), "vad": LoudnessModel(), **own, "store": MemoryStore()}

        def opened(settings: Settings, **_: object) -> Any:
            return open_conversation(settings, microphone=room.microphone, speaker=room.speaker, **parts)

        monkeypatch.setattr(turn, "open_conversation", opened)

    return arrange


def error_of(ran: Ran) -> dict[str, Any]:
    assert ran.code == 1
    assert list(ran.json) == ["error"]
    error: dict[str, Any] = ran.json["error"]
    return error


def test_a_recogniser_that_fails_after_an_interruption_leaves_what_was_heard_of_the_assistant(
    run: Run, engines: Engines
) -> None:
    gone = AllProvidersFailed("No recogniser answered.", (ProviderUnavailable("fake ears", "They are gone."),))
    engines(stt=FakeEars(error=gone), answers=0.6)
    error = error_of(run("converse", TEXT, "--json"))
    assert error["type"] == "AllProvidersFailed"
    assert error["spoken"] == {"text": TEXT, "heard": "one two", "complete": False}
    assert error["interrupted"] is True


def test_a_voice_that_dies_midway_leaves_what_was_heard_of_it(run: Run, engines: Engines) -> None:
    engines(tts=FakeVoice(dies_at="four"))
    error = error_of(run("say", TEXT, "--json"))
    assert error["spoken"] == {"text": TEXT, "heard": "one two three", "complete": False}
    assert error["interrupted"] is False


def test_an_error_before_any_turn_tells_of_none(run: Run) -> None:
    error = run("converse", TEXT, "--mic", "no-such:thing", "--json").json["error"]
    assert set(error) == {"message", "type"}
