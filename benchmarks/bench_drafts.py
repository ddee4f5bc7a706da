"""What is gained by transcribing at every pause, and what it costs, by how many drafts a turn may have.

Human turns with pauses for thought, in virtual time: the voice detector and the conversation are real, the recogniser
makes no mistake and is as slow as it is said to be.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from statistics import fmean

import trio
from attrs import frozen
from report import Figure, Findings, figure, run
from stand_ins import LISTENING_RATE, Cues, Room
from trio.testing import MockClock
from turn_taking.recordings import human_sentences
from turn_taking.turns import BEFORE as SILENCE, Setting, Turn, turns
from virtual_engines import CalculatedEars, InlineModel, Slowness

from actors.messages import Transcribed
from actors.results import TurnResult
from voicemode import Settings, TurnPolicy, open_conversation
from voicemode.audio.files import Sound
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import NullSpeaker
from voicemode.speech.silero import SileroModel

ALLOWED = (0, 1, 2, 4)
RECOGNISERS = {"0.25 s + 5 %": Slowness(0.25, 0.05), "0.8 s": Slowness(0.8)}
DRAWS = 5
BEFORE = 0.1
"""Seconds between the call and the user's turn."""


@frozen(kw_only=True)
class Taken:
    """One turn: what it came to, how long after the user's last word its transcript was there (ms), and the seconds of
    sound of every request.  ``whole`` is whether the user was heard out."""

    turn: Turn
    result: TurnResult
    waited: float
    asked: tuple[float, ...]
    whole: bool


async def take(made: Sequence[Turn], slowness: Slowness, drafts: int, model: SileroModel) -> list[Taken]:
    cues, taken = Cues(), list[Taken]()
    room, ears = Room(cues.tell), CalculatedEars(text=str, slowness=slowness)
    async with open_conversation(
        Settings(turn=TurnPolicy(drafts=drafts)),
        microphone=room,
        speaker=NullSpeaker(),
        tts=None,
        stt=ears,
        vad=InlineModel(model),
        store=MemoryStore(),
    ) as conversation:
        for turn in made:
            cues.clear()
            ears.asked.clear()
            begun = trio.current_time() + BEFORE
            room.place(Sound(pcm=turn.pcm, rate=LISTENING_RATE), begun)
            ears.text = lambda turn=turn, begun=begun: turn.text_until(trio.current_time() - begun)
            result = await conversation.listen()
            there = cues.told(Transcribed)[0]
            taken.append(
                Taken(
                    turn=turn,
                    result=result,
                    waited=1000 * (there - begun - turn.end),
                    asked=tuple(ears.asked),
                    whole=result.transcript == turn.text_until(turn.end),
                )
            )
            await trio.sleep_until(begun + turn.end + BEFORE)
    return taken


def of(taken: Sequence[Taken], by_all: Collection[Turn]) -> list[Figure]:
    """Who is cut off waits for nothing: their turns are counted, and no time is.  ``by_all`` are the turns of those who
    were heard out whatever was allowed."""
    heard_out = [each for each in taken if each.whole]
    compared = [each.waited for each in taken if each.turn in by_all]
    speculation = [each.result.speculation for each in taken]
    drafts = sum(each.drafts for each in speculation)
    said = sum(each.turn.end - SILENCE for each in taken)
    figures = [
        *([figure("  end of speech → transcript", "ms", (each.waited for each in heard_out))] if heard_out else []),
        *([figure("    in turns that none cuts off", "ms", compared)] if compared else []),
        figure("  cut off", "% of turns", [100 * (1 - len(heard_out) / len(taken))]),
        figure("  requests", "a turn", [fmean(len(each.asked) for each in taken)]),
        figure("  sound sent, of what was said", "%", [100 * sum(sum(each.asked) for each in taken) / said]),
    ]
    if drafts:
        figures += [
            figure("  drafts for nothing", "% of drafts", [100 * sum(each.wasted for each in speculation) / drafts]),
            figure("  answered by a draft", "% of turns", [100 * fmean(each.used for each in speculation)]),
        ]
    return figures


def measure(smoke: bool) -> Findings:
    model = trio.run(SileroModel.load)
    sentences = human_sentences()
    made = list(turns(sentences[3:5] if smoke else sentences, "human", 1 if smoke else DRAWS, settings=[Setting()]))
    figures: list[Figure] = []
    recognisers = list(RECOGNISERS.items())[: 1 if smoke else None]
    for name, slowness in recognisers:
        by_allowed = {
            drafts: trio.run(take, made, slowness, drafts, model, clock=MockClock(autojump_threshold=0))
            for drafts in ALLOWED[:: 3 if smoke else 1]
        }
        by_all = [same[0].turn for same in zip(*by_allowed.values(), strict=True) if all(each.whole for each in same)]
        for drafts, taken in by_allowed.items():
            figures += [figure(f"recogniser {name}, {drafts} drafts:", "turns", [len(taken)]), *of(taken, by_all)]
    pauses, seconds = sum(len(turn.pauses) for turn in made), sum(turn.end - SILENCE for turn in made)
    return Findings(
        figures=tuple(figures),
        notes=(f"{len(made)} turns with {pauses} pauses for thought, {seconds:.0f} s of speech, pauses included.",),
    )


def main(arguments: list[str] | None = None) -> int:
    return run("drafts", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
