"""What is left to say of a turn when it is over: a result in, a few lines for a person out."""

from __future__ import annotations

from actors.messages import Timings, TurnResult

from .output import printable

NAMES = {
    "first_sample_ms": "first sample",
    "barge_in_ms": "barge-in",
    "endpoint_ms": "endpoint",
    "stt_ms": "recogniser",
    "speech_end_to_transcript_ms": "speech end to transcript",
    "total_ms": "whole turn",
}
OUTCOMES = {
    "interrupted": "The assistant was interrupted.",
    "no_speech": "Nobody spoke, or nothing was understood.",
    "stopped": "Stopped.",
}


def summary(result: TurnResult) -> str:
    """How it ended if it was not as usual, the engines, how long it took, and where the recording is."""
    lines = [OUTCOMES[result.outcome]] if result.outcome in OUTCOMES else []
    engines = [name for name in (result.engines.tts, result.engines.stt) if name is not None]
    if engines:
        lines.append(f"engines: {', '.join(engines)}")
    lines.append(f"timings: {timings(result.timings)}")
    if result.utterance is not None:
        lines.append(f"recording: {printable(result.utterance)}")
    return "\n".join(lines)


def timings(taken: Timings) -> str:
    """What there was of them, in the order it happened."""
    known = ((name, getattr(taken, field)) for field, name in NAMES.items())
    return ", ".join(f"{name} {milliseconds:.0f} ms" for name, milliseconds in known if milliseconds is not None)
