"""What telemetry costs a turn: on the thread with the audio, and on the one that hands it on, off and in each way.

The events of one spoken turn are recorded and told again and again, with an agent and a voice that answer at once, so
that no sound and no sleep is between them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from attrs import define, field
from report import Budget, Figure, Findings, figure, run
from stand_ins import InstantEars, InstantVoice, LoudnessModel, Room, human_voice
from trio.testing import MockClock

from actors.events import Event, StateChanged
from actors.messages import Message
from actors.ports import Agent, TextToSpeech
from voicemode import Settings, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker
from voicemode.telemetry.batch import Batch, Ids
from voicemode.telemetry.facts import Facts
from voicemode.telemetry.jsonl import JsonLines
from voicemode.telemetry.observer import Observer
from voicemode.telemetry.stages import Stages
from voicemode.telemetry.writer import Namer

if TYPE_CHECKING:
    from voicemode.telemetry.otel import OpenTelemetry

SENTENCE = "Once upon a time."
HERE, BESIDE = Budget(at_most=2, statistic="p95"), Budget(at_most=10, statistic="p95")


@define
class Cost:
    """Milliseconds, one value a turn: ``here`` on the thread with the audio, ``beside`` on the other."""

    here: list[float] = field(factory=list[float])
    beside: list[float] = field(factory=list[float])


async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
    yield SENTENCE


async def recorded() -> list[Event]:
    """The events of a turn in which both sides say something."""
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if isinstance(event, StateChanged) and event.state == "listening":
            room.place(human_voice(seconds=2.0), event.at + 0.2)

    room = Room(tell)
    async with open_conversation(
        Settings(),
        microphone=room,
        speaker=VirtualSpeaker(),
        tts=InstantVoice(2.0),
        stt=InstantEars(),
        vad=LoudnessModel(),
        store=MemoryStore(),
    ) as conversation:
        await conversation.converse(agent)
    return events


async def take_turn(events: Sequence[Event], answers: Agent, voice: TextToSpeech, observer: Observer | None) -> None:
    asked = False
    for event in events:
        if observer is not None:
            observer.cue(event)
        if not asked:
            asked = True
            words = answers("", ())
            assert isinstance(words, AsyncIterator)
            async for text in words:
                async with voice.speak(text) as audio:
                    async for _ in audio:
                        pass


async def turns(
    count: int, events: Sequence[Event], cost: Cost, namer: Namer | None, others: Sequence[JsonLines], way: str
) -> None:
    batches: list[Batch] = []
    observer: Observer | None = None
    answers: Agent = agent
    voice: TextToSpeech = InstantVoice(2.0)
    if way != "off":
        stages = Stages(Facts(conversation="c"))
        observer = Observer(stages, batches.append, dict, namer if way in {"OpenTelemetry", "both"} else None)
        answers, voice = observer.agent(agent), observer.voice(voice)
    for _ in range(count):
        begun = time.thread_time()
        await take_turn(events, answers, voice, observer)
        cost.here.append(1000 * (time.thread_time() - begun))
        for batch in batches:
            begun = time.thread_time()
            ids = Ids.at_random(batch) if namer is None or way == "a file" else namer.name(batch)
            for each in others if way != "OpenTelemetry" else ():
                each.export(batch, ids)
            cost.beside.append(1000 * (time.thread_time() - begun))
        batches.clear()


def opentelemetry() -> OpenTelemetry | None:
    """A host's that exports to nowhere, so that nothing but the spans is measured; None where it is not installed."""
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    except ImportError:
        return None
    from voicemode.telemetry.otel import OpenTelemetry

    class Nowhere(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    trace.set_tracer_provider(provider)
    return OpenTelemetry.open("0")


def measure(smoke: bool) -> Findings:
    namer = opentelemetry()
    ways = ("off", "a file", "OpenTelemetry", "both") if namer is not None else ("off", "a file")
    costs = {way: Cost() for way in ways}
    events = trio.run(recorded, clock=MockClock(autojump_threshold=0))
    with tempfile.TemporaryDirectory() as folder:
        others = (JsonLines(Path(folder), "c"),)
        for _ in range(2 if smoke else 40):
            for way, cost in costs.items():
                trio.run(turns, 5 if smoke else 50, events, cost, namer, others, way)
    figures: list[Figure] = []
    for way, cost in costs.items():
        on = way != "off"
        figures.append(figure(f"a turn, {way}: the thread with the audio", "ms CPU", cost.here, HERE if on else None))
        if on:
            figures.append(figure("  the thread that hands it on", "ms CPU", cost.beside, BESIDE))
    notes = [f"A turn has {len(events)} events. Off is what agent and voice take; all ways have that in them."]
    if namer is None:
        notes.append("OpenTelemetry is not installed (the extra telemetry), and was not measured.")
    return Findings(figures=tuple(figures), notes=tuple(notes))


def main(arguments: list[str] | None = None) -> int:
    return run("telemetry", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
