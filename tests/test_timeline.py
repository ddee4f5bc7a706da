"""The timeline of an invented conversation: half a minute, three turns, one barge-in."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from attrs import define, field
from hypothesis import given, strategies as st

from actors.account import SpokenText
from actors.errors import AudioFileError, ProviderUnavailable, SettingsError
from actors.events import BargedIn, Event, State, StateChanged, TurnEnded, TurnStarted, UtteranceRecorded
from actors.messages import (
    MicrophoneClosed,
    MicrophoneOpened,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    Spoken,
    StreamId,
    TextPiece,
    Transcribed,
    Transcript,
    TurnId,
    Utterance,
)
from actors.results import Engines, Outcome, Timings, TurnResult
from voicemode.timeline import Track, check_timeline, draw_timeline
from voicemode.timeline_story import Story
from voicemode.timeline_text import Label, pack

RATE = 8_000
BEGAN = 1_000.0
WINDOW = 0.032
PACE = 15.0
"""Characters a second."""


@define
class Told:
    """Writes a conversation down as it would be told, turn after turn."""

    now: float = BEGAN
    turn: int = 0
    events: list[Event] = field(factory=list[Event])
    user: list[tuple[float, float]] = field(factory=list[tuple[float, float]])
    assistant: list[tuple[float, float]] = field(factory=list[tuple[float, float]])

    def take_turn(self, text: str, answer: str, *, over: float | None = None) -> None:
        """The assistant says ``text``; the user answers, or speaks over it after ``over`` seconds."""
        self.turn += 1
        turn, stream, began = TurnId(self.turn), StreamId(self.turn), self.now
        tell = self.events.append
        tell(TurnStarted(turn=turn, at=began))
        self.state("speaking")
        tell(MicrophoneOpened(stream=stream, at=began + 0.002))
        for index, piece in enumerate(sentence for sentence in text.split(". ") if sentence):
            tell(TextPiece(turn=turn, index=index, start=0, text=piece + "."))
        started = began + 0.041
        tell(SpeakingStarted(turn=turn, at=started))
        said_until = started + len(text) / PACE
        speaks_at = said_until + 0.8 if over is None else started + over
        ended = speaks_at + len(answer) / PACE
        stopped = min(said_until, speaks_at + 0.31)
        self.listen(began, ended + 0.7, speaks_at, ended, stream, stopped)
        heard = text if over is None else text[: int((stopped - started) * PACE)].rpartition(" ")[0]
        barged = [BargedIn(turn=turn, at=stopped, began=speaks_at)] if over is not None else []
        state: State = "listening" if over is None else "hearing"
        spoken = Spoken(turn=turn, text=text, heard=heard, complete=over is None, samples=9, at=stopped)
        self.insert(*barged, spoken, StateChanged(turn=turn, at=stopped, state=state))
        self.assistant.append((started, stopped + 0.006))
        self.user.append((speaks_at, ended))
        self.now = ended + 0.7
        self.state("transcribing")
        said = Utterance(
            number=self.turn, stream=stream, start=speaks_at - 0.5, end=ended + 0.3, pcm=b"", rate=RATE, path=None
        )
        tell(UtteranceRecorded(turn=turn, at=self.now + 0.004, utterance=said))
        tell(MicrophoneClosed(stream=stream, at=self.now + 0.005))
        self.now += 0.09
        tell(Transcribed(turn=turn, at=self.now, transcript=Transcript(text=answer, engine="ear", seconds=0.08)))
        self.state("idle")
        outcome: Outcome = "heard" if over is None else "interrupted"
        result = TurnResult(
            turn=turn,
            outcome=outcome,
            transcript=answer,
            spoken=SpokenText(text=text, heard=heard, complete=over is None),
            engines=Engines(tts="mouth", stt="ear"),
            timings=Timings(first_sample_ms=41.0, endpoint_ms=700.0, total_ms=1000 * (self.now - began)),
        )
        tell(TurnEnded(turn=turn, at=self.now, result=result))
        self.now += 0.02

    def state(self, state: State) -> None:
        self.events.append(StateChanged(turn=TurnId(self.turn), at=self.now, state=state))

    def listen(
        self, begin: float, end: float, speaks_at: float, ended: float, stream: StreamId, stopped: float
    ) -> None:
        at = begin + WINDOW
        while at < end:
            voiced = speaks_at < at - WINDOW / 2 < ended
            probability, level = (
                (0.93 + 0.06 * math.sin(40 * at), -24 + 5 * math.sin(9 * at)) if voiced else (0.02, -62.0)
            )
            self.events.append(
                SpeechActivity(stream=stream, at=at, duration=WINDOW, probability=probability, level=level)
            )
            if speaks_at + 0.096 < at <= speaks_at + 0.096 + WINDOW:
                self.events.append(SpeechStarted(stream=stream, at=speaks_at, probability=0.9, level=-20.0))
                if speaks_at > stopped:
                    self.events.append(StateChanged(turn=TurnId(self.turn), at=at, state="hearing"))
            at += WINDOW
        self.events.append(SpeechPaused(stream=stream, at=ended, probability=0.0, level=-60.0))
        self.events.append(SpeechEnded(stream=stream, at=ended, decided=end, probability=0.0, level=-60.0))

    def insert(self, *events: Event) -> None:
        """Where they belong among the windows."""
        at = next(i for i, event in enumerate(self.events) if getattr(event, "at", 0.0) > events[0].at)
        self.events[at:at] = events

    def tracks(self) -> tuple[Track, Track]:
        return self._track(self.user, 190.0), self._track(self.assistant, 130.0)

    def _track(self, voices: list[tuple[float, float]], pitch: float) -> Track:
        times = np.arange(int((self.now + 1 - BEGAN) * RATE)) / RATE
        sound = np.zeros_like(times)
        syllables = 9_000 * np.sin(times * pitch * 6.28) * np.abs(np.sin(times * 4)) * (0.6 + 0.4 * np.sin(times * 0.9))
        for begin, end in voices:
            voiced = (times > begin - BEGAN) & (times < end - BEGAN)
            sound[voiced] = syllables[voiced]
        return Track(pcm=sound.astype("<i2").tobytes(), rate=RATE, start=BEGAN)


@pytest.fixture(scope="module")
def told() -> Told:
    told = Told()
    told.take_turn("Good morning. You have three messages and one of them is urgent.", "read me the urgent one")
    told.take_turn(
        "It is from the workshop. The part that you ordered in September has come, and they would like to know. "
        "Shall they send it or will you fetch it? They are open until six.",
        "stop I will fetch it",
        over=5.2,
    )
    told.take_turn("Fine, I shall tell them so.", "thank you and what is next on the list")
    return told


@pytest.mark.parametrize("suffix", [".svg", ".png", ".PNG"])
def test_the_same_conversation_gives_the_same_picture(told: Told, tmp_path: Path, suffix: str) -> None:
    user, assistant = told.tracks()
    pictures = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in pictures:
        draw_timeline(path, told.events, user=user, assistant=assistant, title="Half a minute")
    first, second = (path.read_bytes() for path in pictures)
    assert first == second
    assert first.startswith(b"\x89PNG" if suffix.lower() == ".png" else b"<?xml")


def width_of(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:20])


def test_a_longer_conversation_has_a_wider_picture_within_bounds(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    brief = told.events[:3]
    long = [*told.events, MicrophoneClosed(stream=StreamId(9), at=BEGAN + 600)]
    widths: list[int] = []
    for events in (brief, told.events, long):
        draw_timeline(path, events)
        widths.append(width_of(path))
    assert widths[0] == 12 * 120
    assert widths[0] < widths[1] < widths[2]
    assert widths[2] == 40 * 120


def test_any_text_can_be_drawn(tmp_path: Path) -> None:
    told = Told()
    told.take_turn("It costs $5_{0}^2 or 你好 🎉 \\frac{. " + "x" * 300, "ünd $a$ \x07 " + "word " * 100)
    draw_timeline(tmp_path / "a.svg", told.events, title="$title$ 你好")
    assert (tmp_path / "a.svg").stat().st_size > 10_000


def test_a_turn_that_ends_before_anything_happens_is_drawn(tmp_path: Path) -> None:
    draw_timeline(
        tmp_path / "a.svg", [TurnStarted(turn=TurnId(1), at=0.0)], assistant=Track(pcm=b"", rate=8000, start=0)
    )
    assert (tmp_path / "a.svg").exists()


def test_no_events_make_no_timeline(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no events"):
        draw_timeline(tmp_path / "a.svg", [])


@pytest.mark.parametrize("name", ["a.pdf", "a", "svg"])
def test_a_name_that_says_no_format_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"end its name in \.svg or \.png"):
        check_timeline(Path(name))


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ProviderUnavailable, match=r"pip install matplotlib"):
        check_timeline(Path("a.svg"))


def test_a_place_that_cannot_be_written_is_an_error(told: Told, tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="there is no directory"):
        draw_timeline(tmp_path / "nowhere" / "a.svg", told.events)


def test_pyplot_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from actors.events import *; from voicemode.timeline import draw_timeline;"
        "draw_timeline(pathlib.Path(sys.argv[1]), [TurnStarted(turn=TurnId(1), at=0.0)]);"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.svg")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_story_has_every_span_with_its_beginning_and_end(told: Told) -> None:
    story = Story.of(told.events)
    assert (story.begin, story.end) == (BEGAN, pytest.approx(told.now - 0.02))
    assert [turn.result.outcome for turn in story.turns if turn.result] == ["heard", "interrupted", "heard"]
    assert [span.label for span in story.states][:4] == ["speaking", "listening", "hearing", "transcribing"]
    assert [span.label for span in story.understood][:2] == ["read me the urgent one", "stop I will fetch it"]
    assert len(story.open) == len(story.voiced) == len(story.utterances) == len(story.speaking) == 3
    for span in [*story.turns, *story.states, *story.open, *story.voiced, *story.understood, *story.speaking]:
        assert span.end is not None
        assert BEGAN <= span.begin <= span.end <= story.end
    assert story.speaking[1].heard.endswith("and")
    assert story.speaking[1].unheard.startswith(" they")


def test_what_is_still_going_on_lasts_until_the_end(told: Told) -> None:
    cut = next(i for i, event in enumerate(told.events) if isinstance(event, SpeechStarted))
    story = Story.of(told.events[: cut + 20])
    assert story.voiced[0].end is None
    assert story.until(story.voiced[0]) == story.until(story.open[0]) == story.end


def test_the_end_of_a_voice_is_its_last_sample_that_is_not_zero() -> None:
    track = Track(pcm=b"\1\0" * 100 + b"\0\0" * 50 + b"\1\0", rate=1000, start=5.0)
    assert track.end == pytest.approx(5.151)
    assert track.sounds_until(5.1) == pytest.approx(5.1)
    assert track.sounds_until(5.15) == pytest.approx(5.1)
    assert track.sounds_until(9.0) == pytest.approx(5.151)
    assert track.sounds_until(4.0) == 5.0


def measure(text: str) -> float:
    return 0.06 * len(text)


WORDS = st.lists(st.tuples(st.text("abc", min_size=1, max_size=90), st.sampled_from(["red", "blue"])), max_size=60)


@given(st.lists(st.tuples(st.floats(0, 20), WORDS), max_size=12), st.floats(6, 30))
def test_labels_never_overlap_and_stay_on_the_paper(
    drawn: list[tuple[float, list[tuple[str, str]]]], right: float
) -> None:
    labels = [Label(x=min(x, right), words=tuple(words)) for x, words in drawn]
    lines, rows = pack(labels, measure, right)
    by_row: dict[int, list[tuple[float, float]]] = {}
    for line in lines:
        assert 0 <= line.row < rows
        assert line.x >= 0
        assert line.x + measure(line.text) <= right + 1e-9
        by_row.setdefault(line.row, []).append((line.x, line.x + measure(line.text)))
    for spans in by_row.values():
        ordered = sorted(spans)
        assert all(left[1] <= following[0] for left, following in pairwise(ordered))


def test_a_label_that_fits_is_whole() -> None:
    label = Label.of(1.0, ("one two", "red"), ("three four", "grey"))
    lines, rows = pack([label], measure, 30.0)
    assert rows == 1
    assert [(line.text, line.colour) for line in lines] == [("one two", "red"), ("three four", "grey")]
