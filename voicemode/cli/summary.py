"""What is left to say of a turn when it is over: a result in, a few lines for a person out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from actors.machines.reasons import in_short
from actors.messages import ProviderFailure
from actors.results import Engines, Timings, TurnResult

from .output import printable

NAMES = {
    "first_sample_ms": "first sample",
    "barge_in_ms": "barge-in",
    "endpoint_ms": "endpoint",
    "stt_ms": "recogniser",
    "speech_end_to_transcript_ms": "speech end to transcript",
    "total_ms": "whole turn",
}
LATENCIES = {
    "first_sample_ms": "transcript → first sound",
    "barge_in_ms": "barge-in",
    "speech_end_to_transcript_ms": "end of speech → transcript",
}
"""What people notice of a talk, in which a turn begins with the transcript of what was said in the one before."""

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
    lines += stand_ins(result.failures, result.engines)
    lines.append(f"timings: {timings(result.timings)}")
    if result.utterance is not None:
        lines.append(f"recording: {printable(result.utterance)}")
    return "\n".join(lines)


def stand_ins(failures: Iterable[ProviderFailure], engines: Engines) -> list[str]:
    """A line for each engine that failed: why in short, and who carried on."""
    lines: list[str] = []
    for failure in failures:
        who, doing = (engines.tts, "spoke on") if failure.service == "tts" else (engines.stt, "listened")
        reason = in_short(failure.provider, failure.reason)
        # the engines' own sentences begin with their names
        failed = f"{failure.provider} {reason}" if reason[:1].islower() else f"{failure.provider} failed: {reason}"
        lines.append(f"{failed}{f'; {who} {doing}' if who is not None else ''}")
    return [printable(line) for line in lines]


def timings(taken: Timings) -> str:
    """What there was of them, in the order it happened."""
    return _listed(taken, NAMES)


def latencies(taken: Timings) -> str:
    """How long one waited for the other."""
    return _listed(taken, LATENCIES)


def as_answer(taken: Timings, to: str) -> Timings:
    """A turn's ``taken``, where the first sound of what answers nobody, as a greeting, was not waited for."""
    return taken if to else evolve(taken, first_sample_ms=None)


def _listed(taken: Timings, names: Mapping[str, str]) -> str:
    known = ((name, getattr(taken, field)) for field, name in names.items())
    return ", ".join(f"{name} {milliseconds:.0f} ms" for name, milliseconds in known if milliseconds is not None)
