"""What interrupts the assistant and what does not: people, listeners, coughs and other noises, by its manners.

Conversations in virtual time with virtual devices and the real voice detector; the noises are made, not recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import numpy as np
import trio
from interruptions.sounds import (
    BACK_CHANNEL,
    NOISES,
    PHRASE,
    STOP,
    STOPPERS,
    Heard,
    back_channels,
    noises,
    phrases,
    spoken,
)
from interruptions.talks import EARS, Reaction, reactions
from report import Budget, Figure, Findings, figure, run
from trio.testing import MockClock

from actors.machines.barge_in import BargeInPolicy
from voicemode import TurnPolicy
from voicemode.speech.silero import SileroModel

SEED = 1
POLICIES = {
    "interrupt": BargeInPolicy(manners="interrupt"),
    "interrupt, min_words 1": BargeInPolicy(manners="interrupt", min_words=1),
    "finish_sentence": BargeInPolicy(manners="finish_sentence"),
    "pause_and_resume": BargeInPolicy(),
    "ignore": BargeInPolicy(manners="ignore"),
}
MEANT = (PHRASE, STOP)
"""What is to stop the assistant."""

COUNTS = {PHRASE: 40, STOP: 8, BACK_CHANNEL: 30, **dict.fromkeys(NOISES, 12), "cough": 24, "voiced cough": 24}
SMOKE = dict.fromkeys((PHRASE, STOP, BACK_CHANNEL, "voiced cough"), 1)
DECISION = Budget(at_most=300, statistic="p95")
QUIETER = Budget(at_most=10.5)
"""A quantum, and as much of the ramp as tells that it has begun."""


async def made_sounds(counts: Mapping[str, int]) -> list[Heard]:
    """So many of each kind, always the same but for espeak-ng's."""
    dice = np.random.default_rng(SEED)
    return [
        *phrases(dice, counts[PHRASE]),
        *await spoken(dice, STOP, STOPPERS, counts[STOP]),
        *await back_channels(dice, counts[BACK_CHANNEL]),
        *(sound for kind in NOISES if kind in counts for sound in noises(dice, kind, counts[kind])),
    ]


def _some(what: str, unit: str, values: Iterable[float | None], budget: Budget | None = None) -> list[Figure]:
    """The figure, if there is anything to it."""
    there = [value for value in values if value is not None]
    return [figure(what, unit, there, budget)] if there else []


def of_people(name: str, policy: BargeInPolicy, found: Sequence[Reaction]) -> list[Figure]:
    meant = [each for each in found if each.kind == PHRASE]
    figures = [figure(f"{name}: phrases that stop it", "%", [100 * fmean(each.stopped for each in meant)])]
    by_voice = policy.manners == "interrupt" and not policy.by_words
    figures += _some("  first voiced sample → lower, or held", "ms", (each.ducked for each in meant))
    figures += _some(
        "  first voiced sample → decision", "ms", (each.decided for each in meant), DECISION if by_voice else None
    )
    figures += _some(
        "  first voiced sample → silence",
        "ms",
        (each.silent for each in meant),
        DECISION if policy.holds or by_voice else None,
    )
    figures += _some("  speech noticed → quieter", "ms", (each.quieter for each in found), QUIETER)
    return figures


def of_noises(found: Sequence[Reaction]) -> list[Figure]:
    """Per hour of the assistant's speech, with as many sounds in it as there are here."""
    false = [each for each in found if each.kind not in MEANT]
    hours = sum(each.seconds for each in false) / 3_600
    ducked = sum(each.low is not None for each in false)
    return [
        figure("  interrupted by what is no interruption", "per hour", [sum(each.stopped for each in false) / hours]),
        figure("  lower or held for it, and went on", "per hour", [ducked / hours]),
        *_some("    for so long", "ms", (each.low for each in false)),
        *_some("    then said again", "ms", (each.again for each in false)),
        figure(
            "  not heard in the end, though nothing stopped it",
            "samples",
            [each.missing for each in found if not each.stopped] or [0],
            Budget(at_most=0, exact=True),
        ),
    ]


def table(found: Mapping[str, Sequence[Reaction]]) -> list[str]:
    """For each kind of sound how often it stopped the assistant, and how often it lowered its voice for nothing."""
    rows = [["stopped + lowered for nothing", "n", *found]]
    for kind in dict.fromkeys(each.kind for each in next(iter(found.values()))):
        by_policy = [[each for each in reactions if each.kind == kind] for reactions in found.values()]
        counts = [(sum(each.stopped for each in row), sum(each.low is not None for each in row)) for row in by_policy]
        rows.append([kind, str(len(by_policy[0])), *(f"{stopped} + {lowered}" for stopped, lowered in counts)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def measure(smoke: bool) -> Findings:
    model = trio.run(SileroModel.load)
    sounds = trio.run(made_sounds, SMOKE if smoke else COUNTS)
    figures: list[Figure] = []
    found: dict[str, list[Reaction]] = {}
    for name, policy in POLICIES.items():
        found[name] = trio.run(
            reactions,
            sounds,
            TurnPolicy(barge_in=policy),
            model,
            np.random.default_rng(SEED),
            clock=MockClock(autojump_threshold=0),
        )
        figures += of_people(name, policy, found[name]) + of_noises(found[name])
    false = [each for each in found["ignore"] if each.kind not in MEANT]
    every = sum(each.seconds for each in false) / len(false)
    return Findings(
        figures=tuple(figures),
        notes=(
            *table(found),
            f"Per hour: with such a sound every {every:.1f} s.  A draft of the words takes {EARS.least:g} s.",
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    return run("interruptions", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
