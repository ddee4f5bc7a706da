"""Has an utterance turned into text.  In: one whole utterance.  Out: its transcript, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from .errors import VoiceError
from .messages import Transcribed, TurnId, Utterance
from .orders import TranscriptionFailed
from .ports import SpeechToText


async def transcribe(
    utterance: Utterance,
    reports: trio.MemorySendChannel[Transcribed | TranscriptionFailed],
    *,
    turn: TurnId,
    engine: SpeechToText,
    phrases: Sequence[str],
) -> None:
    with reports:
        try:
            transcript = await engine.transcribe(utterance.pcm, utterance.rate, phrases=phrases)
        except VoiceError as error:
            await reports.send(TranscriptionFailed(turn=turn, error=error))
        else:
            await reports.send(Transcribed(turn=turn, at=trio.current_time(), transcript=transcript))
