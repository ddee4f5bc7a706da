"""OpenAI's own client, unchanged, against the server and its real engines."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.serve.conftest import Serve
from tests.speech.human_speech import FOLDER
from voicemode.audio.files import read_audio
from voicemode.serve.engines import Engines

SAID = "has never been surpassed"


@pytest.fixture
async def openai(serve: Serve, engines: Engines, require: Callable[[object, str], None]) -> Any:
    require(importlib.util.find_spec("openai"), "the package openai is not installed")
    from openai import OpenAI

    served = await serve(engines)
    client = OpenAI(base_url=f"http://127.0.0.1:{served.port}/v1", api_key="unused", max_retries=0)
    yield client
    client.close()


async def test_it_speaks(openai: Any, tmp_path: Path) -> None:
    def speak() -> None:
        create = openai.audio.speech.with_streaming_response.create
        with create(model="tts-1", voice="nova", input="Good morning.", response_format="wav") as answer:
            answer.stream_to_file(tmp_path / "morning.wav")

    await trio.to_thread.run_sync(speak)
    assert read_audio(tmp_path / "morning.wav", None).seconds > 0.4


async def test_it_transcribes(openai: Any) -> None:
    def transcribe(**options: Any) -> Any:
        with (FOLDER / "lj001-0008.wav").open("rb") as recording:
            return openai.audio.transcriptions.create(
                model="whisper-1", file=recording, extra_body={"phrases": ["is there anything else", SAID]}, **options
            )

    assert (await trio.to_thread.run_sync(transcribe)).text == SAID
    assert await trio.to_thread.run_sync(partial(transcribe, response_format="text")) == f"{SAID}\n"
    verbose = await trio.to_thread.run_sync(partial(transcribe, response_format="verbose_json"))
    assert (verbose.text, round(verbose.duration)) == (SAID, 2)
    timed = partial(transcribe, response_format="verbose_json", timestamp_granularities=["word", "segment"])
    verbose = await trio.to_thread.run_sync(timed)
    assert [word.word for word in verbose.words] == SAID.split()
    assert [(segment.id, segment.text) for segment in verbose.segments] == [(0, SAID)]
    assert 0 <= verbose.words[0].start < verbose.words[0].end <= verbose.words[1].start
    assert (verbose.segments[0].start, verbose.segments[0].end) == (verbose.words[0].start, verbose.words[-1].end)
    events = await trio.to_thread.run_sync(lambda: list(transcribe(stream=True)))
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert (events[0].delta, events[1].text) == (SAID, SAID)


async def test_it_lists_models(openai: Any) -> None:
    models = await trio.to_thread.run_sync(openai.models.list)
    assert "tts-1" in [model.id for model in models]


async def test_it_understands_what_goes_wrong(openai: Any) -> None:
    from openai import BadRequestError, NotFoundError

    speak = partial(openai.audio.speech.create, model="tts-1", voice="alloy", input="Hello.")
    with pytest.raises(BadRequestError, match="wav, pcm, mp3, opus") as raised:
        await trio.to_thread.run_sync(partial(speak, response_format="aac"))
    assert raised.value.param == "response_format"
    with pytest.raises(NotFoundError) as missing:
        await trio.to_thread.run_sync(partial(speak, model="tts-2"))
    assert missing.value.code == "model_not_found"
