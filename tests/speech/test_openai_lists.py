"""What an endpoint is asked between the utterances: whether it is there, and what it has."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.ports import Probe
from tests.speech.speech_server import Reply, SpeechServer, hang, refusal, serving, stalled, whole
from voicemode.speech.endpoint import Patience
from voicemode.speech.endpoint_lists import names_in
from voicemode.speech.endpoint_name import RECOGNISERS, VOICES, EndpointName
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.openai_tts import OpenAIVoice

SOON = Patience(first_byte=0.05, between=0.05)


@asynccontextmanager
async def engines(
    *replies: Reply, patience: Patience | None = None
) -> AsyncGenerator[tuple[OpenAIVoice, OpenAIRecogniser, SpeechServer]]:
    async with serving(*replies) as server:
        speaking, hearing = EndpointName.parse(server.url, VOICES), EndpointName.parse(server.url, RECOGNISERS)
        assert speaking is not None
        assert hearing is not None
        voice = await OpenAIVoice.open(speaking, environment={}, patience=patience)
        recogniser = await OpenAIRecogniser.open(hearing, environment={}, patience=patience)
        try:
            yield voice, recogniser, server
        finally:
            await voice.aclose()
            await recogniser.aclose()


def listing(value: object) -> Reply:
    return whole(json.dumps(value).encode())


async def test_whoever_answers_is_there_also_with_a_refusal_and_keeps_the_connection() -> None:
    no = [refusal(f"{status} No", "no such thing") for status in (400, 404, 405, 429)]
    async with engines(listing({"data": []}), *no, whole(b"<html>", "text/html")) as (voice, _, server):
        probe: Probe = voice
        for _ in range(6):
            await probe.probe()
        assert {asked.line for asked in server.asked} == {"GET /v1/models"}
        async with voice.speak("Hello.") as parts:
            assert [part async for part in parts]
        assert server.connections == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_who_is_broken_is_not_there(status: int) -> None:
    async with engines(refusal(f"{status} Broken", "loading")) as (_, recogniser, _):
        with pytest.raises(ProviderUnavailable, match="loading"):
            await recogniser.probe()


@pytest.mark.parametrize("status", [401, 403])
async def test_who_does_not_accept_the_key_is_of_no_use(status: int) -> None:
    async with engines(refusal(f"{status} No", "who are you?")) as (_, recogniser, _):
        with pytest.raises(ProviderRefused) as raised:
            await recogniser.probe()
    assert raised.value.code == "unauthorized"


@pytest.mark.parametrize("reply", [hang, stalled("application/json")])
async def test_who_says_nothing_is_not_there(reply: Reply) -> None:
    async with engines(reply, patience=SOON) as (_, recogniser, _):
        with pytest.raises(ProviderUnavailable, match="said nothing"):
            await recogniser.probe()


async def test_nobody_is_not_there() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        name = EndpointName.parse(f"http://127.0.0.1:{reserved.getsockname()[1]}/v1", VOICES)
        assert name is not None
        engine = await OpenAIVoice.open(name, environment={})
        with pytest.raises(ProviderUnavailable, match="cannot be reached"):
            await engine.probe()
        await engine.aclose()


async def test_models_and_voices_come_from_the_service() -> None:
    models = listing({"object": "list", "data": [{"id": "kokoro"}, {"id": "tts-1"}]})
    async with engines(models, listing({"voices": ["af_sky", "bf_emma"]})) as (voice, _, server):
        assert await voice.models() == ("kokoro", "tts-1")
        assert await voice.voices() == ("af_sky", "bf_emma")
    assert [asked.line for asked in server.asked] == ["GET /v1/models", "GET /v1/audio/voices"]


async def test_a_service_that_does_not_list_what_it_has_lists_nothing() -> None:
    no = refusal("404 Not Found", "")
    async with engines(no, no, whole(b"OK", "text/plain")) as (voice, recogniser, _):
        assert await voice.voices() == ()
        assert await voice.models() == ()
        assert await recogniser.models() == ()


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"data": [{"id": "a", "name": "A"}, {"id": "b"}, {"id": "a"}]}, ("a", "b")),
        ({"voices": [{"voice_id": "a"}, {"name": "b"}, "c"]}, ("a", "b", "c")),
        ({"models": [{"name": "a"}, {"model": "b"}], "data": None}, ("a", "b")),
        (["a", "b", 3, None, {}, {"id": 7}], ("a", "b")),
        ({"voices": "a"}, ()),
        ("a", ()),
        (None, ()),
    ],
)
def test_names_are_found_where_services_put_them(said: object, names: tuple[str, ...]) -> None:
    assert names_in(json.dumps(said).encode()) == names


@pytest.mark.parametrize("body", [b"", b"[" * 50_000, b"\xff", b"<html>"])
def test_what_is_no_list_has_no_names(body: bytes) -> None:
    assert names_in(body) == ()
