"""How many words the account of what was heard is wrong by, when the assistant is held, ducked, skipped through and
stopped at random moments.

What was played is recognised in the recording sample by sample, and nothing else is asked.  Most of it happens in
virtual time; with ``--real`` some of it again through a real PulseAudio, started for this alone.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

import numpy as np
import trio
from attrs import define, field
from command_line import command_line, positive
from numpy.typing import NDArray
from report import Budget, Figure, Findings, carry_out, figure
from trio.testing import MockClock

from actors.messages import TurnId
from tests.interrupting import Interruptions, interrupt_at_random
from tests.traceable import Story
from tests.virtual_audio import VirtualAudio, missing
from voicemode.audio.portaudio_speaker import PortAudioSpeaker
from voicemode.audio.virtual_speaker import VirtualSpeaker

RATE = 8_000
REAL_RATE = 16_000

SOFTER_HALF = 0.003
"""Seconds of a fade that leave a real device and are not accounted for."""

Samples = NDArray[np.int16]


@define
class Wrong:
    """Words, one value a turn; ``interruptions`` are all that was done in these turns."""

    too_many: list[float] = field(factory=list[float])
    too_few: list[float] = field(factory=list[float])
    interruptions: int = 0

    def judge(self, story: Story, done: Interruptions, recording: Samples, *, unsure: float = 0.0) -> None:
        """``unsure`` are seconds before the end of what was recorded that may count or not."""
        if done.account is None:
            raise RuntimeError("a turn ended without an account")
        unbroken, said = story.unbroken(recording), len(done.account.heard.split())
        whole = unbroken == len(story.samples)
        surely = story.surely_said(unbroken if whole else unbroken - round(unsure * story.rate))
        self.too_many.append(float(max(0, said - story.said(unbroken))))
        self.too_few.append(float(max(0, surely - said)))
        self.interruptions += len(done.deeds)


async def interrupted(dice: random.Random, *, timed: bool, wrong: Wrong) -> None:
    story, played = Story(dice, TurnId(1), RATE, timed=timed), bytearray()
    async with VirtualSpeaker(lambda _at, pcm, _rate: played.extend(pcm)).open(RATE) as playback:
        done = await interrupt_at_random(dice, story, playback)
    wrong.judge(story, done, np.frombuffer(played, "<i2").astype(np.int16))


def interrupt_often(interruptions: int, *, timed: bool) -> Wrong:
    """In virtual time, each turn by another seed."""
    wrong = Wrong()
    while wrong.interruptions < interruptions:
        dice = random.Random(len(wrong.too_many))

        async def one(dice: random.Random = dice) -> None:
            await interrupted(dice, timed=timed, wrong=wrong)

        trio.run(one, clock=MockClock(autojump_threshold=0))
    return wrong


async def interrupt_for_real(interruptions: int, *, timed: bool, underruns: list[int]) -> Wrong:
    """Through PortAudio and PulseAudio, each turn recorded on its own."""
    wrong = Wrong()
    with VirtualAudio(REAL_RATE) as audio, audio.in_process():
        async with PortAudioSpeaker().open(REAL_RATE) as playback:
            while wrong.interruptions < interruptions:
                dice = random.Random(len(wrong.too_many))
                story = Story(dice, TurnId(1), REAL_RATE, timed=timed)
                async with audio.record() as recording:
                    done = await interrupt_at_random(dice, story, playback)
                    playback.duck(1.0)
                wrong.judge(story, done, recording.samples(), unsure=SOFTER_HALF)
            underruns.append(playback.underruns)
        await trio.lowlevel.checkpoint()
    return wrong


def figures_of(where: str, wrong: Wrong, budget: Budget) -> tuple[Figure, ...]:
    return (
        figure(f"{where}: words too many, a turn", "words", wrong.too_many, budget),
        figure("  words too few", "words", wrong.too_few, budget),
    )


def measure(smoke: bool, real: int) -> Findings:
    none, one = Budget(at_most=0, exact=True), Budget(at_most=1)
    figures, notes = list[Figure](), list[str]()
    for timed, times, budget in ((True, "with word times", none), (False, "without word times", one)):
        wrong = interrupt_often(300 if smoke else 10_000, timed=timed)
        figures += figures_of(times, wrong, budget)
        notes.append(f"{times.capitalize()}: {wrong.interruptions:,} interruptions in {len(wrong.too_many):,} turns.")
        if real:
            underruns = list[int]()
            wrong = trio.run(lambda timed=timed, dry=underruns: interrupt_for_real(real, timed=timed, underruns=dry))
            # a speaker that runs dry may lose a block, and what follows it then does not count as heard
            figures += figures_of(f"PulseAudio, {times}", wrong, Budget(at_most=budget.at_most))
            notes.append(
                f"PulseAudio, {times}: {wrong.interruptions} interruptions in {len(wrong.too_many)} turns, "
                f"{underruns[0]} underruns."
            )
    return Findings(figures=tuple(figures), notes=tuple(notes))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_line("heard")
    parser.add_argument(
        "--real",
        type=positive(int),
        default=0,
        metavar="N",
        help="interruptions through PortAudio and PulseAudio as well",
    )
    options = parser.parse_args(arguments)
    if options.real and (absent := missing()):
        raise SystemExit(f"Install what --real needs (the names are Debian's): {absent}.")
    return carry_out("heard", lambda smoke: measure(smoke, options.real), options)


if __name__ == "__main__":
    sys.exit(main())
