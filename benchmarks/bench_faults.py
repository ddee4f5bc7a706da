"""A thousand faults strike engines behind endpoints: is audio lost, is a word, how long is silence borne?

The endpoints are real HTTP on this machine, the utterances human speech, the assistant's voice espeak-ng.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import trio
from attrs import define, field
from fault_server import MIDWAY, FaultServer
from faulty_cases import Bench, Case, Outcome, Sentence
from marked_voice import MarkedVoice
from report import Budget, Findings, figure, run
from stand_ins import CLIPS, LISTENING_RATE

from actors.failover import FailoverPolicy
from voicemode.audio.files import Sound, read_audio
from voicemode.groups import unwrapped
from voicemode.speech.endpoint_name import EndpointName
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.registry import load_text_to_speech, release
from voicemode.speech.word_finder import WordFinder

SEED = int(os.environ.get("FAULT_SEED", "1"))
"""Another one draws other cases."""

VOICES = (
    ("en-us", 1.0),
    ("en-gb", 1.1),
    ("en-us+f3", 0.95),
    ("en-us+m7", 1.2),
    ("en-gb+f2", 1.0),
    ("en-gb+m2", 0.85),
    ("en-us+f5", 1.1),
    ("en-gb-scotland", 1.0),
)
"""Of the assistant, with the pace.  Words are looked for with the first."""

LANES = 8
"""Cases side by side, each with endpoints of its own: most of the time is spent waiting for what says nothing."""

TICK = 0.02
"""Seconds between two looks at how punctual the machine is."""

TEXTS = (
    "It stood in a shed behind the mill, and nobody knew whether the old man who had built it would come back for it.",
    "The train to the coast leaves at half past seven from the platform on the left.",
    "In being comparatively modern, this hand has never been surpassed.",
    "Produced the block books, which were the immediate predecessors of the true printed book.",
    "He was not an ill disposed young man, unless to be rather cold hearted and rather selfish is to be ill disposed.",
    "Your table is booked for Friday evening, four people, by the window.",
    "Yes, of course.",
    "Three of the tests failed: the one about dates, the one about names, and the slow one.",
    "And then mister Dashwood had leisure to consider how much there might be prudently in his power to do for them.",
    "Tomorrow will be mostly cloudy with some rain in the afternoon, and a light wind from the west.",
    "Done.",
    "Should I send the letter now, or would you rather read it once more before it goes out?",
)

SHORTEST, LONGEST = 0.5, 4.0
"""Seconds of an utterance."""


def recordings() -> list[bytes]:
    return [read_audio(path, LISTENING_RATE).pcm for path in sorted(CLIPS.glob("*.wav"))]


@define
class Battery:
    """Cases until ``faults`` have struck; every second one listens, the others speak."""

    faults: int
    struck: int = 0
    listened: list[Outcome] = field(factory=list[Outcome])
    spoken: list[Outcome] = field(factory=list[Outcome])
    _numbers: Iterator[int] = field(factory=lambda: count(1))
    _recordings: list[bytes] = field(factory=recordings)

    async def run(self, bench: Bench) -> None:
        while self.struck < self.faults:
            case = Case.drawn(SEED, next(self._numbers))
            chance = random.Random(f"{SEED}/{case.number}/said")
            if case.number % 2:
                outcome = await bench.listen(case, self._sentence(chance))
                self.listened.append(outcome)
            else:
                outcome = await bench.speak(case, chance.choice(TEXTS), *chance.choice(VOICES))
                self.spoken.append(outcome)
            self.struck += len(outcome.struck)

    def _sentence(self, chance: random.Random) -> Sentence:
        """A stretch of human speech."""
        pcm = chance.choice(self._recordings)
        length = min(2 * round(chance.uniform(SHORTEST, LONGEST) * LISTENING_RATE), len(pcm))
        start = 2 * chance.randint(0, (len(pcm) - length) // 2)
        text = f"This is utterance {chance.randrange(1_000_000)}."
        return Sentence(Sound(pcm=pcm[start : start + length], rate=LISTENING_RATE), text)


@asynccontextmanager
async def bench_with(marked: MarkedVoice, finder: WordFinder, policy: FailoverPolicy) -> AsyncGenerator[Bench]:
    with unwrapped():
        async with trio.open_nursery() as nursery:
            servers = FaultServer(voice=marked), FaultServer(voice=marked)
            for server in servers:
                await server.up(nursery)
            ears = [await recogniser_at(server.url) for server in servers]
            voices = [await load_text_to_speech(server.url) for server in servers]
            try:
                yield Bench(servers, (ears[0], ears[1]), (voices[0], voices[1]), marked, policy, finder, nursery)
            finally:
                for engine in (*ears, *voices):
                    await release(engine)
                nursery.cancel_scope.cancel()


async def recogniser_at(url: str) -> OpenAIRecogniser:
    return await OpenAIRecogniser.open(EndpointName(url, {}))


async def measure_all(smoke: bool) -> Findings:
    espeak = await load_text_to_speech("espeak-ng")
    finder = WordFinder(espeak)
    battery, policy = Battery(20 if smoke else 1_000), FailoverPolicy()

    async def lane() -> None:
        async with bench_with(MarkedVoice(espeak), finder, policy) as bench:
            await battery.run(bench)

    late: list[float] = []
    async with trio.open_nursery() as watching:
        watching.start_soon(watch_the_clock, late)
        async with trio.open_nursery() as nursery:
            for _ in range(LANES):
                nursery.start_soon(lane)
        watching.cancel_scope.cancel()
    return findings_of(battery, late)


async def watch_the_clock(late: list[float]) -> None:
    """By how many milliseconds a task wakes up too late, all along: nothing here can be more punctual."""
    while True:
        due = trio.current_time() + TICK
        await trio.sleep_until(due)
        late.append(1000 * (trio.current_time() - due))


def findings_of(battery: Battery, clock: Sequence[float]) -> Findings:
    none, one = Budget(at_most=0, exact=True), Budget(at_most=1, exact=True)
    outcomes = [*battery.listened, *battery.spoken]
    timed = [each for each in battery.spoken if each.case.timed]
    untimed = [each for each in battery.spoken if not each.case.timed]
    silent = [seconds for each in outcomes for seconds in each.silent]
    broken_off = [seconds for each in outcomes for seconds in each.broken_off]
    late = [1000 * seconds for each in outcomes for seconds in each.late]
    looked = [1000 * seconds for each in outcomes for seconds in each.looked]
    figures = [
        figure("faults that struck", "", [float(battery.struck)]),
        figure(
            "requests that failed, or were answered wrongly", "", [float(bool(each.problem)) for each in outcomes], none
        ),
        figure("of what the user said, lost", "ms", [1000 * each.lost for each in battery.listened], none),
        figure("words lost, with word times", "", [float(each.heard.lost) for each in timed], none),
        figure("  repeated", "", [float(each.heard.repeated) for each in timed], none),
        figure("  begun, cut off, and said again", "", [float(each.heard.cut) for each in timed]),
        figure("words lost or repeated, without, for a fault in the middle", "", map(_for_each_break, untimed), one),
        figure("  lost", "", [float(each.heard.lost) for each in untimed]),
        figure("  repeated", "", [float(each.heard.repeated) for each in untimed]),
        figure("  begun and cut off", "", [float(each.heard.cut) for each in untimed]),
        figure("request never answered → next engine asked", "s", silent),
        figure("answer that stops in its middle → next engine asked", "s", broken_off),
        figure("  both, beyond what is allowed", "ms", late, Budget(at_most=50, statistic="p99")),
        figure("  the same when words have to be looked for", "ms", looked),
        figure("  a task that only sleeps wakes up too late by", "ms", clock),
        figure("failures that were not told of", "", [float(each.unreported) for each in outcomes], none),
    ]
    return Findings(figures=tuple(figures), notes=notes_of(battery))


def _for_each_break(outcome: Outcome) -> float:
    """Where a word was lost or repeated: by how many of the answers that broke off in their middle."""
    breaks = sum(fault in MIDWAY for fault in outcome.struck)
    return (outcome.heard.lost + outcome.heard.repeated) / max(breaks, 1)


def notes_of(battery: Battery) -> tuple[str, ...]:
    outcomes = [*battery.listened, *battery.spoken]
    faults = Counter(fault for each in outcomes for fault in each.struck)
    live = sum(each.case.live for each in battery.listened)
    reported = sum(len(each.reported) for each in outcomes)
    utterances = f"{len(battery.listened)} utterances, {live} of them sent while they are said"
    return (
        f"Seed {SEED}; {utterances}, {len(battery.spoken)} texts; {reported} failures told of.",
        f"Faults: {', '.join(f'{name} {often}' for name, often in sorted(faults.items()))}.",
        *(f"{each.case}: {what}" for each in outcomes if (what := _wrong(each))),
    )


def _wrong(outcome: Outcome) -> str:
    """What the reader wants to know of a case."""
    heard, timed = outcome.heard, outcome.case.timed
    found = [outcome.problem] if outcome.problem else []
    if outcome.lost:
        found.append(f"{1000 * outcome.lost:.0f} ms lost")
    if _for_each_break(outcome) > (not timed):
        found.append(f"{heard.lost} words lost, {heard.repeated} repeated, {'with' if timed else 'without'} times")
    if outcome.unreported:
        found.append(f"{outcome.unreported} failures not told of")
    return "; ".join(found)


def measure(smoke: bool) -> Findings:
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("faults", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
