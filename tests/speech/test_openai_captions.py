"""Kokoro's captions: which words of the text are said when, however the engine says them."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from actors.errors import ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import Synthesis, WordTime
from tests.speech.coded import coded
from tests.speech.speech_server import Reply, hang, refusal, streamed, tone, wav, whole
from tests.speech.test_openai_tts import said, voicing
from voicemode.speech.caption_words import CaptionWords
from voicemode.speech.captioned_speech import Captions, SaidWord, may_caption
from voicemode.speech.speech_body import NotSpeech

KOKORO = "?voice=af_sky"


def line(sound: bytes, *words: tuple[str, float, float]) -> bytes:
    timestamps = [{"word": word, "start_time": begin, "end_time": end} for word, begin, end in words]
    audio = base64.b64encode(sound).decode()
    return json.dumps({"audio": audio, "audio_format": "audio/pcm", "timestamps": timestamps}).encode() + b"\n"


def captions(*lines: bytes) -> Reply:
    return streamed(*lines, kind="application/json")


HELLO = line(tone(0.5), ("Hello", 0.0, 0.4), (",", 0.4, 0.5))
THERE = line(tone(0.5), ("there", 0.5, 0.9), (".", 0.9, 1.0))


def words_of(parts: Sequence[Synthesis]) -> list[tuple[int, int, float, float]]:
    return [(word.start, word.end, word.begin, word.finish) for part in parts for word in part.words]


async def test_sound_comes_with_the_words_that_begin_in_it() -> None:
    async with voicing(captions(HELLO, THERE), choices=KOKORO) as (engine, server):
        parts = await said(engine, "Hello, there.")
    assert b"".join(part.pcm for part in parts) == tone(0.5) * 2
    assert words_of(parts) == [(0, 6, 0.0, 0.4), (7, 13, 0.5, 0.9)]
    at = 0.0
    for part in parts:
        end = at + len(part.pcm) / 48_000
        assert all(at <= word.begin < end for word in part.words)
        at = end
    (asked,) = server.asked
    assert asked.line == "POST /dev/captioned_speech"
    assert asked.json == {
        "model": "tts-1",
        "input": "Hello, there.",
        "voice": "af_sky",
        "response_format": "pcm",
        "stream": True,
        "return_timestamps": True,
    }


@pytest.mark.parametrize("sound", [wav(tone(0.5), 24_000), coded("MP3"), coded("FLAC")])
async def test_the_sound_may_be_of_any_kind_and_cut_anywhere(sound: bytes) -> None:
    lines = line(sound[:50]) + line(sound[50:3000], ("Hello", 0.1, 0.3)) + line(sound[3000:])
    async with voicing(captions(lines[:70], lines[70:]), choices=KOKORO) as (engine, _):
        parts = await said(engine, "Hello.")
    assert sum(len(part.pcm) for part in parts) >= len(tone(0.5))
    assert words_of(parts) == [(0, 6, 0.1, 0.3)]


async def test_one_whole_answer_is_read_too() -> None:
    async with voicing(whole(HELLO.strip()), choices=KOKORO) as (engine, _):
        assert words_of(await said(engine, "Hello,")) == [(0, 6, 0.0, 0.4)]


@pytest.mark.parametrize("times", [b"null", b"[]", b'[{"word": "Hello", "start_time": 2, "end_time": 1}]'])
async def test_a_language_without_word_times_is_heard_without(times: bytes) -> None:
    answer = HELLO[: HELLO.index(b"[")] + times + b"}\n"
    async with voicing(captions(answer), choices=KOKORO) as (engine, _):
        parts = await said(engine, "Hello,")
    assert b"".join(part.pcm for part in parts) == tone(0.5)
    assert words_of(parts) == []


async def test_words_beyond_the_sound_end_with_it() -> None:
    answer = line(tone(0.25), ("Hello", 0.0, 0.2), ("there", 0.4, 0.8))
    async with voicing(captions(answer), choices=KOKORO) as (engine, _):
        parts = await said(engine, "Hello there")
    assert words_of(parts) == [(0, 5, 0.0, 0.2), (6, 11, 0.25, 0.25)]


async def test_without_captions_the_usual_speech_is_asked_for_from_then_on() -> None:
    async with voicing(refusal("404 Not Found", "Not Found"), choices=KOKORO) as (engine, server):
        for _ in range(2):
            parts = await said(engine, "Hello there.")
            assert parts
            assert not words_of(parts)
    assert [asked.line.split()[1] for asked in server.asked] == [
        "/dev/captioned_speech",
        "/v1/audio/speech",
        "/v1/audio/speech",
    ]
    assert "return_timestamps" not in server.asked[1].json
    assert server.connections == 1


async def test_only_kokoro_is_asked_for_captions() -> None:
    assert may_caption("kokoro", "alloy")
    assert may_caption("tts-1", "af_sky+bf_emma")
    assert not may_caption("tts-1", "alloy")
    async with voicing() as (engine, server):
        await said(engine)
        await said(engine, voice="am_adam")
    assert [asked.line for asked in server.asked] == ["POST /v1/audio/speech", "POST /dev/captioned_speech"]


async def test_captions_can_be_chosen_and_left_away() -> None:
    async with voicing(captions(HELLO), choices="?captions=yes") as (engine, server):
        assert words_of(await said(engine, "Hello,"))
    async with voicing(choices="?captions=no&voice=af_sky") as (engine, server):
        await said(engine)
    assert server.asked[0].line == "POST /v1/audio/speech"
    with pytest.raises(SettingsError, match="'yes' or 'no', not 'maybe'"):
        async with voicing(choices="?captions=maybe"):
            pass


async def test_sound_without_captions_is_heard_all_the_same() -> None:
    async with voicing(whole(wav(tone(0.2), 24_000), "audio/wav"), choices=KOKORO) as (engine, _):
        parts = await said(engine)
    assert b"".join(part.pcm for part in parts) == tone(0.2)


async def test_other_failures_are_failures() -> None:
    async with voicing(refusal("400 Bad Request", "Voice 'af_sky' not found"), choices=KOKORO) as (engine, _):
        with pytest.raises(ProviderRefused, match="af_sky"):
            await said(engine)
    async with voicing(refusal("500 Internal Server Error", "CUDA"), choices=KOKORO) as (engine, _):
        with pytest.raises(ProviderUnavailable, match="CUDA"):
            await said(engine)
    for answer in (b"no", b'{"detail": "no voice"}', b'{"audio": 7}', b'{"audio": "', b'{"audio": "AA=="'):
        async with voicing(whole(answer), choices=KOKORO) as (engine, _):
            with pytest.raises(ProviderUnavailable, match="no speech") as raised:
                await said(engine)
            assert raised.value.code == "not_speech"
    async with voicing(captions(line(b"")), choices=KOKORO) as (engine, _):
        with pytest.raises(ProviderUnavailable, match="no sound at all"):
            await said(engine)


async def test_what_was_made_before_the_captions_broke_off_has_been_handed_on() -> None:
    async with voicing(streamed(HELLO, THERE[:40], kind="application/json", ends=False), choices=KOKORO) as (engine, _):
        heard: list[Synthesis] = []
        with pytest.raises(ProviderUnavailable, match="broke off"):
            async with engine.speak("Hello, there.") as parts:
                async for part in parts:
                    heard.append(part)
    assert b"".join(part.pcm for part in heard) == tone(0.5)
    assert words_of(heard) == [(0, 6, 0.0, 0.4)]


async def test_whoever_stops_listening_leaves_the_server_at_once() -> None:
    async with voicing(hang, choices=KOKORO) as (engine, server):
        async with engine.speak("Hello."):
            await server.was_asked.wait()
        await server.left.wait()


def test_a_line_without_an_end_is_given_up() -> None:
    reading = Captions()
    with pytest.raises(NotSpeech, match="without an end"):
        for _ in range(100):
            list(reading.feed(b"x" * (1 << 20)))


def at(text: str) -> list[SaidWord]:
    """Each word of ``text`` takes a second."""
    return [SaidWord(word, float(index), float(index + 1)) for index, word in enumerate(text.split())]


def spans(text: str, words: Sequence[WordTime]) -> list[tuple[str, float, float]]:
    return [(text[word.start : word.end], word.begin, word.finish) for word in words]


def found(text: str, *spoken: str) -> list[tuple[str, float, float]]:
    words = CaptionWords(text)
    all_said = at(" ".join(spoken))
    given: list[WordTime] = []
    for part in spoken:
        given += words.add(all_said[: len(part.split())])
        del all_said[: len(part.split())]
    return spans(text, [*given, *words.end()])


@pytest.mark.parametrize(
    ("text", "spoken", "expected"),
    [
        ("Hello there.", "Hello there .", [("Hello", 0, 1), ("there.", 1, 2)]),
        ("  Hi, you!", "Hi , you !", [("  Hi,", 0, 1), ("you!", 2, 3)]),
        ("I owe $5 now", "I owe five dollars now", [("I", 0, 1), ("owe", 1, 2), ("$5", 2, 4), ("now", 4, 5)]),
        ("It is 10:45.", "It is ten forty five", [("It", 0, 1), ("is", 1, 2), ("10:45.", 2, 5)]),
        ("Don\u2019t go", "Do n't go", [("Don\u2019t", 0, 2), ("go", 2, 3)]),
        ("A half-hour ago", "A half-hour ago", [("A", 0, 1), ("half-hour", 1, 2), ("ago", 2, 3)]),
        (
            "say \u201cyes\u201d (or no)",
            "say yes or no",
            [("say", 0, 1), ("\u201cyes\u201d", 1, 2), ("(or", 2, 3), ("no)", 3, 4)],
        ),
        ("one two three four", "one three four", [("one two", 0, 1), ("three", 1, 2), ("four", 2, 3)]),
        ("one two", "one two and more", [("one", 0, 1), ("two", 1, 4)]),
        ("Nothing alike", "quite other words here", [("Nothing alike", 0, 4)]),
        ("Hello", "", []),
        ("...", "hm", []),
        ("one", "well one", [("one", 1, 2)]),
    ],
)
def test_words_are_found_where_they_stand(text: str, spoken: str, expected: list[tuple[str, float, float]]) -> None:
    assert found(text, spoken) == expected


def test_words_that_come_bit_by_bit_are_found_as_soon_as_their_place_is_certain() -> None:
    text = "I have $5 now. I have five now."
    words = CaptionWords(text)
    said = at("I have five dollars now I have five now")
    first = words.add(said[:5])
    assert all(word.end <= text.index("now") + 4 for word in first)
    rest = words.add(said[5:])
    assert spans(text, [*first, *rest, *words.end()]) == [
        ("I", 0, 1),
        ("have", 1, 2),
        ("$5", 2, 4),
        ("now.", 4, 5),
        ("I", 5, 6),
        ("have", 6, 7),
        ("five", 7, 8),
        ("now.", 8, 9),
    ]


def test_an_anchor_far_away_is_none() -> None:
    assert found("The cat sat on the mat and slept", "slept") == []


@given(
    st.lists(st.sampled_from("the cat $5 10 Dr. sat, don't \u2014 \u201cyes\u201d".split()), max_size=12).map(" ".join),
    st.lists(st.sampled_from("the cat five dollars ten doctor sat do n't yes .".split()), max_size=16),
    st.integers(0, 16),
)
def test_words_are_always_in_order_and_within_the_text(text: str, spoken: list[str], cut: int) -> None:
    words = CaptionWords(text)
    said = at(" ".join(spoken))
    times = [*words.add(said[:cut]), *words.add(said[cut:]), *words.end()]
    for word in times:
        assert 0 <= word.start < word.end <= len(text)
        assert 0 <= word.begin <= word.finish <= len(said)
    for word, following in itertools.pairwise(times):
        assert word.end <= following.start
        assert word.finish <= following.begin
