"""An exchange is the same when it is read back, and VoiceMode's own lines are exchanges too."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import msgspec
from hypothesis import given, strategies as st

from voicemode.exchanges.exchange import Exchange, parsed, writable

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the strategy adds it
TEXTS = st.text().map(writable)
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
EXCHANGES = st.builds(
    Exchange,
    timestamp=TIMES,
    conversation_id=TEXTS,
    type=st.sampled_from(["stt", "tts"]),
    text=TEXTS,
    project_path=st.none() | TEXTS,
    audio_file=st.none() | TEXTS,
    duration_ms=st.none() | st.integers(0, 10**7),
    metadata=st.none() | st.dictionaries(TEXTS, VALUES, max_size=5),
)


@given(EXCHANGES)
def test_it_is_one_line_and_the_same_when_it_is_read_back(exchange: Exchange) -> None:
    line = msgspec.json.encode(exchange)
    assert b"\n" not in line
    assert parsed(line + b"\n") == exchange
    assert json.loads(line)["version"] == 3


@given(st.binary())
def test_anything_else_is_none(line: bytes) -> None:
    assert parsed(line) is None


@given(EXCHANGES, st.data())
def test_a_line_that_was_cut_short_is_none(exchange: Exchange, data: st.DataObject) -> None:
    line = msgspec.json.encode(exchange)
    assert parsed(line[: data.draw(st.integers(0, len(line) - 1))]) is None


@given(st.text(st.characters()))
def test_any_text_can_be_written(text: str) -> None:
    writable(text).encode()


def test_a_line_of_voicemodes_is_read() -> None:
    line = b"""{"version": 2, "timestamp": "2025-06-30T23:06:16.511898", "conversation_id": "conv_20250630_230613_x1",
        "type": "tts", "text": "Hi", "unheard_of": [1], "metadata": {"provider": "kokoro", "time_to_first_audio": 1}}"""
    exchange = parsed(line)
    assert exchange is not None
    assert (exchange.text, exchange.provider, exchange.seconds("time_to_first_audio")) == ("Hi", "kokoro", 1.0)
    assert exchange.at.replace(tzinfo=None) == datetime(2025, 6, 30, 23, 6, 16, 511898)  # noqa: DTZ001 - as it is there


def test_what_was_not_heard_is_the_rest_of_what_was_meant() -> None:
    exchange = parsed(
        b'{"timestamp": "2026-01-01T00:00:00Z", "type": "tts", "text": "One", "metadata":'
        b'{"intended": "One two three."}}'
    )
    assert exchange is not None
    assert exchange.unheard == "two three."
