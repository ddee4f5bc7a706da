"""The recogniser on human speech, on synthesised commands, and on phrases it cannot know."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import soxr

from actors.errors import ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import Transcript
from tests.speech.human_speech import TRANSCRIPTS, Recording, recording, word_errors, words
from voicemode.speech import pocketsphinx as adapter
from voicemode.speech.espeak import EspeakSpeech
from voicemode.speech.pocketsphinx import PocketsphinxSpeech

COMMANDS = [
    "Open the file.",
    "Close the window.",
    "What time is it?",
    "Turn on the kitchen lights!",
    "Play some music.",
    "Stop.",
    "Read my messages.",
    "Call my mother.",
    "What's the weather like tomorrow?",
    "Set a timer for ten minutes.",
    "Remind me to buy milk.",
    "Go back to the beginning.",
    "Yes, please.",
    "No, thank you.",
]


_bare: dict[str, Transcript] = {}


async def bare(name: str) -> Transcript:
    """What is heard of a recording as it is in its file."""
    if name not in _bare:
        human = recording(name)
        _bare[name] = await (await PocketsphinxSpeech.load()).transcribe(human.pcm, human.rate)
    return _bare[name]


@pytest.mark.thorough
async def test_less_than_half_of_the_words_of_human_speech_are_wrong() -> None:
    wrong = sum([word_errors(said, (await bare(name)).text) for name, said in TRANSCRIPTS.items()])
    count = sum(len(words(said)) for said in TRANSCRIPTS.values())
    print(f"{wrong} of {count} words wrong: {wrong / count:.2f}")  # noqa: T201 - the figure is for whoever asks with -s
    assert wrong / count < 0.5


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
async def test_silence_before_and_after_makes_no_difference(name: str) -> None:
    """Also of a length that is no whole number of the decoder's frames of 10 ms."""
    engine, human = await PocketsphinxSpeech.load(), recording(name)
    pcm = bytes(2 * round(0.5123 * human.rate)) + human.pcm + bytes(2 * round(0.3 * human.rate))
    assert (await engine.transcribe(pcm, human.rate)).text == (await bare(name)).text


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(name for name in TRANSCRIPTS if name.startswith("lj")))
async def test_live_speech_at_another_rate_is_heard_as_its_file(name: str) -> None:
    """At 16 kHz, as a microphone gives it, the samples lie elsewhere in time than in the file of 22 050 Hz."""
    engine, human = await PocketsphinxSpeech.load(), recording(name)
    samples = np.pad(np.frombuffer(human.pcm, "<i2").astype(float), (777, human.rate))
    live = np.clip(np.round(soxr.resample(samples, human.rate, 16_000)), -32768, 32767).astype("<i2").tobytes()
    assert (await engine.transcribe(live, 16_000)).text == (await bare(name)).text


@pytest.mark.thorough
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-gb"])
async def test_commands_are_understood_exactly(voice: str) -> None:
    speech, engine = await EspeakSpeech.load(), await PocketsphinxSpeech.load()
    for command in COMMANDS:
        async with speech.speak(command, voice=voice) as parts:
            pcm = b"".join([part.pcm async for part in parts])
        assert (await engine.transcribe(pcm, speech.rate, phrases=COMMANDS)).text == command


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
async def test_every_word_it_hears_has_its_time(name: str) -> None:
    human, transcript = recording(name), await bare(name)
    assert [word.text for word in transcript.words] == transcript.text.split()
    times = [0.0, *(time for word in transcript.words for time in (word.begin, word.finish))]
    assert times == sorted(times)
    assert times[-1] <= len(human.pcm) / (2 * human.rate)


@pytest.mark.thorough
@pytest.mark.parametrize("phrases", [(), COMMANDS], ids=["freely", "phrases"])
@pytest.mark.parametrize("before", [0.0, 0.5123])
async def test_words_begin_where_they_were_said(phrases: Sequence[str], before: float) -> None:
    """The voice knows where it says them."""
    speech, engine = await EspeakSpeech.load(), await PocketsphinxSpeech.load()
    async with speech.speak("Read my messages." if phrases else "What is the weather like tomorrow?") as parts:
        said = [part async for part in parts]
    silence = bytes(2 * round(before * speech.rate))
    pcm = silence + b"".join(part.pcm for part in said)
    transcript = await engine.transcribe(pcm, speech.rate, phrases=phrases)
    heard = ["Read", "my", "messages"] if phrases else ["what", "is", "the", "weather", "like", "tomorrow"]
    assert [word.text for word in transcript.words] == heard
    truth = [word.begin + len(silence) / (2 * speech.rate) for part in said for word in part.words]
    assert [word.begin for word in transcript.words] == pytest.approx(truth, abs=0.05)


async def test_silence_and_half_a_phrase_have_no_words(short_human: Recording) -> None:
    engine = await PocketsphinxSpeech.load()
    assert (await engine.transcribe(bytes(32_000), 16_000)).words == ()
    nothing = await engine.transcribe(
        short_human.pcm, short_human.rate, phrases=["has never been surpassed in beauty by any"]
    )
    assert len(nothing.words) == len(nothing.text.split())


async def test_half_a_phrase_is_no_phrase() -> None:
    speech, engine = await EspeakSpeech.load(), await PocketsphinxSpeech.load()
    async with speech.speak("Turn on the kitchen") as parts:
        pcm = b"".join([part.pcm async for part in parts])
    phrases = ["Turn on the kitchen lights at seven in the evening"]
    assert (await engine.transcribe(pcm, speech.rate, phrases=phrases)).text in {"", *phrases}


@pytest.mark.thorough
async def test_more_sets_of_phrases_than_are_kept_can_be_used(
    short_human: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "GRAMMARS", 2)
    engine = await PocketsphinxSpeech.load()
    sets = [[word, "has never been surpassed"] for word in ("one", "two", "three", "four")]
    for phrases in [*sets, sets[0]]:
        text = (await engine.transcribe(short_human.pcm, short_human.rate, phrases=phrases)).text
        assert text == "has never been surpassed"


async def test_the_first_of_two_phrases_that_sound_alike_is_the_answer(short_human: Recording) -> None:
    engine = await PocketsphinxSpeech.load()
    phrases = ["Has never been surpassed?", "has never been surpassed"]
    assert (await engine.transcribe(short_human.pcm, short_human.rate, phrases=phrases)).text == phrases[0]


@pytest.mark.parametrize(
    ("phrase", "complaint"),
    [("open the qwertzx and 42", "does not have qwertzx, 42"), ("", "no word"), ("…!", "no word"), ("Grüße", "grüße")],
)
async def test_a_phrase_it_cannot_listen_for_is_refused(short_human: Recording, phrase: str, complaint: str) -> None:
    engine = await PocketsphinxSpeech.load()
    with pytest.raises(ProviderRefused, match=complaint):
        await engine.transcribe(short_human.pcm, short_human.rate, phrases=["stop", phrase])
    assert (await engine.transcribe(short_human.pcm, short_human.rate, phrases=["stop"])).text == "stop"


async def test_a_rate_that_is_none_is_refused() -> None:
    engine = await PocketsphinxSpeech.load()
    with pytest.raises(SettingsError, match="not 0"):
        await engine.transcribe(b"", 0)


async def test_no_thread_is_kept(short_human: Recording) -> None:
    engine = await PocketsphinxSpeech.load()
    await engine.transcribe(short_human.pcm, short_human.rate)
    assert engine.limiter.borrowed_tokens == 0


async def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_loaded", [])
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ProviderUnavailable, match="pip install pocketsphinx"):
        await PocketsphinxSpeech.load()


def test_it_does_without_sounddevice() -> None:
    program = "import sys; sys.modules['sounddevice'] = None; import trio\n"
    program += "from voicemode.speech.pocketsphinx import PocketsphinxSpeech; trio.run(PocketsphinxSpeech.load)"
    subprocess.run([sys.executable, "-c", program], check=True)
