"""How a talk went.  In: its events, and failures.  Out: how many failed in a row, and at the end a summary."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from attrs import asdict, define, field, frozen

from actors.events import Event, TurnEnded, TurnFailed
from actors.results import Timings

from .output import printable
from .summary import LATENCIES, as_answer, latencies


@frozen(kw_only=True)
class TalkSummary:
    """``medians`` are in milliseconds, of the turns that have them; ``recordings`` are what was not understood."""

    turns: int
    interruptions: int
    medians: Timings
    recordings: tuple[Path, ...]

    def as_json(self) -> dict[str, object]:
        medians = {name: value for name, value in asdict(self.medians).items() if name in LATENCIES}
        return {**asdict(self), "medians": medians}

    def __str__(self) -> str:
        lines = [f"{counted(self.turns, 'turn')}, {counted(self.interruptions, 'interruption')}"]
        if medians := latencies(self.medians):
            lines.append(f"medians: {medians}")
        lines.extend(f"recording: {printable(path)}" for path in self.recordings)
        return "\n".join(lines)


@define
class Tally:
    """``failures`` counts those since somebody was last answered and heard it."""

    failures: int = 0
    _turns: list[Timings] = field(factory=list[Timings])
    _said: str = ""
    _interruptions: int = 0
    _recordings: list[Path] = field(factory=list[Path])
    _agent_failed: bool = False

    def take(self, event: Event) -> None:
        match event:
            case TurnEnded(result=result):
                if result.spoken.heard and not self._agent_failed:
                    self.failures = 0
                self._agent_failed = False
                if result.spoken.text or result.transcript:
                    self._turns.append(as_answer(result.timings, self._said))
                self._said = result.transcript
                if result.outcome == "interrupted":
                    self._interruptions += 1
                if result.utterance is not None and not result.transcript:
                    self._recordings.append(result.utterance)
            case TurnFailed(error=error):
                self._agent_failed = False
                if error.recording is not None:
                    self._recordings.append(error.recording)
            case _:
                pass

    def turn_failed(self) -> None:
        self.failures += 1

    def agent_failed(self) -> None:
        """The turn goes on, but it is none that counts as answered."""
        self.failures += 1
        self._agent_failed = True

    @property
    def empty(self) -> bool:
        return not self._turns and not self._recordings

    def summary(self) -> TalkSummary:
        medians = {
            name: round(median(known), 3)
            for name in LATENCIES
            if (known := [value for timings in self._turns if (value := getattr(timings, name)) is not None])
        }
        return TalkSummary(
            turns=len(self._turns),
            interruptions=self._interruptions,
            medians=Timings(**medians),
            recordings=tuple(self._recordings),
        )


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
