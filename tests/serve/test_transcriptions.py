"""``POST /v1/audio/transcriptions``: every kind of recording, and of request, with the answer that it is due."""

from __future__ import annotations

import io
import struct
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
import soundfile
import trio

from actors.errors import ProviderUnavailable
from actors.messages import HeardWord
from tests.serve.conftest import Recogniser, Serve, Served, Voice, error_of
from tests.speech.human_speech import FOLDER
from voicemode.serve import transcriptions
from voicemode.serve.engines import Engines

TRANSCRIPTIONS = "/v1/audio/transcriptions"
HUMAN = (FOLDER / "lj001-0008.wav").read_bytes()
SAID = "has never been surpassed"


def sound(
    rate: int = 16_000, channels: int = 1, seconds: float = 0.5, subtype: str = "PCM_16", container: str = "WAV"
) -> bytes:
    samples = 0.3 * np.sin(np.arange(int(rate * seconds)) * 2 * np.pi * 440 / rate)
    file = io.BytesIO()
    soundfile.write(file, np.stack([samples] * channels, axis=1), rate, subtype=subtype, format=container)
    return file.getvalue()


async def send(served: Served, recording: bytes | None = HUMAN, **fields: object) -> httpx.Response:
    files = {} if recording is None else {"file": ("speech.wav", recording, "audio/wav")}
    data = {"model": "whisper-1"} | fields
    if recording is None:  # a form all the same
        files = {"nothing": ("nothing", b"", "text/plain")}
    return await served.client.post(TRANSCRIPTIONS, data=data, files=files)


async def test_human_speech_is_understood(serve: Serve, engines: Engines) -> None:
    response = await send(await serve(engines), phrases=["is there anything else", SAID])
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == {"text": SAID}


async def test_what_the_server_says_it_understands(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    said = await served.client.post("/v1/audio/speech", json={"input": "Hello world."})
    response = await send(served, said.content, phrases=["hello world", "good night"])
    assert response.json() == {"text": "hello world"}


async def test_text_is_the_transcript_on_a_line(serve: Serve) -> None:
    response = await send(await serve(), response_format="text")
    assert (response.headers["content-type"], response.text) == ("text/plain; charset=utf-8", "a word\n")


async def test_verbose_json_tells_what_is_known_and_no_more(serve: Serve) -> None:
    response = await send(await serve(), sound(seconds=1.5), response_format="verbose_json")
    assert response.json() == {"task": "transcribe", "language": "english", "duration": 1.5, "text": "a word"}


@pytest.mark.parametrize(
    ("wanted", "told"), [([], {"segments"}), (["word"], {"words"}), (["word", "segment"], {"words", "segments"})]
)
async def test_verbose_json_has_the_times_that_are_asked_for(
    serve: Serve, engines: Engines, wanted: list[str], told: set[str]
) -> None:
    fields = {"response_format": "verbose_json", "timestamp_granularities[]": wanted}
    response = await send(await serve(engines), phrases=[SAID], **fields)
    assert set(response.json()) == {"task", "language", "duration", "text"} | told


async def test_times_are_those_of_the_whole_recording(serve: Serve) -> None:
    words = (HeardWord(text="a", begin=0.5, finish=0.7), HeardWord(text="word", begin=1.25, finish=1.5))
    recogniser = Recogniser(words=words)
    served = await serve(Engines(speech=Voice(), recogniser=recogniser))
    fields = {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
    answer = (await send(served, sound(seconds=100), **fields)).json()
    assert [word["word"] for word in answer["words"]] == ["a", "word"] * len(recogniser.heard)
    assert [segment["text"] for segment in answer["segments"]] == ["a", "word"] * len(recogniser.heard)
    assert answer["words"][0] == {"word": "a", "start": 0.5, "end": 0.7}
    first, *_ = recogniser.heard
    assert answer["words"][2]["start"] == pytest.approx(len(first[0]) / (2 * first[1]) + 0.5, abs=0.001)
    assert [segment["start"] for segment in answer["segments"]] == [word["start"] for word in answer["words"]]


async def test_a_recording_in_which_nothing_is_said_has_no_words(serve: Serve) -> None:
    served = await serve(Engines(speech=Voice(), recogniser=Recogniser(text="")))
    response = await send(served, response_format="verbose_json", **{"timestamp_granularities[]": "word"})
    assert response.json()["words"] == []


async def test_what_is_for_other_engines_does_no_harm(serve: Serve) -> None:
    recogniser = Recogniser()
    served = await serve(Engines(speech=Voice(), recogniser=recogniser))
    fields = {"prompt": "A hint.", "temperature": "0", "timestamp_granularities[]": "word", "language": "en"}
    assert (await send(served, **fields)).json() == {"text": "a word"}
    assert recogniser.heard[0][2] == ()


async def test_the_file_alone_is_enough(serve: Serve) -> None:
    response = await (await serve()).client.post(TRANSCRIPTIONS, files={"file": HUMAN})
    assert response.json() == {"text": "a word"}


@pytest.mark.parametrize("name", ["phrases", "phrases[]"])
async def test_phrases_reach_the_engine(serve: Serve, name: str) -> None:
    recogniser = Recogniser()
    await send(await serve(Engines(speech=Voice(), recogniser=recogniser)), **{name: ["yes", "no"]})
    assert recogniser.heard[0][2] == ("yes", "no")


@pytest.mark.parametrize(
    "recording",
    [
        {},
        {"rate": 8_000},
        {"rate": 44_100, "channels": 2},
        {"rate": 48_000, "subtype": "PCM_24"},
        {"subtype": "FLOAT"},
        {"container": "FLAC"},
        {"container": "OGG", "subtype": "VORBIS"},
    ],
    ids=str,
)
async def test_any_recording_reaches_the_engine_whole(serve: Serve, recording: dict[str, int]) -> None:
    recogniser = Recogniser()
    served = await serve(Engines(speech=Voice(), recogniser=recogniser))
    assert (await send(served, sound(**recording))).status_code == 200
    ((pcm, rate, _),) = recogniser.heard
    assert len(pcm) / (2 * rate) == pytest.approx(0.5, abs=0.01)
    assert np.abs(np.frombuffer(pcm, "<i2").astype(int)).max() == pytest.approx(0.3 * 32768, rel=0.1)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0, 10**6])
async def test_a_recording_that_does_not_know_its_length_is_heard_to_the_end_of_what_came(
    serve: Serve, size: int
) -> None:
    recogniser = Recogniser()
    served = await serve(Engines(speech=Voice(), recogniser=recogniser))
    whole = sound()
    said = struct.pack("<I", size)
    riff = struct.pack("<I", min(size + 36, 0xFFFFFFFF)) if size else bytes(4)
    pieces = [whole[:4] + riff + whole[8:40] + said, *(whole[at : at + 999] for at in range(44, len(whole), 999))]
    part = PART.removesuffix(HUMAN)

    async def body() -> AsyncIterator[bytes]:
        for piece in (part, *pieces, b"\r\n--xx--\r\n"):
            yield piece

    response = await served.client.post(TRANSCRIPTIONS, headers=FORM, content=body())
    assert response.json() == {"text": "a word"}
    assert recogniser.heard[0][0] == whole[44:]


async def test_a_long_recording_is_heard_in_stretches(serve: Serve) -> None:
    recogniser = Recogniser()
    served = await serve(Engines(speech=Voice(), recogniser=recogniser))
    response = await send(served, sound(seconds=150), response_format="verbose_json")
    assert response.json()["duration"] == 150
    assert response.json()["text"] == " ".join(len(recogniser.heard) * ["a word"])
    assert len(recogniser.heard) > 2


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        (b"", "no recording in the field 'file'"),
        (b"not audio at all", "The recording does not hold audio in a format that can be read; WAV"),
        (sound()[:30], "The recording is cut off in its header"),
        (sound(seconds=0), "The recording has a header but no samples"),
        (None, "no recording in the field 'file'"),
    ],
)
async def test_what_is_no_recording_is_refused_in_a_sentence(serve: Serve, recording: bytes | None, words: str) -> None:
    response = await send(await serve(), recording)
    assert response.status_code == 400
    assert words in str(error_of(response)["message"])


@pytest.mark.parametrize(
    ("fields", "status", "param", "words"),
    [
        ({"model": "tts-1"}, 404, "model", "pocketsphinx and whisper-1"),
        ({"response_format": "srt"}, 400, "response_format", "json, text, verbose_json"),
        ({"language": "de"}, 400, "language", "English (en) only"),
        ({"timestamp_granularities[]": "sentence"}, 400, "timestamp_granularities", "word and segment"),
        ({"phrases": b"\xff"}, 400, "phrases", "UTF-8"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_the_field_and_what_there_is(
    serve: Serve, fields: dict[str, object], status: int, param: str, words: str
) -> None:
    response = await send(await serve(), **fields)
    assert response.status_code == status
    error = error_of(response)
    assert error["param"] == param
    assert words in str(error["message"])


async def test_words_the_engine_cannot_hear_are_refused(serve: Serve, engines: Engines) -> None:
    response = await send(await serve(engines), phrases=["xyzzyplugh"])
    assert response.status_code == 400
    assert error_of(response)["code"] == "unknown_words"


FORM = {"content-type": "multipart/form-data; boundary=xx"}
PART = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + HUMAN


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({"content-type": "application/json"}, b"{}", "multipart/form-data"),
        ({}, HUMAN, "multipart/form-data"),
        ({"content-type": "multipart/form-data"}, PART, "multipart/form-data"),
        (FORM, b"", "cut short"),
        (FORM, PART, "cut short"),
        (FORM, b"--yy\r\n", "damaged"),
        (FORM, b"--xx\r\n" + b"a: b\r\n" * 100, "damaged"),
    ],
)
async def test_what_is_no_form_is_refused(serve: Serve, headers: dict[str, str], body: bytes, words: str) -> None:
    response = await (await serve()).client.post(TRANSCRIPTIONS, headers=headers, content=body)
    assert response.status_code == 400
    assert words in str(error_of(response)["message"])


async def in_steps(size: int) -> AsyncIterator[bytes]:
    yield PART
    for _ in range(size // 65_536):
        yield bytes(65_536)


@pytest.mark.parametrize("told", [True, False])
async def test_more_than_25_mb_is_refused_whether_the_client_says_so_or_not(serve: Serve, told: bool) -> None:
    size = 26 * 1024 * 1024
    content = bytes(size) if told else in_steps(size)
    response = await (await serve()).client.post(TRANSCRIPTIONS, headers=FORM, content=content)
    assert response.status_code == 413
    assert "26214400 bytes" in str(error_of(response)["message"])


async def test_a_small_file_that_lasts_for_days_is_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcriptions, "MOST_SAMPLES", 1000)
    response = await send(await serve(), sound(container="FLAC"))
    assert response.status_code == 413
    assert "too long" in str(error_of(response)["message"])


async def test_an_engine_that_is_missing_is_503(serve: Serve) -> None:
    missing = ProviderUnavailable("pocketsphinx", "It is not installed.", code="not_installed")
    response = await send(await serve(Engines(speech=Voice(), recogniser=missing)))
    assert response.status_code == 503
    assert error_of(response)["code"] == "not_installed"


async def test_the_engine_stops_when_the_client_leaves(serve: Serve) -> None:
    recogniser = Recogniser(go_on=trio.Event())
    served = await serve(Engines(speech=Voice(), recogniser=recogniser))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, served)
        await recogniser.begun.wait()
        assert not recogniser.left.is_set()
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        await recogniser.left.wait()


async def test_further_recordings_wait_outside(serve: Serve) -> None:
    recogniser = Recogniser(go_on=trio.Event())
    engines = Engines(speech=Voice(), recogniser=recogniser, uploads=trio.CapacityLimiter(1))
    served = await serve(engines)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(send, served)
        with trio.fail_after(5):
            await recogniser.begun.wait()
            while engines.uploads.statistics().tasks_waiting < 2:  # noqa: ASYNC110 - the limiter tells nobody
                await trio.sleep(0.001)
        assert len(recogniser.heard) == 1
        assert recogniser.go_on is not None
        recogniser.go_on.set()
    assert len(recogniser.heard) == 3
