"""The promises of ``SpeechToText`` and ``LiveSpeechToText``."""

from __future__ import annotations

import trio

from actors.messages import Transcript
from actors.ports import LiveSpeechToText, SpeechToText

from .cancelling import cancelled_after
from .keeping import CANCELS, both, in_time, others_have_their_turn, promised, promised_kind, promised_port

SILENT = {"nothing": b"", "half a sample": b"\0", "a sample": bytes(2), "silence": bytes(32_000)}


async def check_recogniser(engine: SpeechToText, speech: bytes, rate: int = 16_000) -> None:
    """``speech`` is an utterance that ``engine`` understands, at ``rate`` Hz.  Raises BrokenPromise.

    Whether it lets ``trio.Cancelled`` through is seen where ``transcribe`` itself waits and takes long enough to be
    cancelled halfway, and not in a thread or in tasks of its own.
    """
    promised_port("stt", engine)
    began = trio.current_time()
    with in_time("Transcribing"):
        async with others_have_their_turn("transcribe"):
            heard = await _heard(engine, speech, rate)
    half = (trio.current_time() - began) / 2
    promised(heard.text, "The text of the speech is empty.")
    for name, pcm in SILENT.items():
        with in_time(f"Transcribing {name}"):
            await _heard(engine, pcm, rate)
    with in_time("Transcribing two utterances at once"):
        for each in await both(lambda: _heard(engine, speech, rate)):
            promised(each.text, "Of two utterances at once one had no text.")
    for seconds in (*CANCELS, half):
        with in_time("A transcription that was cancelled"):
            await cancelled_after(seconds, lambda: engine.transcribe(speech * 3, rate), "A transcription")
        with in_time("Transcribing after a cancel"):
            again = await _heard(engine, speech, rate)
        promised(again.text, f"After a cancel at {seconds:g} s nothing was understood.")


async def check_live_recogniser(engine: LiveSpeechToText, speech: bytes, rate: int = 16_000) -> None:
    """As ``check_recogniser``, for sound that comes in pieces.  Raises BrokenPromise."""
    promised_port("live stt", engine)
    texts: list[str] = []
    for size in (641, 3_200, len(speech)):
        async with others_have_their_turn("listen"):
            with in_time("Listening"):
                async with engine.listen(rate, partial=texts.append) as hearing:
                    for at in range(0, len(speech), size):
                        hearing.write(speech[at : at + size])
                        await trio.lowlevel.checkpoint()
                    heard = await hearing.finish()
                    _check_transcript(heard, "finish")
                    promised(heard.text, f"The text of the speech is empty when it comes in {size} bytes.")
    for text in texts:
        promised_kind(text, str, "What is understood so far")
    for pieces in ([], [speech]):
        with in_time("Leaving an utterance that has not ended"):
            async with engine.listen(rate) as hearing:
                for piece in pieces:
                    hearing.write(piece)
    for seconds in CANCELS:
        with in_time("An utterance that was cancelled"):
            await cancelled_after(seconds, lambda: _heard_live(engine, speech, rate), "Listening")
    with in_time("Listening to nothing"):
        async with engine.listen(rate) as hearing:
            await hearing.finish()


async def _heard_live(engine: LiveSpeechToText, pcm: bytes, rate: int) -> Transcript:
    async with engine.listen(rate) as hearing:
        hearing.write(pcm)
        return await hearing.finish()


async def _heard(engine: SpeechToText, pcm: bytes, rate: int) -> Transcript:
    transcript = await engine.transcribe(pcm, rate)
    _check_transcript(transcript, "transcribe")
    promised(
        transcript.engine == engine.name, f"The transcript says it is of {transcript.engine!r}, not of {engine.name!r}."
    )
    promised(transcript.seconds >= 0, "The engine's own time is negative.")
    return transcript


def _check_transcript(transcript: Transcript, method: str) -> None:
    promised_kind(transcript, Transcript, f"What {method} returned")
    promised_kind(transcript.text, str, "The text of a Transcript")
