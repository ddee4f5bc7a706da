"""What ``converse`` answers: results of turns in, one structure for programs and a line or two for the model out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from attrs import asdict

from .arguments import MetricsLevel
from .news import News

if TYPE_CHECKING:
    from actors.results import TurnResult

Outcome = Literal[
    "heard", "said", "interrupted", "no_speech", "stopped", "completed", "still_listening", "still_speaking"
]
Status = Literal["spoken", "answered", "no_speech", "failed", "not_reached"]

Verb = Literal["say", "ask"]

SUMMARY = ("first_sample_ms", "speech_end_to_transcript_ms", "total_ms")


class TurnAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a line of a script."""

    verb: Verb
    status: Status
    reply: str = ""
    reason: str = ""


class ConverseAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``spoken`` and ``heard`` are there when the user did not hear all of what was to be said."""

    outcome: Outcome
    conversation_id: str
    transcript: str = ""
    spoken: str = ""
    heard: str = ""
    resume: str = ""
    turns: list[TurnAnswer] = []
    earlier: list[str] = []
    engines: dict[str, str] = {}
    failures: list[str] = []
    false_interruptions: int = 0
    recording: str = ""
    timings: dict[str, float] = {}

    def in_words(self) -> str:
        """As short as it may be, for the clients that show a model this; others show it the fields instead."""
        lines = [f"Earlier the user said: {text}" for text in self.earlier]
        lines += self._turns() if self.turns else [self._sentence()]
        lines += [f"({failure})" for failure in self.failures]
        return "\n".join(lines)

    def _sentence(self) -> str:
        match self.outcome:
            case "heard":
                return f"Voice response: {self.transcript}"
            case "said" | "completed":
                return "Message spoken."
            case "interrupted" if self.transcript:
                return f"The user interrupted, having heard “{self.heard}”. Voice response: {self.transcript}"
            case "interrupted":
                return f"Interrupted, having said “{self.heard}”. Nothing was understood."
            case "no_speech":
                return "No speech detected."
            case "stopped":
                return f"Stopped{f', when the user had said: {self.transcript}' if self.transcript else ''}."
            case "still_listening" | "still_speaking":
                return f"{self.outcome.replace('_', ' ').capitalize()}: call converse again with resume={self.resume}."

    def _turns(self) -> list[str]:
        return [
            f"{number}. {turn.status}{f': {turn.reply or turn.reason}' if turn.reply or turn.reason else ''}"
            for number, turn in enumerate(self.turns, 1)
        ]


def answer_of(
    results: Sequence[TurnResult], *, conversation_id: str, metrics: MetricsLevel, news: News
) -> ConverseAnswer:
    """``results`` of at least one turn; what was said and heard is that of the last."""
    last = results[-1]
    whole = last.spoken.complete and last.outcome != "interrupted"
    return ConverseAnswer(
        outcome=last.outcome,
        conversation_id=conversation_id,
        transcript=last.transcript,
        spoken="" if whole else last.spoken.text,
        heard="" if whole else last.spoken.heard,
        engines={name: engine for name, engine in asdict(last.engines).items() if engine is not None},
        failures=news.of(results),
        false_interruptions=sum(result.false_interruptions for result in results),
        recording="" if last.utterance is None else str(last.utterance),
        timings=_timings(last, metrics),
    )


def _timings(result: TurnResult, level: MetricsLevel) -> dict[str, float]:
    if level == "minimal":
        return {}
    taken = {name: round(value, 1) for name, value in asdict(result.timings).items() if value is not None}
    return taken if level == "verbose" else {name: taken[name] for name in SUMMARY if name in taken}
