"""How many conversations one process holds, in real time, before the first frame is lost, and what one more costs.

Each has a microphone and a speaker of its own, people's voices at moments of their own, and a scripted agent that is
spoken over half of the time.  The voice detector is real, everything else stands in.  Every number of conversations
runs in a process of its own.
"""

from __future__ import annotations

import gc
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]  # carries no types
import trio
from attrs import define, field, frozen
from command_line import command_line, positive
from paced_devices import FRAME, RATE, Pace, PacedMicrophone, PacedSpeaker
from report import Budget, Curve, Figure, Findings, carry_out, figure, spread_of
from stand_ins import CLIPS, InstantEars, InstantVoice, human_voice

from actors.events import BargedIn, Event, StateChanged
from actors.machines.barge_in import BargeInPolicy
from actors.messages import Message, SpeakingStarted, SpeechActivity, Spoken
from actors.ring import Ring
from voicemode import Settings, TurnPolicy, open_conversation
from voicemode.audio.store import DirectoryStore

STEPS = (1, 8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192)
SMOKE_STEPS = (4,)
ASKED_FOR = 64
"""Conversations of which no frame may be lost."""

SETTLING, SMOKE_SETTLING = 3.0, 0.7
"""Seconds in which all conversations begin, before anything is counted."""

SENTENCES = ("Once upon a time there was a turn. ", "It was long. ", "It came to an end.")
SPOKEN = 2.0
"""Seconds of voice for each of them."""

LOOK = 0.005
"""Seconds between two looks at how late the event loop is."""

HOPELESS = 200.0
"""Milliseconds of p99 delay with which nobody can talk; more conversations are not tried."""

FULL = 0.85
"""Of a core, from which on a thread has no rest between two frames."""

SILENCE = Budget(at_most=30, statistic="p99")
KILOBYTE = 1_000


@frozen(kw_only=True)
class Held:
    """What was found for ``sessions`` conversations at once.  Times in ms, ``cpu`` in seconds a second for all.

    ``judged``: from the end of the frame that completes a window until the conversation hears what was made of it.
    ``silent``: from the decision that the user interrupts to the last sample.  ``cpu_devices`` is the price of the
    microphones alone.  ``memory`` in bytes: with the first conversation, and with all.
    """

    sessions: int
    frames: int
    dropped: int
    turns: int
    judged: list[float]
    silent: list[float]
    gaps: list[float]
    late: list[float]
    cpu: float
    cpu_devices: float
    memory: tuple[int, int]


@define
class Counted:
    """What all conversations of the process tell, while ``counting``."""

    counting: bool = False
    turns: int = 0
    judged: list[float] = field(factory=list[float])
    silent: list[float] = field(factory=list[float])


class Person:
    """One user with their devices, who answers, and half of the time speaks over the assistant."""

    def __init__(self, pace: Pace, counted: Counted, clips: Sequence[bytes], number: int) -> None:
        self.counted, self.clips = counted, clips
        self.dice = random.Random(number)
        self.microphone, self.speaker = PacedMicrophone(pace, number, self.happened), PacedSpeaker(pace, number)
        self._decided: float | None = None

    def happened(self, event: Event) -> None:
        now = trio.current_time()
        match event:
            case SpeechActivity():
                if self.counted.counting:
                    rhythm = self.microphone.pace.frames_per_second
                    frames = math.ceil((event.at - self.microphone.opened) * rhythm - 1e-6)
                    there = self.microphone.opened + frames / rhythm
                    self.counted.judged.append(1000 * (now - there))
            case StateChanged(state="listening"):
                self._say(now + self.dice.uniform(0.2, 1.0))
            case SpeakingStarted():
                if self.dice.random() < 0.5:
                    self._say(now + self.dice.uniform(0.5, 3.0))
            case BargedIn(at=at):
                self._decided = at
            case Spoken():
                if self.counted.counting:
                    self.counted.turns += 1
                    if self._decided is not None:
                        self.counted.silent.append(max(0.0, 1000 * (self.speaker.silent - self._decided)))
                self._decided, self.speaker.silent = None, -1.0
            case _:
                pass

    def _say(self, at: float) -> None:
        self.microphone.place(self.dice.choice(self.clips), at)

    async def agent(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        for sentence in SENTENCES:
            await trio.sleep(self.dice.uniform(0, 0.05))
            yield sentence

    async def talk(self, folder: Path, settling: float, task_status: trio.TaskStatus[None]) -> None:
        async with open_conversation(
            Settings(turn=TurnPolicy(barge_in=BargeInPolicy(manners="interrupt"))),
            microphone=self.microphone,
            speaker=self.speaker,
            tts=InstantVoice(SPOKEN),
            stt=InstantEars(),
            store=DirectoryStore(folder, keep=False),
        ) as conversation:
            task_status.started()
            await trio.sleep(self.dice.uniform(0, settling / 2))
            await conversation.talk(self.agent, greeting="Hello.")


async def hold(sessions: int, seconds: float, settling: float = SETTLING, frame: int = FRAME) -> Held:
    """``frame`` is in milliseconds."""
    process, counted = psutil.Process(), Counted()
    clips = [human_voice(path.name).pcm for path in sorted(CLIPS.glob("*.wav"))]
    pace = Pace(frame)
    people = [Person(pace, counted, clips, number) for number in range(sessions)]
    cpu_devices = await bare(sessions, seconds / 4, process, frame)
    late = list[float]()
    with tempfile.TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pace.keep)
            memory = list[int]()
            for person in people:
                await nursery.start(person.talk, Path(folder), settling)
                if not memory:
                    await trio.sleep(settling)
                    memory.append(process.memory_info().rss)
            await trio.sleep(settling)
            frames, dropped = _delivered(people), _dropped(people)
            cpu, begun = used(process), trio.current_time()
            counted.counting = True
            while (due := trio.current_time() + LOOK) < begun + seconds:
                await trio.sleep_until(due)
                late.append(1000 * (trio.current_time() - due))
            counted.counting = False
            cpu = (used(process) - cpu) / (trio.current_time() - begun)
            memory.append(process.memory_info().rss)
            frames, dropped = _delivered(people) - frames, _dropped(people) - dropped
            nursery.cancel_scope.cancel()
    return Held(
        sessions=sessions,
        frames=frames,
        dropped=dropped,
        turns=counted.turns,
        judged=counted.judged,
        silent=counted.silent,
        gaps=[1000 * gap for person in people for gap in person.speaker.gaps],
        late=late,
        cpu=cpu,
        cpu_devices=cpu_devices,
        memory=(memory[0], memory[1]),
    )


async def bare(sessions: int, seconds: float, process: psutil.Process, frame: int) -> float:
    """Processor time a second of so many microphones that nobody listens to."""
    pace = Pace(frame)

    async def listen(number: int) -> None:
        async with PacedMicrophone(pace, number, lambda _: None).open(RATE) as frames:
            async for _ in frames:
                pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pace.keep)
        for number in range(sessions):
            nursery.start_soon(listen, number)
        cpu, begun = used(process), time.perf_counter()
        await trio.sleep(seconds)
        cpu = (used(process) - cpu) / (time.perf_counter() - begun)
        nursery.cancel_scope.cancel()
    return cpu


def used(process: psutil.Process) -> float:
    """Processor time, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _delivered(people: Sequence[Person]) -> int:
    return sum(person.microphone.delivered for person in people)


def _dropped(people: Sequence[Person]) -> int:
    """Frames that microphones or rings have lost."""
    rings = sum(each.statistics().dropped for each in gc.get_objects() if isinstance(each, Ring))
    return rings + sum(person.microphone.dropped for person in people)


def held(sessions: int, seconds: float, settling: float, frame: int) -> Held:
    """In a process of its own."""
    arguments = (str(sessions), str(seconds), str(settling), str(frame))
    child = subprocess.run(
        [sys.executable, str(Path(__file__)), "child", *arguments], check=True, stdout=subprocess.PIPE
    )
    return msgspec.json.decode(child.stdout, type=Held)


def figures_of(found: Held, seconds: float, *, smoke: bool) -> list[Figure]:
    """Nothing is judged in a short run: whether it keeps up is the machine's business too, and others' on it."""
    name = f"{found.sessions} conversation{'s' if found.sessions > 1 else ''}"
    none = Budget(at_most=0, exact=True) if found.sessions <= ASKED_FOR and not smoke else None
    times = {
        "  window there → judged": (found.judged, None),
        "  interruption decided → silence": (found.silent, None if smoke else SILENCE),
        "  event loop late": (found.late, None),
    }
    figures = [
        figure(f"{name}: frames dropped of {found.frames + found.dropped:,}", "", [found.dropped], none),
        *(figure(what, "ms", values, budget) for what, (values, budget) in times.items() if values),
        figure("  gaps in the assistants' voices", "a minute", [60 * len(found.gaps) / seconds]),
        figure("  processor", "% of a core", [100 * found.cpu]),
        figure("    for each conversation", "% of a core", [100 * found.cpu / found.sessions]),
        figure("    of it the fake microphones", "% of a core", [100 * found.cpu_devices / found.sessions]),
    ]
    if found.sessions > 1:
        figures.append(figure("  memory for one more", "kB", [_memory(found)]))
    return figures


def _memory(found: Held) -> float:
    return (found.memory[1] - found.memory[0]) / max(1, found.sessions - 1) / KILOBYTE


def _broken(found: Held) -> bool:
    return bool(found.dropped) or (_p99(found.judged) or 0.0) > HOPELESS


def _p99(values: Sequence[float]) -> float | None:
    return spread_of(values).p99 if values else None


def _curves(all_found: Sequence[Held]) -> tuple[Curve, ...]:
    silence = SILENCE.at_most
    shown: dict[tuple[str, str, float | None], Callable[[Held], float | None]] = {
        ("window there → judged, p50", "ms", None): lambda found: spread_of(found.judged).p50 if found.judged else None,
        ("window there → judged, p99", "ms", None): lambda found: _p99(found.judged),
        ("interruption decided → silence, p99", "ms", silence): lambda found: _p99(found.silent),
        ("event loop late, p99", "ms", None): lambda found: _p99(found.late),
        ("frames dropped", "%", None): lambda found: 100 * found.dropped / max(1, found.frames + found.dropped),
        ("processor", "% of a core", 100.0): lambda found: 100 * found.cpu,
        ("memory of the process", "MB", None): lambda found: found.memory[1] / KILOBYTE**2,
    }
    curves = [
        Curve(
            picture="sessions",
            what=what,
            unit=unit,
            along="conversations in one process",
            points=tuple((found.sessions, value) for found in all_found if (value := value_of(found)) is not None),
            at_most=at_most,
        )
        for (what, unit, at_most), value_of in shown.items()
    ]
    return tuple(curve for curve in curves if curve.points)


def measure(smoke: bool, steps: Sequence[int], seconds: float, frame: int) -> Findings:
    all_found = list[Held]()
    for sessions in steps:
        all_found.append(held(sessions, seconds, SMOKE_SETTLING if smoke else SETTLING, frame))
        if _broken(all_found[-1]):
            break
    return Findings(
        figures=tuple(each for found in all_found for each in figures_of(found, seconds, smoke=smoke)),
        notes=tuple(notes_of(all_found, len(steps))),
        curves=_curves(all_found),
    )


def notes_of(all_found: Sequence[Held], steps: int) -> list[str]:
    """How many go well, and why no more; ``steps`` were to be tried."""
    alone = ""
    if len(all_found) == 1:
        alone = ", the only number tried" if steps == 1 else ", the first number tried"
    notes = list[str]()
    last = all_found[-1]
    if good := [found.sessions for found in all_found if found.frames and not _broken(found)]:
        notes.append(f"Nothing is lost or late with {max(good)} conversations{alone}.")
    elif not last.frames:
        notes.append("It was too short: no microphone had a frame to hand over.")
    if _broken(last):
        wrong = f"{last.dropped:,} of {last.frames + last.dropped:,} frames are lost"
        if not last.dropped:
            wrong = f"windows are {_p99(last.judged):.0f} ms late at p99"
        notes.append(
            f"With {last.sessions}{alone}{',' if alone else ''} {wrong}.  The one thread of the event loop "
            + (
                f"is full: the process uses {100 * last.cpu:.0f} % of a core."
                if last.cpu > FULL
                else f"would have more to do than the {100 * last.cpu:.0f} % of a core that the machine left to it."
            )
        )
    return notes


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("sessions")
    parser.add_argument(
        "--sessions", type=positive(int), nargs="+", metavar="N", help="how many conversations, one after another"
    )
    parser.add_argument("--seconds", type=positive(float), help="for which they are counted (20; with --smoke 2)")
    parser.add_argument(
        "--frame", type=int, choices=(10, 20, 40), default=FRAME, help="milliseconds that a microphone hands over"
    )
    options = parser.parse_args(arguments)
    return carry_out(
        "sessions",
        lambda smoke: measure(
            smoke,
            options.sessions or (SMOKE_STEPS if smoke else STEPS),
            options.seconds or (2.0 if smoke else 20.0),
            options.frame,
        ),
        options,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _, _, count, length, before, milliseconds = sys.argv
        found = trio.run(hold, int(count), float(length), float(before), int(milliseconds))
        print(msgspec.json.encode(found).decode())
        sys.exit(0)
    sys.exit(main())
