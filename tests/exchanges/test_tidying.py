"""The oldest goes first, and nothing that anybody may still need."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from voicemode.exchanges.day_files import EVENTS, EXCHANGES
from voicemode.exchanges.tidying import DAY, MEGABYTE, tidy

NOW = 2_000_000_000.0
MONTH = Path("audio/2026/03")


def put(path: Path, *, age: float, size: int = 1000) -> Path:
    """A file that changed ``age`` days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, (NOW - age * DAY, NOW - age * DAY))
    return path


def day(base: Path, age: int) -> Path:
    return put(EXCHANGES.path(base, date(2026, 12, 31) - timedelta(days=age)), age=age)


def recording(base: Path, number: int, *, age: float, size: int = 1000, kind: str = "stt") -> Path:
    return put(base / MONTH / f"20260304_120000_{number:03}_abcdef_{kind}.wav", age=age, size=size)


def test_what_is_older_than_that_goes(tmp_path: Path) -> None:
    days = [day(tmp_path, age) for age in (1, 29, 31, 400)]
    events = put(EVENTS.path(tmp_path, date(2026, 1, 1)), age=31)
    sounds = [
        recording(tmp_path, 1, age=29),
        recording(tmp_path, 2, age=31),
        recording(tmp_path, 3, age=31, kind="tts"),
    ]
    assert tidy(tmp_path, days=30, megabytes=0, now=NOW) == 5
    assert [path.exists() for path in (*days, events, *sounds)] == [True, True, False, False, False, True, False, False]


def test_of_too_much_the_oldest_goes(tmp_path: Path) -> None:
    sounds = [recording(tmp_path, age, age=age, size=MEGABYTE) for age in (5, 4, 3, 2)]
    assert tidy(tmp_path, days=0, megabytes=2.5, now=NOW) == 2
    assert [path.exists() for path in sounds] == [False, False, True, True]


def test_what_is_written_today_stays_however_much_it_is(tmp_path: Path) -> None:
    path = day(tmp_path, 0)
    sound = recording(tmp_path, 1, age=0.9, size=5 * MEGABYTE)
    assert tidy(tmp_path, days=0.1, megabytes=0.0001, now=NOW) == 0
    assert path.exists()
    assert sound.exists()


@pytest.mark.parametrize(
    "name",
    [
        "pending/20260304_120000_001_abcdef.wav",
        "pending/20260304_120000_001_abcdef_stt.wav",
        "audio/2026/03/holiday.wav",
        "audio/20260304_120000_001_abcdef_stt.wav",
        "logs/conversations/notes.jsonl",
        "logs/conversations/exchanges_someday.jsonl",
        "voicemode.env",
    ],
)
def test_what_waits_for_its_transcript_and_what_is_somebody_elses_stays(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, age=900, size=9 * MEGABYTE)
    assert tidy(tmp_path, days=1, megabytes=1, now=NOW) == 0
    assert path.exists()


def test_a_link_is_left_where_it_is_with_what_it_leads_to(tmp_path: Path) -> None:
    target = put(tmp_path / "elsewhere.wav", age=900)
    link = tmp_path / MONTH / "20260304_120000_001_abcdef_stt.wav"
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    assert tidy(tmp_path, days=1, megabytes=0, now=NOW) == 0
    assert link.is_symlink()


def test_without_limits_and_without_files_nothing_happens(tmp_path: Path) -> None:
    assert tidy(tmp_path, days=1, megabytes=1, now=NOW) == 0
    path = day(tmp_path, 4000)
    assert tidy(tmp_path, days=0, megabytes=0, now=NOW) == 0
    assert path.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    kept=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=12),
    days=st.integers(0, 40),
    megabytes=st.integers(0, 12),
)
def test_what_is_left_keeps_both_limits_and_is_the_newest(
    tmp_path_factory: pytest.TempPathFactory, kept: list[tuple[int, int]], days: int, megabytes: int
) -> None:
    base = tmp_path_factory.mktemp("base")
    made = [
        (age, size, recording(base, number, age=age + 0.5, size=size * MEGABYTE))
        for number, (age, size) in enumerate(kept)
    ]
    tidy(base, days=days, megabytes=megabytes, now=NOW)
    left = [(age, size) for age, size, path in made if path.exists()]
    gone = [(age, size) for age, size, path in made if not path.exists()]
    assert all(age >= 1 for age, _ in gone)
    assert min((age for age, _ in gone), default=99) >= max((age for age, _ in left), default=0)
    old = [(age, size) for age, size in left if age >= 1]
    if days:
        assert all(age + 0.5 <= days for age, _ in old)
    if megabytes and old:
        assert sum(size for _, size in left) <= megabytes
