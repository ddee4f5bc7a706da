"""The display: which lines stay, what the living line shows, and what goes to a terminal and to a pipe."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator

import pytest
import trio
from rich.console import Console
from rich.text import Text

from actors.errors import DeviceLost, ProviderUnavailable
from actors.events import Event, Muted, StateChanged, TurnEnded, TurnStarted
from actors.messages import (
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechActivity,
    Spoken,
    StreamId,
    TextPiece,
    Transcribed,
    Transcript,
    TurnId,
)
from actors.results import Timings, TurnResult
from voicemode.cli.display import PACE, Display, Scene, assistant_line, user_line
from voicemode.cli.output import printable

TURN, STREAM = TurnId(1), StreamId(1)


def spoken(text: str, heard: str) -> Spoken:
    return Spoken(turn=TURN, text=text, heard=heard, complete=text == heard, samples=1, at=2.0)


def activity(level: float) -> SpeechActivity:
    return SpeechActivity(stream=STREAM, at=1.0, duration=0.032, probability=0.9, level=level)


EVENTS: tuple[Event, ...] = (
    TurnStarted(turn=TURN, at=0.0),
    StateChanged(turn=TURN, at=0.0, state="speaking"),
    TextPiece(turn=TURN, index=0, start=0, text="One two three. "),
    TextPiece(turn=TURN, index=1, start=15, text="Four."),
    SpeakingStarted(turn=TURN, at=0.0),
    activity(-30.0),
)
ENDING: tuple[Event, ...] = (
    spoken("One two three. Four.", "One two"),
    StateChanged(turn=TURN, at=2.0, state="hearing"),
    MicrophoneClosed(stream=STREAM, at=2.0),
    Transcribed(turn=TURN, at=3.0, transcript=Transcript(text="stop", engine="ear", seconds=0.1)),
)


async def stream(*events: Event | Text) -> AsyncGenerator[Event | Text]:
    for event in events:
        await trio.lowlevel.checkpoint()
        yield event


def test_the_living_line_shows_state_level_and_the_words_spoken_so_far() -> None:
    scene = Scene()
    assert "getting ready" in scene.status(0.0).plain
    assert [scene.take(event) for event in EVENTS] == [None] * len(EVENTS)
    line = scene.status(7 / PACE)
    assert "speaking" in line.plain
    assert "██████████──────────  -30 dBFS  One two three. Four." in line.plain
    unspoken = [line.plain[span.start : span.end] for span in line.spans if span.style == "dim"]
    assert unspoken[-1] == " three. Four."


@pytest.mark.parametrize(("level", "cells"), [(float("-inf"), 0), (-60.0, 0), (-3.0, 19), (0.0, 20), (2.0, 20)])
def test_the_meter_stays_within_its_cells(level: float, cells: int) -> None:
    scene = Scene()
    scene.take(activity(level))
    plain = scene.status(0.0).plain
    assert (plain.count("█"), plain.count("─")) == (cells, 20 - cells)


def test_the_meter_and_the_words_go_when_they_are_over() -> None:
    scene = Scene()
    for event in (*EVENTS, *ENDING):
        scene.take(event)
    assert scene.status(9.0).plain.split() == ["●", "hearing"]


def test_what_nobody_heard_is_told_apart() -> None:
    assert assistant_line("One two.", "One two.").plain == "assistant: One two."
    assert assistant_line("One two.", "One").plain == "assistant: One [not heard: two.]"
    assert assistant_line("One two.", "").plain == "assistant: [not heard: One two.]"
    assert user_line("").plain == "user: (nothing that was understood)"
    assert Scene().take(spoken("", "")) is None


def lost(at: float) -> MicrophoneFailed:
    return MicrophoneFailed(stream=STREAM, at=at, error=DeviceLost("The headset has gone."))


def test_a_device_that_goes_and_comes_back_is_told_once() -> None:
    scene = Scene()
    assert scene.take(lost(0.5)) is None  # it was never there; what comes of that is an error of the turn
    assert scene.take(MicrophoneOpened(stream=STREAM, at=1.0)) is None
    gone = scene.take(lost(2.0))
    assert gone is not None
    assert gone.plain == "microphone lost: The headset has gone. Waiting for it."
    assert scene.take(lost(2.5)) is None
    assert "● no microphone" in scene.status(2.5).plain
    assert scene.take(SpeakerFailed(at=2.6, error=DeviceLost("It went."))) is not None
    assert "no microphone and no speaker" in scene.status(2.6).plain
    back = scene.take(MicrophoneOpened(stream=STREAM, at=3.2))
    assert back is not None
    assert back.plain == "microphone back after 1.2 s"
    scene.take(SpeakerOpened(at=3.0))
    assert "no " not in scene.status(3.0).plain


def test_a_spool_that_fails_is_no_lost_microphone() -> None:
    scene = Scene()
    scene.take(MicrophoneOpened(stream=STREAM, at=1.0))
    assert scene.take(MicrophoneFailed(stream=STREAM, at=2.0, error=ProviderUnavailable("x", "y"))) is None


def test_who_is_muted_sees_it_in_place_of_the_meter() -> None:
    scene = Scene()
    scene.take(activity(-30.0))
    scene.take(Muted(at=1.0, muted=True))
    assert "muted" in scene.status(1.0).plain
    assert "dBFS" not in scene.status(1.0).plain
    scene.take(Muted(at=2.0, muted=False))
    assert "muted" not in scene.status(2.0).plain


def test_latencies_stay_of_a_turn_where_they_are_wanted() -> None:
    def ended(said: str, **timings: float) -> TurnEnded:
        result = TurnResult(turn=TURN, outcome="heard", transcript=said, timings=Timings(**timings))
        return TurnEnded(turn=TURN, at=1.0, result=result)

    assert Scene().take(ended("hi", speech_end_to_transcript_ms=800.0)) is None
    scene = Scene(latencies=True)
    lines = [
        scene.take(event)
        for event in (
            ended("hi", first_sample_ms=1.0, speech_end_to_transcript_ms=800.0),
            ended("", first_sample_ms=300.0),
            ended("", first_sample_ms=1.0),
        )
    ]
    assert [line and line.plain.strip() for line in lines] == [
        "end of speech → transcript 800 ms",
        "transcript → first sound 300 ms",
        None,
    ]


async def test_to_a_pipe_go_plain_lines_of_any_length() -> None:
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=False, soft_wrap=True)) as display:
        await display.follow(stream(*EVENTS, *ENDING, Text("x" * 300, "red")))
    assert out.getvalue() == "assistant: One two [not heard: three. Four.]\nuser: stop\n" + "x" * 300 + "\n"


async def test_a_terminal_gets_the_living_line_and_has_its_cursor_back() -> None:
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=True, width=80, legacy_windows=False)) as display:
        await display.follow(stream(*EVENTS, *ENDING))
    told = out.getvalue()
    assert "getting ready" in told
    assert "user: " in told
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")


async def test_a_footer_lives_below_the_living_line_and_goes_with_it() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, legacy_windows=False)
    with Display(console, footer=Text("q quit")) as display:
        await display.follow(stream(*EVENTS))
        with display.aside():
            assert out.getvalue().endswith("\x1b[?25h")
    assert "q quit" in out.getvalue()
    out = io.StringIO()
    with Display(Console(file=out), footer=Text("q quit")) as display:
        await display.follow(stream(*EVENTS))
    assert out.getvalue() == ""


async def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=True, width=80)) as display:
        await display.follow(stream(*ENDING))
    assert "getting ready" not in out.getvalue()


def test_a_message_from_anywhere_is_one_harmless_line() -> None:
    assert printable("a\nb\t c\x1b[2J\udcff") == "a b c\ufffd[2J\ufffd"
