"""Endpoints that fail in every way they do: one sentence for a person, the class that failover goes by, no secrets."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from attrs import frozen
from hypothesis import given, strategies as st

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable
from tests.speech.speech_server import (
    Reply,
    endless,
    hang,
    hang_up,
    refusal,
    serving,
    stalled,
    streamed,
    tone,
    wav,
    whole,
)
from voicemode.speech.endpoint import Patience
from voicemode.speech.endpoint_faults import QUOTED, fault_of, quoted, retry_after_of, words_of
from voicemode.speech.endpoint_name import RECOGNISERS, VOICES, EndpointName
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.openai_tts import OpenAIVoice

KEY = "sk-Zq8vXw3TnB5kPd7R"
KEYS = {"VOICEMODE_STT_KEY": KEY, "VOICEMODE_TTS_KEY": KEY}
LONG, SOON = Patience(), Patience(first_byte=0.05, between=0.05)
UTTERANCE = tone(0.5, 16_000)


async def hear(url: str, patience: Patience = LONG) -> str:
    name = EndpointName.parse(url, RECOGNISERS)
    assert name is not None
    engine = await OpenAIRecogniser.open(name, environment=KEYS, patience=patience, per_second=0.02)
    try:
        return (await engine.transcribe(UTTERANCE, 16_000)).text
    finally:
        await engine.aclose()


async def listen(url: str, patience: Patience = LONG) -> str:
    """As ``hear``, and the sound is sent while it comes."""
    name = EndpointName.parse(f"{url}?upload=live", RECOGNISERS)
    assert name is not None
    engine = await OpenAIRecogniser.open(name, environment=KEYS, patience=patience, per_second=0.02)
    try:
        async with engine.listen(16_000) as hearing:
            hearing.write(UTTERANCE)
            return (await hearing.finish()).text
    finally:
        await engine.aclose()


async def say(url: str, patience: Patience = LONG, heard: list[bytes] | None = None, **options: Any) -> None:
    name = EndpointName.parse(url, VOICES)
    assert name is not None
    engine = await OpenAIVoice.open(name, environment=KEYS, patience=patience, **options)
    try:
        async with engine.speak("Hello.") as parts:
            async for part in parts:
                if heard is not None:
                    heard.append(part.pcm)
    finally:
        await engine.aclose()


Use = Callable[..., Awaitable[object]]


@frozen
class Expected:
    reply: Reply
    kind: type[ProviderError]
    code: str
    said: str
    retryable: bool


def unavailable(reply: Reply, code: str, said: str, retryable: bool = True) -> Expected:
    return Expected(reply, ProviderUnavailable, code, said, retryable)


def refused(reply: Reply, code: str, said: str) -> Expected:
    return Expected(reply, ProviderRefused, code, said, False)


BOTH: dict[str, Expected] = {
    "a crash": unavailable(refusal("500 Internal Server Error", "out of memory"), "failed", r"\(500\): out of memory"),
    "a page for a crash": unavailable(whole(b"<html>", "text/html", "502 Bad Gateway"), "failed", r"failed \(502\)\."),
    "not ready": unavailable(refusal("503 Service Unavailable", "loading"), "busy", "not ready.*loading"),
    "too much to do": unavailable(refusal("429 Too Many Requests", "slow down"), "busy", "too much to do.*slow down"),
    "too slow for it": unavailable(refusal("408 Request Timeout", ""), "timeout", "408"),
    "a wrong key": refused(
        refusal("401 Unauthorized", f"Bad key {KEY[:6]}***{KEY[-4:]}"), "unauthorized", "STT_KEY right|TTS_KEY right"
    ),
    "a key for less": refused(
        refusal("403 Forbidden", "not this model"), "unauthorized", r"\(403\): not this model\. Is the key"
    ),
    "no such model": refused(refusal("404 Not Found", "model not found"), "not_found", "model not found"),
    "too much at once": refused(refusal("413 Content Too Large", ""), "too_long", "413"),
    "another format": refused(refusal("415 Unsupported Media Type", "no wave"), "format", "no wave"),
    "a detail": refused(whole(b'{"detail": [{"msg": "odd"}]}', status="422 What"), "refused", "odd"),
    "a key in return": refused(refusal("400 Bad Request", f"you sent Bearer {KEY}"), "refused", "you sent Bearer …"),
    "a long story": refused(refusal("400 Bad Request", "word " * 500), "refused", "word word"),
    "a refusal cut short": refused(whole(b"bad", "text/plain", "400 Bad", missing=5), "refused", "bad"),
    "another address": refused(
        whole(b"", "text/html", "307 Temporary Redirect", "Location: https://other/v1"), "moved", "https://other/v1"
    ),
    "nothing said": unavailable(hang, "timeout", "said nothing"),
    "hung up": unavailable(hang_up, "died", "hung up"),
}

STT: dict[str, Expected] = {
    "a stall after the head": unavailable(stalled("application/json"), "timeout", "said nothing"),
    "a body cut short": unavailable(whole(b'{"text": "Hel', missing=8), "died", "broke off"),
    "a stream cut short": unavailable(streamed(b'{"text"', kind="application/json", ends=False), "died", "broke off"),
    "broken JSON": unavailable(whole(b'{"text": "Hel'), "no_transcript", "broken JSON", False),
    "deep JSON": unavailable(whole(b'{"text":' + b"[" * 60_000), "no_transcript", "JSON", False),
    "no JSON": unavailable(whole(b"", "application/json"), "no_transcript", "broken JSON", False),
    "other JSON": unavailable(whole(b'{"error": "no model"}'), "no_transcript", r"another kind \(no model\)", False),
    "a page": unavailable(whole(b"<html>", "text/html"), "no_transcript", "a page", False),
    "sound": unavailable(whole(b"RIFF", "audio/wav"), "no_transcript", "audio/wav", False),
    "an endless transcript": unavailable(
        endless(b"word " * 9999, "text/plain"), "no_transcript", "without an end", False
    ),
}

TTS: dict[str, Expected] = {
    "a stall after the head": unavailable(stalled("audio/pcm"), "timeout", "said nothing"),
    "a body cut short": unavailable(whole(tone(0.1), "audio/pcm", missing=9), "died", "broke off"),
    "a stream cut short": unavailable(streamed(tone(0.1), ends=False), "died", "broke off"),
    "no sound": unavailable(whole(b"", "audio/pcm"), "empty", "no sound at all"),
    "WAV without sound": unavailable(whole(wav(b"", 24_000), "audio/wav"), "empty", "no sound at all"),
    "MP3": unavailable(whole(b"ID3\4" + bytes(99), "audio/mpeg"), "not_speech", "but MP3", False),
    "MP3 called raw": unavailable(whole(b"ID3\4" + bytes(99), "audio/pcm"), "not_speech", "but MP3", False),
    "a page": unavailable(whole(b"<!doctype html>", "text/html"), "not_speech", "but a page", False),
    "a page called sound": unavailable(whole(b"<!doctype html>", "audio/pcm"), "not_speech", "but a page", False),
    "JSON": unavailable(whole(b'{"error": {"message": "no voice"}}'), "not_speech", r"JSON \(no voice\)", False),
    "broken JSON": unavailable(whole(b'{"err'), "not_speech", "but JSON", False),
    "sound of 24 bits": unavailable(whole(wav(b"", 24_000, bits=24), "audio/wav"), "not_speech", "24 bits", False),
}

CASES = [
    *(
        pytest.param(use, case, id=f"{use.__name__}: {name}")
        for use in (hear, listen, say)
        for name, case in BOTH.items()
    ),
    *(pytest.param(use, case, id=f"{use.__name__}: {name}") for use in (hear, listen) for name, case in STT.items()),
    *(pytest.param(say, case, id=f"say: {name}") for name, case in TTS.items()),
]


@pytest.mark.parametrize(("use", "expected"), CASES)
async def test_what_goes_wrong_is_one_sentence_without_secrets(
    use: Use, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # what may be about how the sound was sent is asked twice
    async with serving(expected.reply, expected.reply) as server:
        with trio.fail_after(5), pytest.raises(expected.kind, match=expected.said) as raised:
            await use(server.url, SOON if expected.said == "said nothing" else LONG)
        error = raised.value
        assert (error.code, error.retryable, error.provider) == (expected.code, expected.retryable, server.url)
        assert str(error).startswith(server.url)
        assert len(str(error)) < len(server.url) + QUOTED + 120
        everything = "".join(traceback.format_exception(error)) + caplog.text
        assert not [KEY[at : at + 6] for at in range(len(KEY) - 5) if KEY[at : at + 6] in everything]


@pytest.mark.parametrize("use", [hear, listen, say])
async def test_nobody_there_is_told_as_such(use: Use) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://me:hidden@127.0.0.1:{reserved.getsockname()[1]}/v1"
        with pytest.raises(ProviderUnavailable, match="cannot be reached") as raised:
            await use(url)
    assert (raised.value.code, raised.value.retryable) == ("unreachable", True)
    assert "hidden" not in str(raised.value)


async def test_a_name_that_leads_nowhere_is_told_as_such() -> None:
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        await hear("http://speech.invalid/v1", Patience(connect=5.0, first_byte=5.0))


async def test_a_connection_that_is_never_made_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: object, **__: object) -> trio.SocketStream:
        return await trio.sleep_forever()

    monkeypatch.setattr(trio, "open_tcp_stream", connect)
    with pytest.raises(ProviderUnavailable, match=r"no connection after 0\.02 s") as raised:
        await hear("http://127.0.0.1:9/v1", Patience(connect=0.02, first_byte=5.0))
    assert raised.value.code == "timeout"


@pytest.mark.parametrize("use", [hear, listen, say])
async def test_a_server_that_speaks_no_tls_is_not_trusted(use: Use) -> None:
    async def speak_plainly(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, speak_plainly, 0)
        url = f"https://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1"
        with pytest.raises(ProviderUnavailable, match=r"cannot be trusted.*no TLS") as raised:
            await use(url)
        nursery.cancel_scope.cancel()
    assert (raised.value.code, raised.value.retryable) == ("untrusted", False)


@pytest.mark.parametrize("use", [hear, listen, say])
async def test_a_server_asks_to_be_left_alone_for_a_while(use: Use) -> None:
    for status in ("429 Too Many Requests", "503 Service Unavailable"):
        async with serving(refusal(status, "busy", "Retry-After: 7")) as server:
            with pytest.raises(ProviderUnavailable) as raised:
                await use(server.url)
        assert raised.value.retry_after == 7.0


async def test_what_came_before_a_death_has_been_handed_on() -> None:
    heard: list[bytes] = []
    async with serving(streamed(tone(0.2), tone(0.3), ends=False)) as server:
        with pytest.raises(ProviderUnavailable, match="broke off"):
            await say(server.url, heard=heard)
    assert b"".join(heard) == tone(0.2) + tone(0.3)


async def test_a_stall_in_the_middle_is_given_up_in_time() -> None:
    async def before(index: int) -> None:
        if index == 1:
            await trio.sleep_forever()

    heard: list[bytes] = []
    async with serving(streamed(tone(0.2), tone(0.3), before=before)) as server:
        with pytest.raises(ProviderUnavailable, match=r"said nothing for 0\.05 s"):
            await say(server.url, Patience(between=0.05), heard=heard)
        await server.left.wait()
    assert b"".join(heard) == tone(0.2)


async def test_a_trickle_is_heard_to_its_end() -> None:
    sound = tone(0.01)
    heard: list[bytes] = []
    async with serving(streamed(*(sound[at : at + 3] for at in range(0, len(sound), 3)))) as server:
        await say(server.url, heard=heard)
    assert b"".join(heard) == sound


async def test_a_trickle_of_a_transcript_has_to_end_in_time() -> None:
    async def before(_: int) -> None:
        await trio.sleep(0.02)

    async with serving(streamed(*[b" "] * 1000, kind="application/json", before=before)) as server:
        with trio.fail_after(2), pytest.raises(ProviderUnavailable, match="said nothing"):
            await hear(server.url, SOON)


async def test_sound_without_an_end_is_stopped() -> None:
    heard: list[bytes] = []
    async with serving(endless(tone(0.1))) as server:
        with pytest.raises(ProviderUnavailable, match="went on after 2 s") as raised:
            await say(server.url, heard=heard, longest=2.0)
        await server.left.wait()
    assert raised.value.code == "endless"
    assert 2.0 <= sum(map(len, heard)) / 48_000 < 4.0


async def test_longer_speech_has_longer_to_be_transcribed() -> None:
    async def slowly(stream: trio.SocketStream) -> None:
        await trio.sleep(0.2)
        await whole(b'{"text": "Hello."}')(stream)

    async with serving(slowly, hang) as server:
        name = EndpointName.parse(server.url, RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={}, patience=SOON, per_second=1.0)
        assert (await engine.transcribe(tone(5.0, 16_000), 16_000)).text == "Hello."
        with pytest.raises(ProviderUnavailable, match="said nothing"):
            await engine.transcribe(tone(0.1, 16_000), 16_000)
        await engine.aclose()


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"error": {"message": "no", "type": "x"}}', "application/json", "no"),
        (b'{"error": "no"}', "application/json", "no"),
        (b'{"detail": {"error": "validation_error", "message": "no"}}', "application/json", "no"),
        (b'{"detail": [{"loc": ["body"], "msg": "no"}, {"msg": "never"}]}', "application/json", "no; never"),
        (b'{"object": "error"}', "application/json", ""),
        (b"[" * 50_000, "application/json", "[" * 50_000),
        (b"no", "text/plain", "no"),
        (b"<html>no</html>", "", ""),
        (b"no", "text/html", ""),
        (b"", "", ""),
    ],
)
def test_the_servers_words_are_found_where_servers_put_them(body: bytes, kind: str, words: str) -> None:
    assert words_of(body, kind) == words


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37.0),
        ("Sun, 06 Nov 1994 08:48:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_how_long_to_wait_is_seconds_or_a_date(field: str, seconds: float | None) -> None:
    assert retry_after_of(field, datetime(1994, 11, 6, 8, 49, tzinfo=UTC)) == seconds


def test_every_status_has_its_class() -> None:
    absent = {status for status in range(300, 600) if fault_of(status).absent}
    assert absent == {408, 429, *range(500, 600)}


@given(st.text(), st.text(alphabet="abcdefgh", min_size=6, max_size=12))
def test_quoted_words_are_short_and_show_no_secret(words: str, secret: str) -> None:
    shown = quoted(f"{words} {secret} x{secret[1:]}", (secret, None))
    assert len(shown) <= QUOTED
    assert secret not in shown
    assert secret[1:] not in shown
    assert shown.isprintable()


async def test_where_no_key_was_sent_none_was_wrong() -> None:
    async with serving(refusal("401 Unauthorized", "Incorrect API key provided: sk-proj-Ab12Cd34Ef56Gh78.")) as server:
        name = EndpointName.parse(server.url, RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={})
        try:
            with pytest.raises(ProviderRefused) as failed:
                await engine.transcribe(UTTERANCE, 16_000)
        finally:
            await engine.aclose()
    assert str(failed.value) == (
        f"{server.url} asks for a key (401), and none was sent: Incorrect API key provided: …. Set VOICEMODE_STT_KEY."
    )


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-Ab12Cd34Ef56Gh78",
        "sk-abcd****wxyz",
        "key=hf_AbCdEfGhIjKl",
        "'gsk_1234567890'",
        "AIzaSyA1234567890",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0.c2ln",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_what_looks_like_a_key_is_never_quoted(key: str) -> None:
    assert quoted(f"this {key} is no good", ()) == "this … is no good"


@pytest.mark.parametrize(
    "word",
    [
        "whisper-large-v3-turbo",
        "Systran/faster-whisper-large-v3",
        "http://127.0.0.1:2022/v1/audio/transcriptions",
        "gpt-4o-mini-transcribe-2025-12-15",
        "response_format",
        "verbose_json",
        "task-specific",
        "2f1e6c1a-7d8b-4b7e-9b0a-0f3c1d2e4a5b",
    ],
)
def test_what_an_endpoint_says_of_models_and_addresses_is_quoted(word: str) -> None:
    assert quoted(f"no {word} here", ()) == f"no {word} here"


async def test_what_became_of_a_connection_that_was_kept_is_told_with_the_second_failure() -> None:
    async with serving(whole(b'{"text": "Hello."}'), hang_up, hang_up) as server:
        name = EndpointName.parse(server.url, RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={})
        try:
            assert (await engine.transcribe(UTTERANCE, 16_000)).text == "Hello."
            with pytest.raises(ProviderUnavailable) as failed:
                await engine.transcribe(UTTERANCE, 16_000)
        finally:
            await engine.aclose()
    assert failed.value.code == "died"
    assert "kept, and when it was asked again hung up without an answer." in str(failed.value)
