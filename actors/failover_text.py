"""Has a text said to its end, by one engine after another if need be.  In: the text.  Out: its speech."""

from __future__ import annotations

import trio

from .failover import Candidate, all_failed, failure_of, next_of, passed_over
from .failover_delivery import Delivery
from .failover_part import Part
from .machines.remedy import remedy_for
from .ports import TextToSpeech


async def say_text(delivery: Delivery, candidates: list[Candidate[TextToSpeech]]) -> None:
    """Return when all was said, or nobody listens any longer.  Raises VoiceError."""
    untried = [*candidates]
    asked, attempt = _next(delivery, untried), 1
    if asked is not None:
        delivery.untold += passed_over(delivery.outfit.board, "tts", candidates, asked, trio.current_time())
    while asked is not None:
        last = next_of(delivery.outfit.board, "tts", untried, trio.current_time()) is None
        part = Part(delivery=delivery, asked=asked, last=last)
        error = await part.say()
        if error is None:
            return
        delivery.errors.append(error)
        delivery.untold.append(failure_of("tts", error, asked.name, part.waited))
        if delivery.at >= len(delivery.text):
            # only the silence after the last word is missing
            await delivery.send(b"", (), asked.name)
            return
        remedy = remedy_for(error, attempt)
        if remedy == "stop":
            raise error
        if remedy == "retry" and delivery.left > 0:
            attempt += 1
        else:
            asked, attempt = _next(delivery, untried), 1
    raise all_failed("tts", delivery.errors, (each.name for each in untried))


def _next(delivery: Delivery, untried: list[Candidate[TextToSpeech]]) -> Candidate[TextToSpeech] | None:
    now = trio.current_time()
    asked = next_of(delivery.outfit.board, "tts", untried, now) if delivery.left > 0 else None
    if asked is not None:
        untried.remove(asked)
    return asked
