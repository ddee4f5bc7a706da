"""What a policy makes of a turn.  In: its pauses with their evidence.  Out: when it was held to be over."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import quantiles

from attrs import evolve, frozen

from actors.machines.pauses import Pauses

from .hearing import Pause
from .policies import Known, Policy
from .turns import AFTER, Turn

Z = 1.96
"""Of the 95 % interval."""


@frozen(kw_only=True)
class Evidence:
    """What is found out about a pause, and how many seconds after it is known to be one."""

    pause: Pause
    text: str | None = None
    text_after: float = 0.0
    probability: float | None = None
    probability_after: float = 0.0


@frozen(kw_only=True)
class Ending:
    """``delay`` from the true end to the decision, negative when the speaker was ``cut`` off; ``transcript`` from the
    true end to the text of all that was said; ``wasted`` drafts of what went on."""

    cut: bool
    delay: float
    transcript: float
    wasted: int


def ending_of(turn: Turn, heard: Sequence[Evidence], policy: Policy, pauses: Pauses, *, drafts: bool) -> Ending:
    """How ``turn`` ends; without ``drafts`` the transcript is asked for when it has ended.

    ``pauses`` are the speaker's, and learn those of this turn.  A turn whose end nobody notices is over with its sound.
    """
    wasted = 0
    for each in heard:
        pause = each.pause
        decided = pause.ended + _silence(each, policy, pauses)
        if pause.resumed is None or decided < pause.resumed:
            ready = (pause.known if drafts else decided) + each.text_after
            return Ending(
                cut=decided < turn.end,
                delay=decided - turn.end,
                transcript=max(decided, ready) - turn.end,
                wasted=wasted if drafts else 0,
            )
        pauses.feed(pause.resumed - pause.ended)
        wasted += 1
    over = AFTER + (heard[-1].text_after if heard else 0.0)
    return Ending(cut=False, delay=AFTER, transcript=over, wasted=wasted if drafts else 0)


def _silence(each: Evidence, policy: Policy, pauses: Pauses) -> float:
    """Seconds of silence until ``policy`` ends the turn, if it lasts."""
    noticed = each.pause.known - each.pause.ended
    news: list[tuple[float, dict[str, str | float]]] = []
    if each.text is not None:
        news.append((noticed + each.text_after, {"text": each.text}))
    if each.probability is not None:
        news.append((noticed + each.probability_after, {"probability": each.probability}))
    known, since = Known(pauses=pauses), noticed
    for at, what in sorted(news, key=lambda item: item[0]):
        if (ends := max(since, policy.delay(known))) < at:
            return ends
        known, since = evolve(known, **what), at
    return max(since, policy.delay(known))


@frozen(kw_only=True)
class Score:
    """Of ``turns`` many: cut off per 100 with its interval, and the delays of those that were not."""

    turns: int
    cuts: float
    low: float
    high: float
    p50: float
    p90: float
    p95: float
    transcript: float
    wasted: float


def score_of(endings: Sequence[Ending]) -> Score:
    count, cut = len(endings), sum(ending.cut for ending in endings)
    low, high = wilson(cut, count)
    waited = [ending.delay for ending in endings if not ending.cut]
    cuts = quantiles(waited, n=100, method="inclusive")
    return Score(
        turns=count,
        cuts=100 * cut / count,
        low=100 * low,
        high=100 * high,
        p50=cuts[49],
        p90=cuts[89],
        p95=cuts[94],
        transcript=quantiles([each.transcript for each in endings if not each.cut], n=2, method="inclusive")[0],
        wasted=sum(ending.wasted for ending in endings) / count,
    )


def wilson(cases: int, count: int) -> tuple[float, float]:
    """The interval in which the true share lies with 95 % confidence."""
    share = cases / count
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)
