"""Exchanges in other forms, and in numbers."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st

from tests.exchanges.saying import NOON, said
from tests.exchanges.test_exchange import EXCHANGES
from voicemode.exchanges.exchange import Exchange, parsed
from voicemode.exchanges.exports import as_csv, as_html, as_json, as_markdown, conversations
from voicemode.exchanges.statistics import figures, percentile

SAID = [
    said("<b>one</b>, two\nthree & *four*"),
    said(
        "Yes",
        minutes=1,
        type="tts",
        duration_ms=2500,
        metadata={"intended": "Yes, but", "complete": False, "provider": "kokoro", "time_to_first_audio": 0.2},
    ),
    said("other", minutes=2, conversation_id="conv_2", metadata={"provider": "whisper", "transcription_time": 0.4}),
    said("again", minutes=3, duration_ms=1000, metadata={"is_fallback": True, "speech_end_to_transcript": 0.9}),
]


@given(st.lists(EXCHANGES, max_size=5))
def test_as_json_they_are_as_they_were_written(exchanges: list[Exchange]) -> None:
    assert [parsed(json.dumps(each).encode()) for each in json.loads(as_json(exchanges))] == exchanges


@given(st.lists(EXCHANGES, max_size=5))
def test_as_a_table_each_is_a_row(exchanges: list[Exchange]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(exchanges), newline="")))
    assert [row["text"] for row in rows] == [exchange.text for exchange in exchanges]


@given(st.lists(EXCHANGES, max_size=5))
def test_as_a_page_what_was_said_is_text_and_nothing_else(exchanges: list[Exchange]) -> None:
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)

    Tags().feed(as_html(exchanges))
    assert tags.count("p") == len(exchanges)
    assert set(tags) <= {"html", "head", "meta", "title", "style", "body", "h2", "p", "time", "span", "br", "audio"}


def test_as_markdown_a_line_is_a_line() -> None:
    text = as_markdown(SAID)
    assert "\\<b\\>one\\</b\\>, two three & \\*four\\*" in text
    assert "Yes *[not heard: , but]*" in text
    assert text.count("\n## ") == 2


def test_conversations_that_ran_at_the_same_time_are_told_apart() -> None:
    assert [(name, len(each)) for name, each in conversations(SAID)] == [
        ("conv_20260304_120000_abcdef", 3),
        ("conv_2", 1),
    ]


def test_numbers_are_those_of_all_and_of_each_engine() -> None:
    found = figures(SAID)
    assert (found.exchanges, found.conversations, found.days, found.interrupted) == (4, 2, 1, 1)
    assert (found.user_seconds, found.assistant_seconds) == (1.0, 2.5)
    assert (found.first, found.p50, found.p95) == (NOON, 0.9, 0.9)
    assert [(each.side, each.provider, each.exchanges, each.fallbacks, each.p50) for each in found.providers] == [
        ("stt", "", 2, 1, None),
        ("stt", "whisper", 1, 0, 0.4),
        ("tts", "kokoro", 1, 0, 0.2),
    ]


def test_of_nothing_there_are_no_numbers() -> None:
    found = figures([])
    assert (found.exchanges, found.first, found.p50, found.providers) == (0, None, None, ())


@pytest.mark.parametrize(("percent", "value"), [(50, 10.0), (95, 19.0), (100, 20.0), (1, 1.0)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile([float(number) for number in range(20, 0, -1)], percent) == value
