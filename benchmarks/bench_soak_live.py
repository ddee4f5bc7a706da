"""Half an hour of talking in real time: does the process grow, and is it ever late?

One conversation that lasts all the time, at a real sound server's devices where there is one, and beside it short ones
one after another, with fake devices at the pace of the clock on the wall.  The voice detector is real.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec
import trio
from attrs import frozen
from command_line import command_line, positive
from growth import Moment, Watch, curves, more, settled, slope
from paced_devices import RATE, Pace, PacedMicrophone, PacedSpeaker
from report import Budget, Figure, Findings, carry_out, figure
from stand_ins import CLIPS, InstantEars, InstantVoice, human_voice

from actors.events import Event, StateChanged
from actors.messages import Message, SpeakingStarted
from actors.ports import Microphone, Speaker
from tests.virtual_audio import VirtualAudio, missing
from voicemode import Settings, open_conversation
from voicemode.audio.portaudio_microphone import PortAudioMicrophone
from voicemode.audio.portaudio_speaker import PortAudioSpeaker
from voicemode.audio.store import DirectoryStore

MINUTES, SMOKE_MINUTES = 30.0, 0.07
EVERY = 2.0
"""Seconds from one look at the process to the next."""

LOOK = 0.01
ENOUGH = 300.0
"""Seconds after which something can be said about growth."""

SHORT = (3.0, 12.0)
"""Seconds that a short conversation lasts."""

SENTENCE = 1.0
HOUR = 3_600
GROWTH = Budget(at_most=2.0)
"""MB an hour."""


@frozen(kw_only=True)
class Found:
    moments: list[Moment]
    conversations: int
    turns: int
    dropped: int
    device: str


class Person:
    """Answers, and speaks over the assistant now and then; what nobody at a sound server does, who stays silent."""

    def __init__(self, pace: Pace, number: int, clips: Sequence[bytes]) -> None:
        self.dice, self.clips = random.Random(number), clips
        self.microphone, self.speaker = PacedMicrophone(pace, number, self.happened), PacedSpeaker(pace, number)

    def happened(self, event: Event) -> None:
        match event:
            case StateChanged(state="listening"):
                self.microphone.place(self.dice.choice(self.clips), trio.current_time() + self.dice.uniform(0.1, 0.5))
            case SpeakingStarted() if self.dice.random() < 0.3:
                self.microphone.place(self.dice.choice(self.clips), trio.current_time() + self.dice.uniform(0.2, 1.0))
            case _:
                pass


class Soak:
    def __init__(self, folder: Path) -> None:
        self.pace, self.folder = Pace(), folder
        self.clips = [human_voice(path.name, seconds=1.5).pcm for path in sorted(CLIPS.glob("*.wav"))]
        self.conversations = self.turns = self.dropped = 0

    async def agent(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        self.turns += 1
        for sentence in ("Once upon a time there was a turn. ", "It came to an end."):
            await trio.sleep(random.uniform(0, 0.05))
            yield sentence

    async def talk(self, microphone: Microphone, speaker: Speaker) -> None:
        self.conversations += 1
        async with open_conversation(
            Settings(history=4, chimes=False),
            microphone=microphone,
            speaker=speaker,
            tts=InstantVoice(SENTENCE),
            stt=InstantEars(),
            store=DirectoryStore(self.folder, keep=False),
        ) as conversation:
            await conversation.talk(self.agent, greeting="Hello.")

    async def one_after_another(self) -> None:
        while True:
            person = Person(self.pace, self.conversations, self.clips)
            with trio.move_on_after(random.uniform(*SHORT)):
                await self.talk(person.microphone, person.speaker)
            self.dropped += person.microphone.dropped

    async def a_long_one(self, real: bool) -> None:
        if not real:
            person = Person(self.pace, 0, self.clips)
            await self.talk(person.microphone, person.speaker)
            return
        await self.at_the_sound_server()

    async def at_the_sound_server(self) -> None:
        """Nobody is there, so somebody says something every so often, by the keyboard."""
        self.conversations += 1
        microphone = PortAudioMicrophone()
        async with (
            open_conversation(
                Settings(history=4, chimes=False),
                microphone=microphone,
                speaker=PortAudioSpeaker(),
                tts=InstantVoice(SENTENCE),
                stt=InstantEars(),
                store=DirectoryStore(self.folder, keep=False),
            ) as conversation,
            trio.open_nursery() as nursery,
        ):
            await nursery.start(conversation.talk, self.agent)
            while True:
                before = microphone.dropped
                await trio.sleep(random.uniform(1.0, 5.0))
                conversation.answer("Go on.")
                self.dropped += microphone.dropped - before


async def soak(seconds: float, real: bool) -> Found:
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        soaking = Soak(Path(folder))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(soaking.pace.keep)
            nursery.start_soon(soaking.a_long_one, real)
            nursery.start_soon(soaking.one_after_another)
            begun = trio.current_time()
            while (now := trio.current_time()) < begun + seconds:
                late = 0.0
                while trio.current_time() < min(now + EVERY, begun + seconds):
                    due = trio.current_time() + LOOK
                    await trio.sleep_until(due)
                    late = max(late, trio.current_time() - due)
                watch.look(trio.current_time() - begun, late=1000 * late)
            nursery.cancel_scope.cancel()
    return Found(
        moments=watch.moments,
        conversations=soaking.conversations,
        turns=soaking.turns,
        dropped=soaking.dropped,
        device="PulseAudio" if real else "fake devices",
    )


def found(seconds: float) -> Found:
    """In a process of its own, with a sound server of its own where there can be one."""
    real = missing() is None
    with VirtualAudio(RATE) if real else nullcontext() as audio:
        child = subprocess.run(
            [sys.executable, str(Path(__file__)), "child", str(seconds), str(int(real))],
            check=True,
            stdout=subprocess.PIPE,
            env=None if audio is None else audio.env,
        )
    return msgspec.json.decode(child.stdout, type=Found)


def measure(smoke: bool, minutes: float | None) -> Findings:
    soaked = found(60 * (minutes or (SMOKE_MINUTES if smoke else MINUTES)))
    moments = soaked.moments
    last = moments[-1]
    figures = [
        figure("conversations", "", [soaked.conversations]),
        figure("turns", "", [soaked.turns]),
        # a few seconds are to show that it runs: a machine that is busy elsewhere loses frames and breaks nothing
        figure("frames dropped by microphones", "", [soaked.dropped], None if smoke else Budget(at_most=0)),
        figure("event loop late, the longest of each look", "ms", [each.late for each in moments]),
        figure("memory, RSS", "MB", [last.rss]),
        figure("memory, PSS", "MB", [last.pss]),
    ]
    if last.at >= ENOUGH:
        figures += [
            figure("open files, growth", "", [more(moments, "files")], Budget(at_most=0)),
            figure("threads, growth", "", [more(moments, "threads")], Budget(at_most=0)),
            figure("tasks, growth", "", [more(moments, "tasks")], Budget(at_most=0)),
        ]
    return Findings(
        figures=(*figures, *_slopes(moments)),
        notes=(f"The long conversation had {soaked.device}.", *_verdict(moments)),
        curves=curves(moments, "soak_live", "minutes", per=60),
    )


def _slopes(moments: Sequence[Moment]) -> list[Figure]:
    return [
        figure(f"{name}, growth", f"{unit}/h", [HOUR * steep.value], budget)
        for what, name, unit, budget in (
            ("rss", "memory, RSS", "MB", GROWTH),
            ("pss", "memory, PSS", "MB", GROWTH),
            ("blocks", "Python's blocks of memory", "thousand", None),
        )
        if moments[-1].at >= ENOUGH and (steep := slope(moments, what)) is not None
    ]


def _verdict(moments: Sequence[Moment]) -> list[str]:
    """Of the memory: whether it grows as far as that can be known."""
    steep = slope(moments, "rss")
    if steep is None or moments[-1].at < ENOUGH:
        return ["It was too short to tell whether memory grows."]
    low, high = (HOUR * (steep.value + side * steep.sure) for side in (-1, 1))
    kept = settled(moments)
    says = "It grows" if low > 0 else "No growth can be told"
    minutes = math.floor((kept[-1].at - kept[0].at) / 60)
    return [f"{says}: between {low:+.2f} and {high:+.2f} MB an hour (95 %), by the last {minutes} minutes."]


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("soak_live")
    parser.add_argument("--minutes", type=positive(float), help=f"({MINUTES:g}; with --smoke {SMOKE_MINUTES:g})")
    options = parser.parse_args(arguments)
    return carry_out("soak_live", lambda smoke: measure(smoke, options.minutes), options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _, _, length, with_server = sys.argv
        print(msgspec.json.encode(trio.run(soak, float(length), bool(int(with_server)))).decode())
        sys.exit(0)
    sys.exit(main())
