"""The promises of ``TurnModel``."""

from __future__ import annotations

import trio

from actors.ports import TurnModel

from .keeping import CANCELS, both, in_time, others_have_their_turn, promised


async def check_turn_model(model: TurnModel, speech: bytes, rate: int = 16_000) -> None:
    """``speech`` is an utterance at ``rate`` Hz, for which ``model`` need not say anything in particular.  Raises
    BrokenPromise."""
    for pcm in (speech, speech[: len(speech) // 4 * 2], bytes(2), speech * 10):
        with in_time("A judgement"):
            async with others_have_their_turn("finished"):
                await _judged(model, pcm, rate)
    with in_time("Two judgements at once"):
        await both(lambda: _judged(model, speech, rate))
    for seconds in CANCELS:
        with in_time("A judgement that was cancelled"), trio.move_on_after(seconds):
            await model.finished(speech * 3, rate)
        with in_time("A judgement after a cancel"):
            await _judged(model, speech, rate)


async def _judged(model: TurnModel, pcm: bytes, rate: int) -> float:
    likely = await model.finished(pcm, rate)
    promised(0.0 <= likely <= 1.0, f"finished returned {likely!r}, which is not from 0 to 1.")
    return likely
