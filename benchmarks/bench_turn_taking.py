"""When a turn is held to be over: how often a speaker is cut off, against how long one waits who is done.

The voice detector and the recognisers are real; time is calculated.  A real Whisper and pipecat's turn analyser take
part where ``environments.py`` has made their environments.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import trio
from environments import HOW, python_of
from report import Figure, Findings, figure, run
from turn_taking.contest import FIXED, Result, contestants, fixed_delay_at, result_of
from turn_taking.dialogues import TEXTS, spoken_sentences
from turn_taking.evidence import Engines
from turn_taking.hearing import pauses_in
from turn_taking.judge import Evidence
from turn_taking.picture import draw, table
from turn_taking.recordings import human_sentences
from turn_taking.telling import combined, price, separation, told
from turn_taking.turns import CROWD, Turn, turns

from voicemode.speech.silero import SileroModel

BUILD = Path(__file__).parent.parent / "build"
OTHERS = ("pipecat", "whisper")
KEPT = BUILD / "turn_taking"
HUMAN_DRAWS, SPOKEN_DRAWS = 5, 2
CROWDED = 1
"""How often each human sentence is said in a crowd."""

SMOKE = 2
"""Short sentences of either kind when it is only to be seen that it runs."""


async def made_turns(smoke: bool) -> list[Turn]:
    human, texts = human_sentences(), TEXTS
    if smoke:
        human, texts = human[3 : 3 + SMOKE], TEXTS[:SMOKE]
    spoken = await spoken_sentences(KEPT / "voice", texts)
    draws = (1, 1) if smoke else (HUMAN_DRAWS, SPOKEN_DRAWS)
    return [*turns(human, "human", draws[0]), *turns(spoken, "spoken", draws[1])]


async def compare(smoke: bool) -> Findings:
    model = await SileroModel.load()
    made = await made_turns(smoke)
    heard = [(turn, [Evidence(pause=pause) for pause in pauses_in(turn, model)]) for turn in made]
    sounds = [each.pause.heard for _, pauses in heard for each in pauses]
    there = () if smoke else tuple(name for name in OTHERS if python_of(name) is not None)
    engines = Engines(KEPT, (*there, "pocketsphinx"))
    await engines.ask(sounds)
    results = [result_of(each, heard, engines) for each in contestants(engines.names)]
    took = ", ".join(f"{name} {median(engines.seconds(name, sounds)):.2f} s" for name in engines.names)
    human = sum(turn.source == "human" for turn in made)
    pauses = sum(len(turn.pauses) for turn in made)
    what = f"{human} turns of human speech and {len(made) - human} of espeak-ng, with {pauses} pauses for thought"
    notes = [
        f"{what}; a draft takes (median) {took}.",
        *(f"Without {name}: {HOW} {name}" for name in OTHERS if name not in there and not smoke),
    ]
    if not smoke:
        notes += [_crowd(model), *_written(results, len(made))]
    return Findings(figures=(*_figures(results), *(() if smoke else _telling(heard, engines))), notes=tuple(notes))


def _figures(results: list[Result]) -> list[Figure]:
    fixed = next(result for result in results if result.contestant.name == FIXED)
    found: list[Figure] = []
    for result in results:
        for name, score in result.named:
            found += [
                figure(f"{name}: cut off, of 100 turns", "", [score.cuts]),
                figure("  end of speech → decision, p50", "s", [score.p50]),
            ]
            same = fixed_delay_at(fixed, score.cuts)
            if same and result is not fixed:
                found.append(figure("  of what a fixed pause with no more takes", "%", [100 * score.p50 / same]))
    return found


def _telling(heard: list[tuple[Turn, list[Evidence]]], engines: Engines) -> Iterator[Figure]:
    """How much there is to be known, whatever a policy makes of it."""
    text = "whisper" if "whisper" in engines.names else "pocketsphinx"
    sound = "pipecat" if "pipecat" in engines.names else None
    for source in sorted({turn.source for turn, _ in heard}):
        silences = told(
            [
                (turn, [engines.evidence(each, text, sound) for each in bare])
                for turn, bare in heard
                if turn.source == source
            ]
        )
        ends = [each.end for each in silences]
        evidence = {f"{text}'s words": [each.words for each in silences]}
        if sound is not None:
            evidence["the sound"] = [each.probability or 0.0 for each in silences]
        evidence["all of it, fitted to the other sentences"] = combined(silences)
        for name, scores in evidence.items():
            yield figure(
                f"{source}: an end looks more done than a pause, by {name}", "%", [100 * separation(scores, ends)]
            )
            yield figure("  pauses that look as done as half of the ends", "%", [100 * price(scores, ends)])


def _crowd(model: SileroModel) -> str:
    crowded = list(turns(human_sentences(), "human", CROWDED, settings=(CROWD,)))
    ended = sum(bool(found := pauses_in(turn, model)) and found[-1].resumed is None for turn in crowded)
    return f"Among other voices {CROWD.snr:g} dB below, the silence at the end is seen of {ended} of {len(crowded)}."


def _written(results: list[Result], count: int) -> list[str]:
    BUILD.mkdir(exist_ok=True)
    (BUILD / "turn_taking.md").write_text(table(results), encoding="utf-8")
    draw(results, [BUILD / "turn_taking.svg", BUILD / "turn_taking.png"], f"Turn-taking, {count} turns")
    return ["Written: build/turn_taking.md, .svg and .png."]


def measure(smoke: bool) -> Findings:
    return trio.run(compare, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("turn_taking", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
