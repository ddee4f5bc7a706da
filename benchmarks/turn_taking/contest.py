"""All policies on the same turns.  In: turns and the engines that there are.  Out: for each contestant a curve of
scores, from impatient to patient, and the score of what it is by default.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from actors.machines.pauses import Pauses

from .evidence import Engines
from .judge import Ending, Evidence, Score, ending_of, score_of
from .policies import Analyser, Fixed, Ours, Policy, scaled
from .turns import Turn

FIXED = "fixed pause"
FIXED_PAUSES = tuple(number / 20 for number in range(4, 41))
NAMED_PAUSES = (0.5, 0.7, 1.0)
PATIENCE = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)

TRUTH = "true words"
"""A recogniser that makes no mistake and writes no signs."""

QUICK = 0.1
"""Seconds that a recogniser would take which hears while it is spoken to, or has a better machine."""


@frozen(kw_only=True)
class Contestant:
    """``curve`` has a policy for each setting of its patience; ``at`` are the places of those to be named there."""

    name: str
    curve: tuple[tuple[float, Policy], ...]
    at: tuple[float, ...]
    text: str | None = None
    sound: str | None = None
    seconds: float | None = None
    drafts: bool = True

    def hears(self, engines: Engines, turn: Turn, bare: Evidence) -> Evidence:
        if self.text != TRUTH:
            return engines.evidence(bare, self.text, self.sound, seconds=self.seconds)
        found = engines.evidence(bare, None, self.sound)
        return evolve(found, text=turn.text_until(bare.pause.known), text_after=QUICK)


@frozen(kw_only=True)
class Result:
    contestant: Contestant
    scores: dict[float, Score]

    @property
    def named(self) -> list[tuple[str, Score]]:
        if len(self.contestant.at) == 1:
            return [(self.contestant.name, self.scores[self.contestant.at[0]])]
        return [(f"{self.contestant.name} {place:g} s", self.scores[place]) for place in self.contestant.at]


def contestants(engines: Sequence[str]) -> list[Contestant]:
    """Those for whom there is what they need; the transcript at the end is the first recogniser's."""
    recogniser = "whisper" if "whisper" in engines else "pocketsphinx"
    fixed = tuple((pause, Fixed(pause)) for pause in FIXED_PAUSES)
    found = [
        Contestant(name=FIXED, curve=fixed, at=NAMED_PAUSES, text=recogniser, drafts=False),
        _ours("ours, habits alone", text=recogniser),
        _ours("ours, pocketsphinx", text="pocketsphinx", words=True),
        _ours(f"ours, {TRUTH} in {QUICK:g} s", text=TRUTH, words=True, seconds=QUICK),
    ]
    if "whisper" in engines:
        found += [
            _ours("ours, Whisper", text="whisper", words=True),
            _ours(f"ours, Whisper in {QUICK:g} s", text="whisper", words=True, seconds=QUICK),
        ]
    if "pipecat" in engines:
        analysers: tuple[tuple[float, Policy], ...] = tuple((place, Analyser(place)) for place in THRESHOLDS)
        found += [
            _ours("ours, sound", text=recogniser, sound="pipecat"),
            _ours(f"ours, {TRUTH} in {QUICK:g} s and sound", TRUTH, "pipecat", words=True, seconds=QUICK),
        ]
        if "whisper" in engines:
            found += [
                _ours("ours, Whisper and sound", text="whisper", sound="pipecat", words=True),
                _ours(f"ours, Whisper in {QUICK:g} s and sound", "whisper", "pipecat", words=True, seconds=QUICK),
            ]
        found.append(Contestant(name="pipecat", curve=analysers, at=(0.5,), text=recogniser, sound="pipecat"))
    return found


def _ours(
    name: str, text: str, sound: str | None = None, *, words: bool = False, seconds: float | None = None
) -> Contestant:
    curve = tuple((factor, Ours(scaled(factor), words, sound is not None)) for factor in PATIENCE)
    return Contestant(name=name, curve=curve, at=(1.0,), text=text, sound=sound, seconds=seconds)


def result_of(contestant: Contestant, heard: Sequence[tuple[Turn, Sequence[Evidence]]], engines: Engines) -> Result:
    evidence = [(turn, [contestant.hears(engines, turn, each) for each in bare]) for turn, bare in heard]
    return Result(
        contestant=contestant,
        scores={
            place: score_of([ending for _, ending in endings(contestant, policy, evidence)])
            for place, policy in contestant.curve
        },
    )


def endings(
    contestant: Contestant, policy: Policy, evidence: Sequence[tuple[Turn, Sequence[Evidence]]]
) -> list[tuple[Turn, Ending]]:
    """How each turn ends, one after the other, while the habits of its speaker become known."""
    habits: dict[str, Pauses] = {}
    return [
        (
            turn,
            ending_of(turn, each, policy, habits.setdefault(turn.speaker, Pauses()), drafts=contestant.drafts),
        )
        for turn, each in evidence
    ]


def fixed_delay_at(fixed: Result, cuts: float) -> float | None:
    """The median delay of the shortest fixed pause that cuts off no more than ``cuts``; None when all cut off more."""
    return min((score.p50 for score in fixed.scores.values() if score.cuts <= cuts), default=None)
