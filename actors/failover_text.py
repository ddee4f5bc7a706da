"""Has a text said to its end, by one engine after another if need be.  In: the text.  Out: its speech."""

from __future__ import annotations

import trio

from .failover import Candidate, all_failed, passed_over
from .failover_delivery import Delivery
from .failover_race import Race
from .failover_roster import Roster
from .machines.remedy import remedy_for
from .ports import TextToSpeech


async def say_text(delivery: Delivery, candidates: list[Candidate[TextToSpeech]]) -> None:
    """Return when all was said, or nobody listens any longer.  Raises VoiceError."""
    roster = Roster(delivery, candidates)
    part, attempt = roster.next(), 1
    if part is not None:
        delivery.untold += passed_over(delivery.outfit.board, "tts", candidates, part.asked, trio.current_time())
    while part is not None:
        outcome = await Race(roster).run(part, attempt)
        if outcome.error is None:
            return
        if delivery.at >= len(delivery.text):
            # only the silence after the last word is missing
            await delivery.send(b"", (), outcome.asked.name)
            return
        remedy = remedy_for(outcome.error, outcome.attempt)
        if remedy == "stop":
            raise outcome.error
        if remedy == "retry" and delivery.left > 0:
            part, attempt = roster.again(outcome.asked), outcome.attempt + 1
        else:
            part, attempt = roster.next(), 1
    raise all_failed("tts", delivery.errors, roster.untried)
