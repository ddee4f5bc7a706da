"""What is found on this machine: real sockets, at ports that only the test knows."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator

import pytest
import trio

from actors.messages import Service
from tests.speech.speech_server import Reply, SpeechServer, hang, hang_up, refusal, serving, whole
from voicemode import Settings
from voicemode.speech import discovery
from voicemode.speech.discovery import Found, Spot, look, look_at, spots_for
from voicemode.speech.offer import Offer

LONG = 10.0


def listing(*models: str) -> Reply:
    return whole(json.dumps({"object": "list", "data": [{"id": model} for model in models]}).encode())


def voices(*names: str) -> Reply:
    return whole(json.dumps({"voices": names}).encode())


def port_of(server: SpeechServer) -> int:
    return int(server.url.rpartition(":")[2].partition("/")[0])


@pytest.fixture
def closed() -> Generator[int]:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def test_services_are_looked_for_at_the_ports_of_the_settings() -> None:
    usual = (Spot(2022, ("stt",)), Spot(8880, ("tts",), lists=True), Spot(8890), Spot(8000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discovery, "USUAL", usual)
        assert spots_for(Settings()) == usual
        settings = Settings(whisper_port=1, kokoro_port=2, mlx_audio_port=3)
        assert spots_for(settings) == (Spot(1, ("stt",)), Spot(2, ("tts",), lists=True), Spot(3), Spot(8000))


async def test_nobody_is_found_at_a_closed_port(closed: int) -> None:
    assert await look(Spot(closed, ("stt",))) is None


async def test_a_service_is_found_with_its_models_and_voices() -> None:
    async with serving(listing("kokoro", "tts-1", "whisper-1"), voices("af_sky", "bf_emma")) as server:
        spot = Spot(port_of(server))
        found = await look(spot)
        offer = Offer(stt=("whisper-1",), tts=("kokoro", "tts-1"), voices=("af_sky", "bf_emma"))
        assert found == Found(spot, ("stt", "tts"), offer)
        assert [asked.line for asked in server.asked] == ["GET /v1/models", "GET /v1/audio/voices"]


async def test_no_key_goes_to_whoever_listens_at_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VOICEMODE_TTS_KEY", "VOICEMODE_STT_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "hush")
    async with serving(listing("tts-1"), voices("alloy")) as server:
        assert await look(Spot(port_of(server)))
        assert len(server.asked) == 2
        assert not any("authorization" in asked.headers for asked in server.asked)


async def test_a_service_that_lists_nothing_is_what_its_port_is_known_for() -> None:
    no = refusal("404 Not Found", "File Not Found (/v1/models)")
    async with serving(no, no) as server:
        assert await look(Spot(port_of(server), ("stt",))) == Found(Spot(port_of(server), ("stt",)), ("stt",), Offer())
        assert await look(Spot(port_of(server))) is None


async def test_a_service_for_something_else_is_none() -> None:
    async with serving(listing("llama-3", "nomic-embed-text")) as server:
        assert await look(Spot(port_of(server))) is None


async def test_who_hangs_up_is_none() -> None:
    async with serving(hang_up) as server:
        assert await look(Spot(port_of(server), ("stt", "tts"))) is None


@pytest.mark.parametrize("reply", [refusal("500 Oops", "broken"), refusal("401 No", "who are you?")])
@pytest.mark.parametrize(
    ("usual", "lists", "found"), [(("stt",), False, True), (("tts",), True, False), ((), False, False)]
)
async def test_who_refuses_is_found_where_something_is_usual_that_need_not_list_what_it_has(
    reply: Reply, usual: tuple[Service, ...], lists: bool, found: bool
) -> None:
    async with serving(reply) as server:
        spot = Spot(port_of(server), usual, lists=lists)
        assert await look(spot) == (Found(spot, usual, Offer()) if found else None)


@pytest.mark.parametrize("usual", [("stt",), ()])
async def test_what_accepts_and_says_nothing_is_found_only_where_something_is_usual(usual: tuple[Service, ...]) -> None:
    with trio.fail_after(LONG):
        async with serving(hang) as server:
            spot = Spot(port_of(server), usual)
            assert await look(spot, patience=0.05) == (Found(spot, usual, None) if usual else None)
            await server.left.wait()


async def test_who_lists_nothing_is_not_a_service_that_lists_what_it_has() -> None:
    no = refusal("404 Not Found", "File not found")
    async with serving(no, no) as server:
        assert await look(Spot(port_of(server), ("tts",), lists=True)) is None


async def test_a_place_that_hangs_hides_no_other(closed: int) -> None:
    with trio.fail_after(LONG):
        async with serving(hang) as hanging, serving(listing("whisper-1")) as good:
            spots = [Spot(port_of(hanging)), Spot(closed), Spot(port_of(good))]
            assert [found.spot for found in await look_at(spots, patience=0.5)] == spots[2:]
