"""How long a turn takes beyond what engines and the endpoint delay take: our share of both of its waits.

Whole turns in real time with the Silero model, engines that answer at once, and recordings that go to the disk.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
from pathlib import Path

import trio
from attrs import define, field
from report import Budget, Findings, figure, run
from stand_ins import Cues, InstantEars, InstantVoice, ObservedSpeaker, Room, human_voice

from actors.events import Event, StateChanged, UtteranceRecorded
from actors.messages import SpeakingStarted, SpeechEnded
from actors.ports import UtteranceStore
from voicemode import EndpointPolicy, Settings, open_conversation
from voicemode.audio.store import DirectoryStore, MemoryStore

FRAMES_PER_SECOND = 100
ANSWER = 0.4
"""Seconds of the user's voice."""

PHASE = 0.02
"""Calls come at any moment of the device's 10 ms quantum and of its 10 ms frame: after up to this many seconds."""


@define
class Waits:
    """Milliseconds of our own, one value a turn."""

    delivered: list[float] = field(factory=list[float])
    decided: list[float] = field(factory=list[float])
    durable: list[float] = field(factory=list[float])
    returned: list[float] = field(factory=list[float])
    first_sample: list[float] = field(factory=list[float])
    first_write: list[float] = field(factory=list[float])


async def take_turns(count: int, store: UtteranceStore) -> Waits:
    waits, cues = Waits(), Cues()
    answer = human_voice(seconds=ANSWER)

    def tell(event: Event) -> None:
        cues.tell(event)
        if isinstance(event, StateChanged) and event.state == "listening":
            room.place(answer, event.at + random.uniform(0, PHASE))

    voice, ears, speaker, room = InstantVoice(0.1), InstantEars(), ObservedSpeaker(), Room(tell)
    settings = Settings(endpoint=EndpointPolicy(hangover=0.4))
    async with open_conversation(
        settings, microphone=room, speaker=speaker, tts=voice, stt=ears, store=store
    ) as conversation:
        for _ in range(count):
            await trio.sleep(random.uniform(0, PHASE))
            cues.clear()
            speaker.writes.clear()
            called = trio.current_time()
            await conversation.converse("Yes?")
            returned = trio.current_time()

            decided, ended = cues.told(SpeechEnded)
            frames = math.ceil((ended.decided - room.opened) * FRAMES_PER_SECOND - 1e-6)
            decidable = room.opened + frames / FRAMES_PER_SECOND
            durable, _ = cues.told(UtteranceRecorded)
            waits.delivered.append(1000 * (returned - decidable - (ears.answered - ears.asked)))
            waits.decided.append(1000 * (decided - decidable))
            waits.durable.append(1000 * (durable - decided))
            waits.returned.append(1000 * (returned - durable - (ears.answered - ears.asked)))
            waits.first_sample.append(1000 * (cues.told(SpeakingStarted)[1].at - called - voice.took))
            waits.first_write.append(1000 * (speaker.writes[0] - called - voice.took))
    return waits


def measure(smoke: bool) -> Findings:
    turns = 6 if smoke else 120
    with tempfile.TemporaryDirectory() as folder:
        waits = trio.run(take_turns, turns, DirectoryStore(Path(folder), keep=False))
    in_memory = trio.run(take_turns, turns, MemoryStore())
    return Findings(
        figures=(
            figure(
                "end of speech → transcript, our share",
                "ms",
                waits.delivered,
                Budget(at_most=5, statistic="p95"),
            ),
            figure("  of it: the end of speech is decided", "ms", waits.decided),
            figure("  of it: the recording is in its file", "ms", waits.durable),
            figure("  of it: the result is returned", "ms", waits.returned),
            figure("  all of it without a disk", "ms", in_memory.delivered),
            figure(
                "text → first sample, our share",
                "ms",
                waits.first_sample + in_memory.first_sample,
                Budget(at_most=15, statistic="p95"),
            ),
            figure("  of it: the device is written to", "ms", waits.first_write + in_memory.first_write),
        ),
        notes=(
            f"Recordings in {tempfile.gettempdir()}.",
            "From writing to the device to the first sample it is the wait for the device's next quantum.",
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    return run("turn", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
