"""The sound in a voice's answer: the same however it is cut, at any rate, and never something else played as sound."""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
import pytest
import trio
from hypothesis import given, strategies as st

from tests.speech.speech_server import tone, wav
from voicemode.speech.speech_body import NotSpeech, SpeechBody

SOUND = tone(0.1)
EXTENSIBLE = wav(SOUND, 24_000).replace(struct.pack("<4sIH", b"fmt ", 16, 1), struct.pack("<4sIH", b"fmt ", 40, 0xFFFE))
EXTENSIBLE = EXTENSIBLE[:36] + struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14) + EXTENSIBLE[36:]


def heard(content_type: str, *parts: bytes, rate: int = 24_000) -> bytes:
    pieces: list[bytes] = []

    async def hear() -> None:
        async with SpeechBody.open(content_type, rate) as body:
            for part in parts:
                pieces.extend(await body.feed(part))
            pieces.extend(await body.end())

    trio.run(hear)
    return b"".join(pieces)


BODIES = {
    "raw": ("audio/pcm", SOUND),
    "raw with its rate": ("audio/L16; rate=24000; channels=1", SOUND),
    "raw without a label": ("application/octet-stream", SOUND),
    "raw without any label": ("", SOUND),
    "WAV": ("audio/wav", wav(SOUND, 24_000)),
    "WAV under another name": ("audio/mpeg", wav(SOUND, 24_000)),
    "WAV called raw": ("audio/pcm", wav(SOUND, 24_000)),
    "WAV that does not know its length": ("audio/x-wav", wav(SOUND, 24_000, size=0xFFFFFFFF)),
    "WAV that says nothing of its length": ("audio/x-wav", wav(SOUND, 24_000, size=0)),
    "WAV with more in it": ("audio/wav", wav(SOUND, 24_000, before=b"LIST\x03\0\0\0abc\0") + b"LIST\4\0\0\0abcd"),
    "extensible WAV": ("audio/wav", EXTENSIBLE),
}


@pytest.mark.parametrize("name", BODIES)
def test_sound_is_taken_out_of_whatever_it_is_in(name: str) -> None:
    content_type, body = BODIES[name]
    assert heard(content_type, body) == SOUND
    assert heard(content_type, *(body[at : at + 1] for at in range(len(body)))) == SOUND


@given(st.sampled_from(sorted(BODIES)), st.lists(st.integers(0, 4_900), max_size=12))
def test_however_it_is_cut_the_sound_is_the_same(name: str, cuts: list[int]) -> None:
    content_type, body = BODIES[name]
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    assert heard(content_type, *(body[start:end] for start, end in pairwise(edges))) == SOUND


@given(st.lists(st.integers(0, 4_900), max_size=12))
def test_two_channels_are_mixed_down_however_they_are_cut(cuts: list[int]) -> None:
    left, right = np.full(600, 3_000, "<i2"), np.full(600, -1_000, "<i2")
    body = wav(np.stack([left, right], axis=1).tobytes(), 24_000, 2)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    sound = heard("audio/wav", *(body[start:end] for start, end in pairwise(edges)))
    assert sound == np.full(600, 1_000, "<i2").tobytes()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_another_rate_is_converted_and_the_length_kept(rate: int) -> None:
    for sound in (
        heard("audio/wav", wav(tone(0.5, rate), rate)),
        heard(f"audio/pcm;rate={rate}", tone(0.5, rate)),
        heard(f'audio/L16; channels=2; rate="{rate}"', tone(0.5, rate, 2)),
    ):
        samples = np.frombuffer(sound, "<i2").astype(float)
        assert len(samples) == 12_000
        assert np.abs(np.fft.rfft(samples)).argmax() == 220


async def test_pieces_are_short_however_much_comes_at_once() -> None:
    async with SpeechBody.open("audio/pcm", 24_000) as body:
        assert max(map(len, await body.feed(tone(10.0)))) <= 4_800


@pytest.mark.parametrize(
    ("content_type", "body", "what"),
    [
        ("audio/mpeg", b"\xff\xfb\x90\x64" + bytes(99), "MP3"),
        ("audio/pcm", b"ID3\4" + bytes(99), "MP3"),
        ("audio/ogg", b"OggS" + bytes(99), "Ogg"),
        ("", b"fLaC" + bytes(99), "FLAC"),
        ("audio/aac", b"\xff\xf1" + bytes(99), "AAC"),
        ("text/html; charset=utf-8", b"<html>", "a page"),
        ("audio/pcm", b" \n<!DOCTYPE html>", "a page"),
        ("audio/pcm", b'{"error": "no"}', "JSON"),
        ("application/json", b"{}", "JSON"),
        ("image/png", b"\x89PNG" + bytes(99), "something called image/png"),
        ("audio/wav", bytes(99), "something else under the name of WAV"),
        ("audio/wav", wav(b"", 24_000, bits=24), "WAV of 24 bits"),
        ("audio/wav", wav(b"", 24_000, 6), "6 channels"),
        ("audio/wav", wav(b"", 0), "sound at 0 Hz"),
        ("audio/pcm; rate=1", bytes(99), "sound at 1 Hz"),
        ("audio/wav", b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "does not say what is in it"),
        ("audio/wav", b"RIFF\0\0\0\0WAVEfmt \2\0\0\0ab", "a broken header"),
        ("audio/wav", b"RIFF\0\0\0\0WAVE" + b"JUNK\0\0\1\0" + bytes(1 << 17), "WAV without sound"),
        ("audio/wav", wav(b"", 24_000).replace(b"fmt \x10\0\0\0\1", b"fmt \x10\0\0\0\3"), "WAV of kind 3"),
    ],
)
def test_what_is_no_sound_is_named_and_not_played(content_type: str, body: bytes, what: str) -> None:
    with pytest.raises(NotSpeech, match=what):
        heard(content_type, body)


def test_a_body_of_a_few_bytes_is_a_few_samples() -> None:
    assert heard("audio/pcm", b"\1\0\2\0\3") == b"\1\0\2\0"
    assert heard("audio/pcm") == b""
