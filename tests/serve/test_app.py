"""The service as a whole: what it lists, whom it answers, and how it says no."""

from __future__ import annotations

import httpx
import pytest

from actors.errors import ProviderUnavailable
from tests.serve.conftest import FailingVoice, Recogniser, Serve, Voice, error_of
from voicemode.serve.app import SpeechService
from voicemode.serve.engines import Engines

MISSING = ProviderUnavailable("pocketsphinx", "It is not installed.", code="not_installed")


async def test_the_engines_are_listed_as_models_under_openais_names_too(serve: Serve) -> None:
    answer = (await (await serve()).client.get("/v1/models")).json()
    assert answer["object"] == "list"
    assert [model["id"] for model in answer["data"]] == ["espeak-ng", "tts-1", "pocketsphinx", "whisper-1"]
    assert answer["data"][0] == {"id": "espeak-ng", "object": "model", "created": 0, "owned_by": "voicemode"}


async def test_voices_are_openais_and_the_engines(serve: Serve) -> None:
    voices = (await (await serve()).client.get("/v1/audio/voices")).json()["voices"]
    assert (voices[0], voices[-1]) == ("alloy", "en-us")


async def test_it_says_that_it_is_well(serve: Serve) -> None:
    answer = (await (await serve()).client.get("/health")).json()
    assert (answer["status"], answer["missing"]) == ("ok", {})


async def test_it_says_what_is_missing_and_does_not_list_it(serve: Serve) -> None:
    served = await serve(Engines(speech=Voice(), recogniser=MISSING))
    answer = (await served.client.get("/health")).json()
    assert answer == {
        "status": "degraded",
        "models": ["espeak-ng", "tts-1"],
        "missing": {"pocketsphinx": "It is not installed."},
    }
    assert len((await served.client.get("/v1/models")).json()["data"]) == 2


async def test_without_the_voice_there_are_no_voices(serve: Serve) -> None:
    response = await (await serve(Engines(speech=MISSING, recogniser=Recogniser()))).client.get("/v1/audio/voices")
    assert response.status_code == 503
    error_of(response)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/models/", "/v1/chat/completions", "/v1/audio/speech/%C3%A4"])
async def test_other_addresses_are_404(serve: Serve, path: str) -> None:
    response = await (await serve()).client.get(path)
    assert response.status_code == 404
    assert error_of(response)["code"] == "unknown_url"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/audio/speech", "POST"),
        ("POST", "/v1/models", "GET"),
        ("OPTIONS", "/v1/audio/speech", "POST"),
        ("DELETE", "/health", "GET"),
    ],
)
async def test_other_methods_are_405(serve: Serve, method: str, path: str, allowed: str) -> None:
    response = await (await serve()).client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    error_of(response)


async def test_an_answer_to_head_has_no_body(serve: Serve) -> None:
    served = await serve()
    assert (await served.client.head("/health")).status_code == 405
    assert (await served.client.get("/health")).status_code == 200


LOCAL = ["localhost", "localhost:8881", "127.0.0.1:1", "127.1.2.3", "[::1]:8881", "LOCALHOST"]
OTHERS = [
    "evil.example",
    "evil.example:8881",
    "127.0.0.1.evil.example",
    "192.168.1.5",
    "localhost.evil.example",
    "",
    "[",
]


@pytest.mark.parametrize("host", LOCAL)
async def test_requests_for_this_machine_are_answered(serve: Serve, host: str) -> None:
    assert (await (await serve()).client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", OTHERS)
async def test_requests_for_another_host_are_refused(serve: Serve, host: str) -> None:
    response = await (await serve()).client.get("/health", headers={"Host": host})
    assert response.status_code == 421
    error_of(response)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://["])
async def test_requests_from_another_hosts_page_are_refused(serve: Serve, origin: str) -> None:
    response = await (await serve()).client.post("/v1/audio/speech", headers={"Origin": origin}, json={"input": "Hi."})
    assert response.status_code == 403
    error_of(response)


async def test_requests_from_this_machines_pages_are_answered_without_leave_to_read(serve: Serve) -> None:
    response = await (await serve()).client.get("/health", headers={"Origin": "http://localhost:3000"})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_opened_to_the_network_it_answers_to_any_name(serve: Serve) -> None:
    served = await serve(local_only=False)
    headers = {"Host": "speech.example", "Origin": "https://elsewhere.example"}
    assert (await served.client.get("/health", headers=headers)).status_code == 200


async def test_a_mistake_is_logged_without_what_was_said(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    served = await serve(Engines(speech=FailingVoice(failure=KeyError("a secret"), blocks=0), recogniser=Recogniser()))
    response = await served.client.post("/v1/audio/speech", json={"input": "a secret"})
    assert response.status_code == 500
    assert "a mistake" in str(error_of(response)["message"])
    assert "KeyError while answering" in caplog.text
    assert "a secret" not in caplog.text


async def test_any_asgi_server_can_serve_it() -> None:
    service = SpeechService(Engines(speech=Voice(), recogniser=Recogniser()), local_only=True)
    transport = httpx.ASGITransport(service)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", verify=False) as client:  # noqa: S501
        assert (await client.get("/v1/models")).status_code == 200
        assert (await client.post("/v1/audio/speech", json={"input": "Hello."})).content[:4] == b"RIFF"


async def test_what_is_not_http_is_declined() -> None:
    service = SpeechService(Engines(speech=Voice(), recogniser=Recogniser()), local_only=True)
    with pytest.raises(ValueError, match="not lifespan"):
        await service({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
