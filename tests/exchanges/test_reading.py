"""What was kept is read back: the last of it, all of it, and what comes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from actors.errors import VoiceError
from tests.exchanges.saying import keep, said
from voicemode.exchanges import Exchanges, recent
from voicemode.exchanges.choosing import Wanted
from voicemode.exchanges.exchange import Exchange
from voicemode.exchanges.following import Follower

ADAY = 24 * 60


def texts(exchanges: list[Exchange]) -> list[str]:
    return [exchange.text for exchange in exchanges]


def test_the_last_ones_are_taken_from_as_many_days_as_it_takes(tmp_path: Path) -> None:
    keep(tmp_path, said("one"), said("two", minutes=ADAY), said("three", minutes=ADAY), said("four", minutes=3 * ADAY))
    assert texts(recent(tmp_path, 1)) == ["four"]
    assert texts(recent(tmp_path, 2)) == ["three", "four"]
    assert texts(recent(tmp_path, 99)) == ["one", "two", "three", "four"]
    assert recent(tmp_path, 0) == recent(tmp_path / "nowhere", 5) == []


def test_days_can_be_chosen(tmp_path: Path) -> None:
    keep(tmp_path, *(said(str(number), minutes=number * ADAY) for number in range(5)))
    assert texts(list(Exchanges(tmp_path, date(2026, 3, 5), date(2026, 3, 6)))) == ["1", "2"]


def test_broken_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = keep(tmp_path, said("one"))
    with path.open("ab") as file:
        file.write(b'{"type": "stt"\n\n\xff\xfe\n[]\n')
    keep(tmp_path, said("two"))
    kept = Exchanges(tmp_path)
    assert texts(list(kept)) == ["one", "two"]
    assert kept.broken == 3


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    keep(tmp_path, said("one")).unlink()
    (tmp_path / "logs/conversations/exchanges_2026-03-04.jsonl").mkdir()
    with pytest.raises(VoiceError, match=r"cannot be read: Is a directory\."):
        recent(tmp_path, 1)


def test_who_follows_gets_each_line_once_it_is_whole(tmp_path: Path) -> None:
    path = keep(tmp_path, said("one"), said("two"))
    follower = Follower(Exchanges(tmp_path))
    keep(tmp_path, said("three"))
    assert texts(follower.last(1)) == ["two"]
    assert texts(follower.last(9)) == ["one", "two"]
    assert texts(follower.new()) == ["three"]
    assert follower.new() == []
    line = path.read_bytes().splitlines()[0]
    with path.open("ab", buffering=0) as file:
        file.write(line[:20])
        assert follower.new() == []
        file.write(line[20:] + b"\n")
    keep(tmp_path, said("next day", minutes=ADAY))
    assert texts(follower.new()) == ["one", "next day"]


def test_who_follows_from_the_very_first_word_misses_nothing(tmp_path: Path) -> None:
    follower = Follower(Exchanges(tmp_path))
    assert (follower.last(5), follower.new()) == ([], [])
    keep(tmp_path, said("one"))
    assert texts(follower.new()) == ["one"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), "abc"),
        (Wanted(text="HELLO"), "ac"),
        (Wanted(text="later"), "c"),
        (Wanted(side="tts"), "c"),
        (Wanted(provider="whisper"), "a"),
        (Wanted(project="work"), "b"),
        (Wanted(conversation="conv_2"), "bc"),
        (Wanted(text="hello", side="stt", provider="whisper"), "a"),
    ],
)
def test_what_is_wanted_is_found(wanted: Wanted, found: str) -> None:
    exchanges = {
        "a": said("Hello there", conversation_id="conv_1", metadata={"provider": "whisper-1"}),
        "b": said("Good day", conversation_id="conv_2", project_path="/home/work"),
        "c": said("hello", conversation_id="conv_2", type="tts", metadata={"intended": "hello until later"}),
    }
    assert "".join(name for name, exchange in exchanges.items() if wanted.has(exchange)) == found
