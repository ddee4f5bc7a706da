"""The promises of ``TurnModel``."""

from __future__ import annotations

import trio

from actors.given import likelihood_given, to_await
from actors.ports import TurnModel

from .cancelling import cancelled_after
from .keeping import CANCELS, BrokenPromise, both, in_time, others_have_their_turn, promised_port


async def check_turn_model(model: TurnModel, speech: bytes, rate: int = 16_000) -> None:
    """``speech`` is an utterance at ``rate`` Hz, for which ``model`` need not say anything in particular.  Raises
    BrokenPromise.  Whether it lets ``trio.Cancelled`` through is seen as in ``check_recogniser``."""
    promised_port("turn_model", model)
    half = 0.0
    for pcm in (speech, speech[: len(speech) // 4 * 2], bytes(2), speech * 10):
        began = trio.current_time()
        with in_time("A judgement"):
            async with others_have_their_turn("finished"):
                await _judged(model, pcm, rate)
        half = max(half, (trio.current_time() - began) / 2)
    with in_time("Two judgements at once"):
        await both(lambda: _judged(model, speech, rate))
    for seconds in (*CANCELS, half):
        with in_time("A judgement that was cancelled"):
            await cancelled_after(seconds, lambda: model.finished(speech * 10, rate), "A judgement")
        with in_time("A judgement after a cancel"):
            await _judged(model, speech, rate)


async def _judged(model: TurnModel, pcm: bytes, rate: int) -> float:
    try:
        return likelihood_given(await to_await(model.finished(pcm, rate), "finished"), "finished")
    except (TypeError, ValueError) as error:
        raise BrokenPromise(str(error)) from error
