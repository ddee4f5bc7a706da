"""Human speech through the whole path, in real time: what is cut out of the microphone is the whole utterance."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

import voicemode
from actors.results import TurnResult
from voicemode import Settings
from voicemode.audio.files import load_audio
from voicemode.audio.store import MemoryStore
from voicemode.speech.registry import load_speech_model, load_speech_to_text

RECORDINGS = sorted((Path(__file__).parent.parent / "audio").glob("*.wav"))


@pytest.mark.realtime
async def test_every_utterance_is_segmented_whole() -> None:
    """Its transcript is to the letter that of the file itself; all are spoken at once, each into a conversation."""
    assert len(RECORDINGS) == 8
    recogniser = await load_speech_to_text("pocketsphinx")
    detector = await load_speech_model("silero")
    results: dict[Path, TurnResult] = {}

    async def listen(recording: Path) -> None:
        settings = Settings(microphone=f"file:{recording}", tts=None)
        async with voicemode.open_conversation(settings, stt=recogniser, vad=detector, store=MemoryStore()) as talk:
            results[recording] = await talk.listen()

    async with trio.open_nursery() as nursery:
        for recording in RECORDINGS:
            nursery.start_soon(listen, recording)
    for recording in RECORDINGS:
        whole = await load_audio(recording, 16_000)
        expected = await recogniser.transcribe(whole.pcm, whole.rate)
        assert results[recording].outcome == "heard"
        assert results[recording].transcript == expected.text, recording.name
