"""Has the pieces of a text spoken by an engine.  In: text pieces.  Out: their audio, as it is made, and who makes it
when that is somebody else than before.

The channel to the player is bounded, so the engine is never far ahead of what is heard, and the next piece is begun
while the last one plays.
"""

from __future__ import annotations

import trio

from .errors import ProviderRefused, VoiceError
from .given import given
from .messages import SpeechChunk, Synthesis, TextPiece, TurnId, VoiceChanged
from .orders import SpeakingFailed
from .ports import TextToSpeech


async def stream_speech(
    pieces: trio.MemoryReceiveChannel[TextPiece],
    chunks: trio.MemorySendChannel[SpeechChunk],
    reports: trio.MemorySendChannel[SpeakingFailed | VoiceChanged],
    *,
    turn: TurnId,
    engine: TextToSpeech,
    voice: str | None,
    speed: float | None,
) -> None:
    """Run until the pieces end or the engine fails; a failure is reported before the audio ends."""
    text = sound = 0
    who, told = engine.name, set[str]()
    with pieces, chunks, reports:
        try:
            async for piece in pieces:
                text += len(piece.text)
                failed = set[str]()
                async with engine.speak(piece.text, voice=voice, speed=speed) as audio:
                    async for part in audio:
                        given(part, Synthesis, f"The engine {engine.name}", "a Synthesis")
                        # what fails with every piece is told once, and what is asked twice for one piece both times
                        news = tuple(each for each in part.failures if each.provider not in told)
                        if news or part.engine not in (None, who):
                            who = part.engine or who
                            failed |= {each.provider for each in news}
                            now = trio.current_time()
                            await reports.send(VoiceChanged(turn=turn, at=now, engine=who, failures=news))
                        sound += len(part.pcm)
                        await chunks.send(
                            SpeechChunk(turn=turn, piece=piece, pcm=part.pcm, rate=part.rate, words=part.words)
                        )
                told |= failed
                await chunks.send(SpeechChunk(turn=turn, piece=piece, pcm=b"", rate=engine.rate, last=True))
            if text and not sound:
                raise ProviderRefused(
                    engine.name,
                    f"The engine {engine.name} made no sound of this text. Give it words to say.",
                    code="no_sound",
                )
        except VoiceError as error:
            await reports.send(SpeakingFailed(turn=turn, error=error))
