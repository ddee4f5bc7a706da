"""Every metric once: its name, its unit and what it says.  docs/telemetry.md has the same rows."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 30.0, 60.0, 120.0)
"""Of the histograms' buckets, in seconds: people notice a tenth of a second, and hang up after ten."""


@frozen
class Metric:
    name: str
    kind: Literal["histogram", "counter"]
    unit: str
    says: str


def _wait(name: str, says: str) -> Metric:
    return Metric(name, "histogram", "s", says)


def _count(name: str, unit: str, says: str) -> Metric:
    return Metric(name, "counter", unit, says)


TURN = _wait("voicemode.turn.duration", "A turn, from the call to its result.")
HEARD = _wait("voicemode.speech_end_to_transcript", "From the end of what the user said to its transcript.")
ENDPOINT = _wait("voicemode.endpoint", "From the end of what the user said to the decision that it had ended.")
ANSWERED = _wait(
    "voicemode.speech_end_to_sound", "From the end of what the user said to the first sound of the next turn."
)
SOUNDED = _wait("voicemode.text_to_sound", "From the first sentence that is known to the first sound.")
STOPPED = _wait(
    "voicemode.barge_in.stop", "From the first voiced sample of an interruption to the assistant's silence."
)
HUSHED = _wait("voicemode.barge_in.hush", "From the decision that it is an interruption to the assistant's silence.")
ENGINE = _wait("voicemode.engine.duration", "One engine asked once, from the question to the end of the answer.")
FIRST = _wait("voicemode.engine.first", "One engine asked once, to the first sound or the transcript.")
AGENT = _wait("gen_ai.invoke_agent.duration", "The agent asked once, to the end of its answer.")
AGENT_FIRST = _wait("voicemode.agent.first", "The agent asked once, to the first of its answer.")

TURNS = _count("voicemode.turns", "{turn}", "Turns, by how they ended.")
BARGE_INS = _count("voicemode.barge_ins", "{interruption}", "Interruptions by voice.")
FALSE = _count("voicemode.false_interruptions", "{interruption}", "Ducked or held for what was no interruption.")
FAILOVERS = _count("voicemode.failovers", "{failure}", "Engines that were asked and had to be replaced.")
RECOVERED = _count("voicemode.utterances.recovered", "{utterance}", "Transcribed although an engine had failed.")
KEPT = _count("voicemode.utterances.kept", "{utterance}", "Not transcribed, and kept on disk.")
LOSSES = _count("voicemode.device.losses", "{loss}", "Devices that went away.")
DROPPED = _count("voicemode.dropped", "{item}", "Frames of sound that came too late or not at all, by where.")
DRAFTS = _count("voicemode.drafts", "{draft}", "Transcripts asked for before the end, by what became of them.")
REPLIES = _count("voicemode.replies", "{reply}", "Answers asked for before the end, by what became of them.")
UNTOLD = _count("voicemode.telemetry.dropped", "{turn}", "Turns of which the exporters never heard.")

METRICS = (
    *(TURN, HEARD, ENDPOINT, ANSWERED, SOUNDED, STOPPED, HUSHED, ENGINE, FIRST, AGENT, AGENT_FIRST),
    *(TURNS, BARGE_INS, FALSE, FAILOVERS, RECOVERED, KEPT, LOSSES, DROPPED, DRAFTS, REPLIES, UNTOLD),
)
