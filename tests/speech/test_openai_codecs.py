"""Coded sound in a voice's answer: heard while it comes, whatever it is called."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise
from random import Random

import numpy as np
import pytest
import trio
from hypothesis import given, settings, strategies as st

from tests.speech.coded import SECONDS, TYPES, coded
from tests.speech.speech_server import refusal, streamed, tone, whole
from tests.speech.test_openai_tts import sound, voicing
from voicemode.speech import decoders
from voicemode.speech.mpeg_frames import frame_at, frames_of
from voicemode.speech.speech_body import NotSpeech, SpeechBody

RATE = 24_000


async def heard(content_type: str, *parts: bytes, into: list[bytes] | None = None) -> bytes:
    pieces = [] if into is None else into
    async with SpeechBody.open(content_type, RATE) as body:
        for part in parts:
            pieces.extend(await body.feed(part))
        pieces.extend(await body.end())
    return b"".join(pieces)


def is_the_tone(pcm: bytes, seconds: float) -> bool:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    middle = samples[RATE // 4 : RATE // 4 + RATE]
    return abs(len(samples) / RATE - seconds) < 0.1 and np.abs(np.fft.rfft(middle)).argmax() == 440


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("label", ["its own", "audio/mpeg", "audio/pcm", "application/octet-stream", ""])
async def test_it_is_taken_for_what_it_is_whatever_it_is_called(kind: str, label: str) -> None:
    body = coded(kind)
    assert is_the_tone(await heard(TYPES[kind] if label == "its own" else label, body), SECONDS)


@pytest.mark.parametrize("kind", [*TYPES, "Vorbis"])
async def test_however_it_is_cut_the_sound_is_the_same(kind: str) -> None:
    body = coded(kind)
    at_once = await heard("", body)
    for seed in range(4):
        cuts = sorted(Random(seed).sample(range(len(body)), 40))
        parts = [body[start:end] for start, end in pairwise([0, *cuts, len(body)])]
        assert await heard("", *parts) == at_once


@pytest.mark.parametrize("kind", ["MP3", "FLAC"])
async def test_other_rates_and_two_channels_are_converted(kind: str) -> None:
    assert is_the_tone(await heard(TYPES[kind], coded(kind, rate=44_100, channels=2)), SECONDS)


@pytest.mark.parametrize(("kind", "share"), [("MP3", 0.2), ("FLAC", 0.2), ("Opus", 0.7), ("AAC", 0.1)])
async def test_sound_is_heard_long_before_the_last_of_it_has_come(kind: str, share: float) -> None:
    body = coded(kind)
    async with SpeechBody.open("", RATE) as coming:
        begin = list(await coming.feed(body[: int(share * len(body))]))
    assert any(begin)


@pytest.mark.parametrize("kind", TYPES)
async def test_what_is_cut_off_is_heard_as_far_as_it_goes(kind: str) -> None:
    body = coded(kind)
    pieces: list[bytes] = []
    with suppress(NotSpeech):
        await heard("", body[: int(0.7 * len(body))], into=pieces)
    most = b"".join(pieces)
    assert 0.2 * SECONDS < len(most) / (2 * RATE) < SECONDS
    assert (await heard("", body)).startswith(most[: RATE // 2])


@pytest.mark.parametrize("kind", ["MP3", "FLAC", "AAC"])
async def test_what_goes_wrong_later_is_told_after_what_was_heard(kind: str) -> None:
    body = coded(kind)
    middle = len(body) // 2
    pieces: list[bytes] = []
    with pytest.raises(NotSpeech, match=f"{kind} that is broken"):
        await heard("", body[:middle] + Random(1).randbytes(20_000), into=pieces)
    assert len(b"".join(pieces)) > RATE // 4


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"fLaC" + Random(1).randbytes(5_000), "FLAC"),
        (b"OggS" + Random(1).randbytes(5_000), "Ogg"),
        (b"ID3\4\0\0\0\0\0\0" + Random(1).randbytes(5_000), "MP3"),
        (b"ID3", "MP3"),
        (b"fLaC", "FLAC"),
        (b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(5 << 20), "4 MB without a sound"),
    ],
)
async def test_what_only_begins_like_sound_is_named(body: bytes, what: str) -> None:
    with pytest.raises(NotSpeech, match=what):
        await heard("", *(body[at : at + 65_536] for at in range(0, len(body), 65_536)))


async def test_whoever_stops_listening_leaves_no_decoder_behind() -> None:
    async with SpeechBody.open("", RATE) as coming:
        await coming.feed(coded("MP3")[:2000])
    async with SpeechBody.open("", RATE) as coming:
        await coming.feed(coded("AAC")[:9])
    with trio.CancelScope() as scope:
        async with SpeechBody.open("", RATE) as coming:
            scope.cancel()
            await coming.feed(coded("FLAC"))
    assert scope.cancelled_caught


async def test_without_ffmpeg_aac_says_what_to_install_and_opus_is_heard_when_it_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoders, "has_ffmpeg", lambda: False)
    with pytest.raises(NotSpeech, match=r"AAC.*pip install 'voicemode\[codecs\]'"):
        await heard("audio/aac", coded("AAC"))
    body = coded("Opus")
    assert is_the_tone(await heard("audio/ogg", body[:5000], body[5000:]), SECONDS)
    with pytest.raises(NotSpeech, match="Ogg that is broken"):
        await heard("audio/ogg", b"OggS" + os.urandom(5_000))


async def test_mpg123_has_nothing_to_complain_about(capfd: pytest.CaptureFixture[str]) -> None:
    body = coded("MP3")
    assert b"Xing" in body[:64]
    await heard("audio/mpeg", *(body[at : at + 500] for at in range(0, len(body), 500)))
    assert capfd.readouterr().err == ""


async def test_an_endpoint_is_asked_for_one_format_after_the_other() -> None:
    no = refusal("400 Bad Request", "response_format must be mp3")
    mp3 = whole(coded("MP3"), "audio/mpeg")
    async with voicing(no, no, no, mp3, mp3) as (engine, server):
        assert is_the_tone(await sound(engine), SECONDS)
        assert is_the_tone(await sound(engine), SECONDS)
    assert [asked.json["response_format"] for asked in server.asked] == ["pcm", "wav", "flac", "mp3", "mp3"]


async def test_coded_sound_is_handed_on_before_the_rest_is_made() -> None:
    heard_some = trio.Event()

    async def before(index: int) -> None:
        if index == 1:
            await heard_some.wait()

    body = coded("MP3")
    answer = streamed(body[:2000], body[2000:], kind="audio/mpeg", before=before)
    async with voicing(answer) as (engine, _), engine.speak("Hello.") as parts:
        assert (await parts.receive()).pcm
        heard_some.set()
        assert [part async for part in parts]


def test_one_head_of_a_frame_may_be_chance_and_two_are_not() -> None:
    frame = b"\xff\xf3\x84\xc4" + bytes(188)
    assert frame_at(frame) == ("MP3", 192)
    assert frames_of(frame + frame, whole=False) == "MP3"
    assert frames_of(frame, whole=False) == "undecided"
    assert frames_of(frame, whole=True) == "MP3"
    assert frames_of(frame + bytes(99), whole=False) is None
    assert frames_of(frame[:99], whole=True) is None


async def test_raw_samples_that_begin_like_mp3_are_raw_samples() -> None:
    pcm = b"\xff\xf3\x84\xc4" + tone(0.1)
    assert await heard("audio/pcm", *(pcm[at : at + 50] for at in range(0, len(pcm), 50))) == pcm
    assert await heard("audio/pcm", pcm[:90]) == pcm[:90]


@given(st.binary(max_size=40))
def test_heads_of_frames_are_looked_for_in_anything(data: bytes) -> None:
    found = frame_at(b"\xff" + data)
    assert found is None or found[1] > 7


@settings(max_examples=30)
@given(st.sampled_from(["MP3", "FLAC", "AAC", "Opus"]), st.integers(0, 20_000), st.binary(min_size=1, max_size=200))
def test_damage_anywhere_ends_in_sound_or_a_name(kind: str, at: int, damage: bytes) -> None:
    body = coded(kind)
    at %= len(body)
    damaged = body[:at] + damage + body[at + len(damage) :]
    with suppress(NotSpeech):
        trio.run(heard, TYPES[kind], damaged)
