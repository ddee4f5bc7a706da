"""The promises of ``SpeechToText`` and ``LiveSpeechToText``."""

from __future__ import annotations

import trio

from actors.messages import Transcript
from actors.ports import LiveSpeechToText, SpeechToText

from .keeping import CANCELS, both, in_time, others_have_their_turn, promised, promised_kind

SILENT = {"nothing": b"", "half a sample": b"\0", "a sample": bytes(2), "silence": bytes(32_000)}


async def check_recogniser(engine: SpeechToText, speech: bytes, rate: int = 16_000) -> None:
    """``speech`` is an utterance that ``engine`` understands, at ``rate`` Hz.  Raises BrokenPromise."""
    with in_time("Transcribing"):
        async with others_have_their_turn("transcribe"):
            heard = await _heard(engine, speech, rate)
    promised(heard.text, "The text of the speech is empty.")
    for name, pcm in SILENT.items():
        with in_time(f"Transcribing {name}"):
            await _heard(engine, pcm, rate)
    with in_time("Transcribing two utterances at once"):
        for each in await both(lambda: _heard(engine, speech, rate)):
            promised(each.text, "Of two utterances at once one had no text.")
    for seconds in CANCELS:
        with in_time("A transcription that was cancelled"), trio.move_on_after(seconds):
            await engine.transcribe(speech * 3, rate)
        with in_time("Transcribing after a cancel"):
            again = await _heard(engine, speech, rate)
        promised(again.text, f"After a cancel at {seconds:g} s nothing was understood.")


async def check_live_recogniser(engine: LiveSpeechToText, speech: bytes, rate: int = 16_000) -> None:
    """As ``check_recogniser``, for sound that comes in pieces.  Raises BrokenPromise."""
    texts: list[str] = []
    for size in (641, 3_200, len(speech)):
        async with others_have_their_turn("listen"):
            with in_time("Listening"):
                async with engine.listen(rate, partial=texts.append) as hearing:
                    for at in range(0, len(speech), size):
                        hearing.write(speech[at : at + size])
                        await trio.lowlevel.checkpoint()
                    promised(
                        (await hearing.finish()).text, f"The text of the speech is empty when it comes in {size} bytes."
                    )
    for text in texts:
        promised_kind(text, str, "What is understood so far")
    for pieces in ([], [speech]):
        with in_time("Leaving an utterance that has not ended"):
            async with engine.listen(rate) as hearing:
                for piece in pieces:
                    hearing.write(piece)
    for seconds in CANCELS:
        with in_time("An utterance that was cancelled"), trio.move_on_after(seconds):
            async with engine.listen(rate) as hearing:
                hearing.write(speech)
                await hearing.finish()
    with in_time("Listening to nothing"):
        async with engine.listen(rate) as hearing:
            await hearing.finish()


async def _heard(engine: SpeechToText, pcm: bytes, rate: int) -> Transcript:
    transcript = await engine.transcribe(pcm, rate)
    promised_kind(transcript, Transcript, "What transcribe returned")
    promised(
        transcript.engine == engine.name, f"The transcript says it is of {transcript.engine!r}, not of {engine.name!r}."
    )
    promised(transcript.seconds >= 0, "The engine's own time is negative.")
    return transcript
