"""What ``converse`` answers: results of turns in, one structure for programs and a line or two for the model out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

import msgspec
from attrs import asdict

from actors.results import Timings, TurnResult

from .arguments import MetricsLevel
from .news import News

T = TypeVar("T")

Outcome = Literal[
    "heard", "said", "interrupted", "no_speech", "stopped", "completed", "still_listening", "still_speaking"
]
Status = Literal["spoken", "answered", "interrupted", "no_speech", "stopped", "failed", "not_reached"]

Verb = Literal["say", "ask"]

SUMMARY = ("first_sample_ms", "speech_end_to_transcript_ms", "total_ms")


class TurnAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a line of a script; ``spoken`` and ``heard`` as of an answer."""

    verb: Verb
    status: Status
    reply: str = ""
    reason: str = ""
    spoken: str = ""
    heard: str = ""

    def in_words(self) -> str:
        words: str = self.status
        if self.spoken:
            words += f", when {f'“{self.heard}”' if self.heard else 'nothing'} had been heard of it"
        return f"{words}: {self.reply or self.reason}" if self.reply or self.reason else words


class ConverseAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``spoken`` and ``heard`` are there when the user did not hear all of what was to be said; of a script the lines
    have them."""

    outcome: Outcome
    conversation_id: str
    transcript: str = ""
    spoken: str = ""
    heard: str = ""
    resume: str = ""
    paused: bool = False
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
                still = self.outcome.replace("_", " ").capitalize()
                if self.paused:
                    still += ", but paused until control resume lets it go on"
                return f"{still}: call converse again with resume={self.resume}."

    def _turns(self) -> list[str]:
        return [f"{number}. {turn.in_words()}" for number, turn in enumerate(self.turns, 1)]


def answer_of(
    results: Sequence[TurnResult],
    *,
    conversation_id: str,
    metrics: MetricsLevel,
    news: News,
    lines: Sequence[TurnAnswer] = (),
    timings: Timings | None = None,
) -> ConverseAnswer:
    """``results`` of at least one turn.  Of a script, whose ``lines`` are given, each thing is that of the last turn
    which has it; ``timings`` are those of the call, if they are others than the last turn's."""
    last = results[-1]
    spoken, heard = ("", "") if lines else not_all(last)
    engines = [engine for result in results for engine in asdict(result.engines).items() if engine[1] is not None]
    return ConverseAnswer(
        outcome="completed" if lines and last.outcome != "stopped" else last.outcome,
        conversation_id=conversation_id,
        transcript=_last(result.transcript for result in results) or "",
        spoken=spoken,
        heard=heard,
        engines=dict(engines),
        failures=news.of(results),
        false_interruptions=sum(result.false_interruptions for result in results),
        recording=str(_last(result.utterance for result in results) or ""),
        timings=_timings(timings or last.timings, metrics),
    )


def line_of(verb: Verb, result: TurnResult) -> TurnAnswer:
    """What became of a line whose turn is over."""
    spoken, heard = not_all(result)
    return TurnAnswer(verb=verb, status=_status(verb, result), reply=result.transcript, spoken=spoken, heard=heard)


def _status(verb: Verb, result: TurnResult) -> Status:
    if result.outcome in {"interrupted", "stopped"}:
        return "interrupted" if result.outcome == "interrupted" else "stopped"
    if verb == "say":
        return "spoken"
    return "answered" if result.transcript else "no_speech"


def not_all(result: TurnResult) -> tuple[str, str]:
    """What was to be said and what of it was heard, empty when that was all."""
    whole = result.spoken.complete and result.outcome != "interrupted"
    return ("", "") if whole else (result.spoken.text, result.spoken.heard)


def timings_of_call(turns: Sequence[tuple[float, TurnResult]], seconds: float) -> Timings:
    """Of a call of so many ``seconds`` and its turns, each with when in the call it began: what it had to wait for
    before, as engines that are loaded, counts."""
    taken: dict[str, float] = {}
    for began, result in turns:
        for name, value in asdict(result.timings).items():
            if value is None or (name == "first_sample_ms" and name in taken):
                continue
            taken[name] = value + began * 1000 if name == "first_sample_ms" else value
    return Timings(**{**taken, "total_ms": seconds * 1000})


def _last(values: Iterable[T]) -> T | None:
    return next((value for value in reversed(list(values)) if value), None)


def _timings(timings: Timings, level: MetricsLevel) -> dict[str, float]:
    if level == "minimal":
        return {}
    taken = {name: round(value, 1) for name, value in asdict(timings).items() if value is not None}
    return taken if level == "verbose" else {name: taken[name] for name in SUMMARY if name in taken}
