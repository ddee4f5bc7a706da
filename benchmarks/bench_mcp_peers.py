"""Our MCP server and the one it replaces, voice-mode 9.0.1, in one room: the same devices, speech service and client.

Both are real processes, used by turns through the SDK's client with the same arguments, and judged from outside alone:
by tapes of the speaker and the microphone, by what the sound server says of who records, and by their answers.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import trio
from attrs import evolve
from command_line import command_line
from environments import BUILD, HOW
from marked_voice import MarkedVoice
from peers.contest import Contest
from peers.room import LISTENING_RATE, room
from peers.rows import table
from peers.service import Service
from peers.sides import OURS, peer
from peers.sounds import spoken
from report import Findings, carry_out
from tables import markdown_of

from tests.scripted_server import listening
from tests.virtual_audio import missing
from voicemode.speech.registry import load_text_to_speech

ANSWERS = (
    ("I would like to hear the second chapter please", "hear"),
    ("Put the meeting on Tuesday and tell everybody about it", "and"),
    ("We should look at the tests before anything else changes", "before"),
    ("Could you please write a summary of all results?", "write"),
    ("The first one was better but it took longer", "but"),
    ("Ask her whether our train leaves at nine", "whether"),
)
"""What the user answers, and the word before which they think for a while."""

PARTS = (
    *("starting", "eager_answers", "pausing_answers", "interruptions", "steady_voice", "cancels", "nobody"),
    *("leaving", "failing"),
)

INTERRUPTION = "Tell me about the other one instead"
PAUSE = 0.7
SHORT = ("starting", "eager_answers", "interruptions")
"""What is taken with ``--smoke``, unless something else is asked for."""

KEPT = "mcp_peers"
USER = "en+f3"


async def measure_all(smoke: bool, only: tuple[str, ...]) -> Findings:
    engine = await load_text_to_speech("espeak-ng")
    voice = MarkedVoice(engine)
    answers = [(await spoken(engine, text, LISTENING_RATE, USER)).with_pause(PAUSE, before) for text, before in ANSWERS]
    interruption = await spoken(engine, INTERRUPTION, LISTENING_RATE, USER)
    there = peer()
    sides = (OURS,) if there is None else (OURS, there)
    home = Path(tempfile.mkdtemp(prefix="voicemode-"))
    try:
        async with (
            room() as here,
            listening(Service(voice=voice)) as service,
            listening(Service(voice=voice)) as other,
        ):
            contest = Contest(here, service, home, sides, answers, interruption)
            await take_all(contest, other, smoke, only)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    file = keep(contest, smoke, only)
    found = table(contest.rows, [side.name for side in sides], smoke=smoke)
    return Findings(
        figures=tuple(each for row in contest.rows for each in row.figures(OURS.name)),
        notes=(
            *(f"{row.what}: {side}: {said}." for row in contest.rows for side, said in row.instead.items()),
            f"Turns that are not counted, because a sound stuttered: {contest.stutters}.",
            f"The same in {BUILD.name}/{file.name}.",
        ),
        table=evolve(found, below=(*found.below, *(() if there else (f"Without voice-mode: {HOW} voice-mode",)))),
    )


async def take_all(contest: Contest, other: Service, smoke: bool, only: tuple[str, ...]) -> None:
    if "starting" in only:
        await contest.starting(*((1, 0) if smoke else (5, 6)))
    async with contest.servers() as servers:
        for take, often in (
            (contest.eager_answers, 10),
            (contest.pausing_answers, 12),
            (contest.interruptions, 8),
            (contest.steady_voice, 5),
            (contest.cancels, 8),
        ):
            if take.__name__ in only:
                # the peer goes on for long where it is interrupted
                await take(servers[:1] if smoke and take == contest.interruptions else servers, 1 if smoke else often)
                keep(contest, smoke, only)
        if "nobody" in only:
            await contest.nobody(servers, 30)
    if "leaving" in only:
        await contest.leaving(1 if smoke else 5)
    if "failing" in only:
        await contest.silent_voice(other, 1 if smoke else 2, 75)
        keep(contest, smoke, only)
        await contest.dying_voice(other, 1 if smoke else 5)
        await contest.silent_ears(other, 1, 200)


def keep(contest: Contest, smoke: bool, only: tuple[str, ...]) -> Path:
    """What there is by now: it all takes half an hour.  Some of it does not take the place of the whole."""
    BUILD.mkdir(exist_ok=True)
    file = BUILD / f"{KEPT}{'-smoke' if smoke else '' if set(only) == set(PARTS) else '-some'}.md"
    there = table(contest.rows, [side.name for side in contest.sides], smoke=smoke)
    file.write_text(markdown_of(there) + "\n", encoding="utf-8")
    return file


def measure(smoke: bool, only: tuple[str, ...]) -> Findings:
    voices = "ffmpeg" if peer() is not None and shutil.which("ffmpeg") is None else None
    if absent := ", ".join(filter(None, (missing(), voices))):
        raise SystemExit(f"Install what this needs (the names are Debian's): {absent}.")
    return trio.run(measure_all, smoke, only)


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("mcp_peers")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        help=f"these alone, kept in {BUILD.name}/{KEPT}-some.md (all; with --smoke three)",
    )
    options = parser.parse_args(arguments)
    only = tuple(options.only or (SHORT if options.smoke else PARTS))
    return carry_out("mcp_peers", lambda smoke: measure(smoke, only), options)


if __name__ == "__main__":
    sys.exit(main())
