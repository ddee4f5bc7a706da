"""Has what the user says turned into text.

In: a whole utterance, or one that is still recorded and a moment up to which it is wanted.  Out: its transcript, or why
there is none, and on the way what is understood so far where the engine tells that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

import trio

from .errors import VoiceError
from .given import given, likelihood_given, to_await
from .growing import Growing, Recordings
from .messages import Drafted, DraftId, PartlyTranscribed, Transcribed, Transcript, TurnId, Utterance
from .orders import DraftFailed, TranscriptionFailed, TurnJudged
from .ports import Hearing, LiveSpeechToText, SpeechToText, TurnModel


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
            transcript = await _answered(engine, engine.transcribe(utterance.pcm, utterance.rate, phrases=phrases))
        except VoiceError as error:
            await reports.send(TranscriptionFailed(turn=turn, error=error))
        else:
            await reports.send(Transcribed(turn=turn, at=trio.current_time(), transcript=transcript))


async def draft(
    recordings: Recordings,
    ends: trio.MemoryReceiveChannel[float],
    reports: trio.MemorySendChannel[Drafted | DraftFailed | TurnJudged],
    *,
    turn: TurnId,
    number: DraftId,
    engine: SpeechToText,
    judge: TurnModel | None,
    phrases: Sequence[str],
    publish: Callable[[PartlyTranscribed], None],
) -> None:
    """Transcribe utterance ``number.utterance`` up to the one moment that comes from ``ends``, and have ``judge`` say
    whether it sounds done.  An engine that takes sound while it comes is given it from the beginning on."""

    def tell(text: str) -> None:
        publish(PartlyTranscribed(turn=turn, at=trio.current_time(), draft=number, text=text))

    with ends, reports:
        sound = await recordings.find(number.utterance)
        if sound is None:
            error = VoiceError("What was said is not being recorded any longer, so nobody can hear it before its end.")
            await reports.send(DraftFailed(turn=turn, draft=number, error=error))
            return
        async with trio.open_nursery() as nursery:
            try:
                if isinstance(engine, LiveSpeechToText):
                    async with engine.listen(sound.rate, phrases=phrases, partial=tell) as hearing:
                        utterance = await _given_while_it_grows(sound, hearing, ends)
                        _start_judging(nursery, utterance, reports, turn, number, judge)
                        transcript = await _answered(engine, hearing.finish())
                else:
                    utterance = await sound.cut(await ends.receive())
                    _start_judging(nursery, utterance, reports, turn, number, judge)
                    answer = engine.transcribe(utterance.pcm, utterance.rate, phrases=phrases)
                    transcript = await _answered(engine, answer)
            except VoiceError as error:
                await reports.send(DraftFailed(turn=turn, draft=number, error=error))
            else:
                await reports.send(Drafted(turn=turn, at=trio.current_time(), draft=number, transcript=transcript))


async def _answered(engine: SpeechToText, answer: Awaitable[Transcript]) -> Transcript:
    """Raises what the engine raises, and TypeError when it gives something else."""
    who = f"The engine {engine.name}"
    transcript = given(await to_await(answer, who), Transcript, who, "a Transcript")
    given(transcript.text, str, f"A Transcript of the engine {engine.name}", "a text that is a str")
    return transcript


async def _given_while_it_grows(sound: Growing, hearing: Hearing, ends: trio.MemoryReceiveChannel[float]) -> Utterance:
    given = 0

    async def give() -> None:
        nonlocal given
        while more := await sound.after(given):
            hearing.write(more)
            given += len(more)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give)
        utterance = await sound.cut(await ends.receive())
        nursery.cancel_scope.cancel("that is all")
    hearing.write(utterance.pcm[given:])
    return utterance


def _start_judging(
    nursery: trio.Nursery,
    utterance: Utterance,
    reports: trio.MemorySendChannel[Drafted | DraftFailed | TurnJudged],
    turn: TurnId,
    number: DraftId,
    judge: TurnModel | None,
) -> None:
    if judge is not None:
        nursery.start_soon(partial(_judge, utterance, reports, turn=turn, number=number, judge=judge))


async def _judge(
    utterance: Utterance,
    reports: trio.MemorySendChannel[Drafted | DraftFailed | TurnJudged],
    *,
    turn: TurnId,
    number: DraftId,
    judge: TurnModel,
) -> None:
    probability: float | None = None
    # without one, whoever waits goes by the words
    with suppress(VoiceError):
        who = f"The turn model {judge.name}"
        probability = likelihood_given(await to_await(judge.finished(utterance.pcm, utterance.rate), who), who)
    await reports.send(TurnJudged(turn=turn, draft=number, probability=probability))
