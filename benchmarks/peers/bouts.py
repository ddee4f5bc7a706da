"""What is measured on the frameworks: jobs for the sides, by turns, in; lines of the table out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from attrs import define, field

from .clips import Spoken, spoken
from .crew import FOLDER, Failed, Side, Worker, at_work
from .standings import Line
from .timelines import (
    Report,
    Turn,
    credited,
    longest_gap,
    missing,
    played_of,
    repeated,
    silence_after,
    told,
    turns_of,
)

PAUSE = 0.8
"""Seconds of silence that end a turn where all wait equally long: pipecat's 0.2 of the detector and 0.6 after it."""

STT, FIRST, TOKEN, TTS = 0.2, 0.05, 0.02, 0.1
"""Seconds that the engines take: a transcript, the first token, each token, the first sound of a sentence."""

CLEAN_UPS = (0.0, 0.3, 1.0, 2.0)

CLIPS = ("lj001-0002", "lj001-0008", "lj001-0013")
PAUSED = ("lj001-0004", "lj001-0006", "librivox-0870", "librivox-0890")
THOUGHT = 0.7
"""Seconds of the pause in mid-sentence."""

SESSIONS = (1, 8, 32)
LISTENING = 6.0

EQUAL, DEFAULT = "equal", "default"

BROKEN, SILENT = "raises", "hangs"


@define
class Bouts:
    """``sides``, ours first; ``lines`` are filled as it goes.  A side that fails is noted where it failed."""

    sides: Sequence[Side]
    lines: dict[str, Line] = field(factory=dict)
    versions: dict[str, dict[str, str]] = field(factory=dict)
    notes: list[str] = field(factory=list)
    wrong: dict[str, tuple[int, ...]] = field(factory=dict)
    """Words too many and too few in what a side took to be heard."""
    _workers: dict[str, Worker] = field(factory=dict)
    _clips: list[Spoken] = field(factory=list)
    _stack: ExitStack = field(factory=ExitStack)

    def line(self, what: str, unit: str, *, total: bool = False) -> Line:
        return self.lines.setdefault(what, Line(what, unit, total))

    def each(self, rounds: int) -> Iterator[Side]:
        for _ in range(rounds):
            yield from self.sides

    def worker(self, side: Side) -> Worker:
        if side.name not in self._workers:
            self._workers[side.name] = worker = self._stack.enter_context(at_work(side))
            self.versions[side.name] = worker.versions
        return self._workers[side.name]

    def close(self) -> None:
        self._stack.close()
        self._workers.clear()

    def talk(self, side: Side, name: str, job: dict[str, Any]) -> Report | None:
        """The report; its story is kept in ``build/peers``.  None when the side failed, which is noted."""
        try:
            report = self.worker(side).ask(job)
        except Failed as failed:
            self._workers.pop(side.name, None)
            self.notes.append(f"{name}: {side.name} {failed}.")
            return None
        (FOLDER / f"{side.name}-{name}.txt").write_text("\n".join(told(report)) + "\n", encoding="utf-8")
        return report

    def clips(self, names: Sequence[str] = CLIPS, change: Callable[[Spoken], Spoken] = lambda clip: clip) -> list[Any]:
        self._clips = [change(spoken(name)) for name in names]
        return [clip.write(FOLDER) for clip in self._clips]

    def job(self, settings: str, **given: Any) -> dict[str, Any]:
        return {
            "job": "talk",
            "settings": settings,
            "pause": PAUSE,
            "stt": STT,
            "llm_first": FIRST,
            "llm_token": TOKEN,
            "llm_clean_up": 0.0,
            "llm_goes_on": False,
            "tts": TTS,
            "patience": 8.0,
            "tail": 1.0,
            "timed": True,
            **given,
        }

    def starting(self, times: int) -> None:
        """From the start of a process until a session listens."""
        line = self.line("start of the process → listening", "s")
        for side in self.each(times):
            try:
                with at_work(side) as worker:
                    worker.ask(self._listening(1, 0.0, 0.0))
                    line.add(side.name, time.monotonic() - worker.started)
            except Failed as failed:
                line.cannot[side.name] = str(failed)

    def turns(self, settings: str, rounds: int, turns: int) -> None:
        """Questions and short answers."""
        answering = self.line("end of speech → agent called, less the pause of 0.8 s", "ms")
        speaking = self.line("agent's first text → first sample, less the engine", "ms")
        both = self.line("end of speech → first sample, all by default", "ms")
        clips = self.clips()
        says = [[index % len(clips), 0.5 if not index else 1.3] for index in range(turns)]
        for side in self.each(rounds):
            report = self.talk(side, f"turns-{settings}", self.job(settings, clips=clips, says=says, answers=[[4, 4]]))
            for turn in turns_of(report) if report else ():
                if turn.agent is None or turn.text is None or turn.sample is None:
                    self.notes.append(f"turns, {settings}: {side.name} did not answer one.")
                elif settings == DEFAULT:
                    both.add(side.name, 1000 * (turn.sample - turn.end))
                else:
                    answering.add(side.name, 1000 * (turn.agent - turn.end - PAUSE))
                    speaking.add(side.name, 1000 * (turn.sample - turn.text - TTS))

    def interruptions(self, settings: str, clean_up: float, rounds: int, times: int, *, timed: bool = True) -> None:
        """The user speaks over an assistant that has more to say, again and again."""
        clips = self.clips()
        says = [[0, 0.5], *([1 + index % 2, 0.9 + 0.137 * (index % 5)] for index in range(times))]
        about = f"clean-up {clean_up:g} s{'' if settings == EQUAL else ', all by default'}"
        stopping = self.line(f"user speaks over the assistant → its last sample, {about}", "ms")
        answered = self.line(f"end of the interruption → first sample of the next answer, {about}", "ms")
        late = self.line("sound of the old answer after it had stopped", "ms", total=True)
        wrong = self.line(
            f"words wrongly taken to be heard or not, {'' if timed else 'no '}word times", "words", total=True
        )
        job = self.job(
            settings,
            clips=clips,
            says=says,
            answers=[[60, 8]],
            llm_goes_on=True,
            llm_clean_up=clean_up,
            timed=timed,
        )
        for side in self.each(rounds):
            report = self.talk(side, f"interruptions-{settings}-{clean_up:g}{'' if timed else '-untimed'}", job)
            for turn in turns_of(report)[1:] if report else ():
                which = turn.index - 1
                stopped, more = silence_after(report, which, turn.begin)
                if timed:
                    stopping.add(side.name, 1000 * (stopped - turn.begin))
                    late.add(side.name, round(1000 * more))
                    if turn.sample is not None:
                        answered.add(side.name, 1000 * (turn.sample - turn.end))
                off = credited(report, which)
                if off is not None:
                    self.wrong[side.name] = tuple(map(sum, zip(self.wrong.get(side.name, (0, 0)), off, strict=True)))
                    wrong.add(side.name, sum(off), len(played_of(report, which)[1]))

    def pauses(self, rounds: int, names: Sequence[str] = PAUSED) -> None:
        """A pause in the middle of a sentence."""
        line = self.line("cut off by a pause of 0.7 s in mid-sentence, all by default", "users", total=True)
        clips = self.clips(names, lambda clip: clip.with_pause(THOUGHT))
        says = [[index, 0.5 if not index else 1.3] for index in range(len(clips))]
        for side in self.each(rounds):
            report = self.talk(side, "pauses", self.job(DEFAULT, clips=clips, says=says, answers=[[4, 4]]))
            for turn in turns_of(report) if report else ():
                said = list(self._clips[turn.clip].words)
                line.add(side.name, float(len(missing(said, turn.words)) > 0.2 * len(said)), 1)

    def deaf(self, fault: str, rounds: int, times: int, patience: float) -> None:
        """The recogniser fails, for good, and another is there."""
        what = "fails" if fault == BROKEN else "never answers"
        lost = self.line(f"recogniser {what}: words of the user lost", "words", total=True)
        waited = self.line(f"recogniser {what}: end of speech → agent called with words, where it was", "s")
        for side in self.each(rounds):
            for turn, said in self._unheard(side, fault, times, patience):
                lost.add(side.name, len(missing(said, turn.words)), len(said))
                if turn.agent is not None and turn.words:
                    waited.add(side.name, turn.agent - turn.end)
            if side.name not in waited.values:
                waited.cannot[side.name] = f"cannot, within {patience:.0f} s"

    def deaf_by_utterances(self, side: Side) -> None:
        """livekit's fallback inside its stream adapter instead of around it: it is given whole utterances then."""
        told = [(missing(said, turn.words), said) for turn, said in self._unheard(side, BROKEN, 2, 7.0, stt_whole=True)]
        lost, words = sum(len(each) for each, _ in told), sum(len(said) for _, said in told)
        self.notes.append(
            f"{side.name} with its stream adapter around the fallback, not inside: recogniser fails, {lost} of {words} "
            "words lost."
        )

    def _unheard(
        self, side: Side, fault: str, times: int, patience: float, **given: Any
    ) -> Iterator[tuple[Turn, list[str]]]:
        """The turns of whom a faulty recogniser hears, and what they said."""
        clips = self.clips()
        says = [[index % len(clips), 0.5 if not index else 1.3] for index in range(times)]
        job = self.job(EQUAL, clips=clips, says=says, answers=[[4, 4]], stt_fault=fault, patience=patience, **given)
        report = self.talk(side, f"recogniser-{fault}{'-whole' if given else ''}", job)
        for turn in turns_of(report) if report else ():
            yield turn, list(self._clips[turn.clip].words)

    def mute(self, rounds: int) -> None:
        """The voice dies in the middle of a sentence, and another is there."""
        lost = self.line("voice dies in mid-sentence: words lost", "words", total=True)
        again = self.line("voice dies in mid-sentence: words said again", "words", total=True)
        words = 16
        job = self.job(
            EQUAL, clips=self.clips(), says=[[0, 0.5]], answers=[[words, 8]], tts_fault="dies", patience=10.0, tail=5.5
        )
        for side in self.each(rounds):
            report = self.talk(side, "voice-dies", job)
            if report is not None:
                whole = played_of(report, 0)[1]
                lost.add(side.name, words - len(whole), words)
                again.add(side.name, len(repeated(report, 0)), words)

    def blocked(self, rounds: int, seconds: float = 1.0) -> None:
        """The host holds the event loop while the assistant speaks."""
        line = self.line("host blocks the loop for 1 s: longest gap in the answer", "ms")
        job = self.job(EQUAL, clips=self.clips(), says=[[0, 0.5]], answers=[[16, 8]], block=[1.0, seconds], tail=6.0)
        for side in self.each(rounds):
            report = self.talk(side, "blocked", job)
            if report is not None:
                line.add(side.name, 1000 * longest_gap(report, 0))

    def listening(self, rounds: int, sessions: Sequence[int] = SESSIONS, seconds: float = LISTENING) -> None:
        """Sessions that listen to a quiet room."""
        self.close()
        for side in self.each(rounds):
            memory: dict[int, float] = {}
            for count in sessions:
                spent = self.line(f"processor for a second of listening, {count} in a process", "ms")
                try:
                    with at_work(side) as worker:
                        found = worker.ask(self._listening(count, 2.0, seconds))
                except Failed as failed:
                    spent.cannot[side.name] = str(failed)
                    continue
                spent.add(side.name, 1000 * found["cpu"])
                memory[count] = found["memory"] / 1e6
            if 1 in memory:
                self.line("memory with one session", "MB").add(side.name, memory[1])
                if len(memory) > 1:
                    most = max(memory)
                    more = (memory[most] - memory[1]) / (most - 1)
                    self.line("memory for each further session", "MB").add(side.name, more)

    def hopping(self, rounds: int, items: int) -> None:
        """Through the channels of which each is made."""
        line = self.line("from one task to the next by its own channel", "µs")
        plain = self.line("from one task to the next by asyncio's queue, ours by Trio's channel", "µs")
        for side in self.each(rounds):
            try:
                found = self.worker(side).ask({"job": "hop", "items": items, "tasks": 8})
            except Failed as failed:
                line.cannot[side.name] = str(failed)
                continue
            line.add(side.name, found["channel"])
            plain.add(side.name, found.get("asyncio queue", found["channel"]))

    def _listening(self, sessions: int, settle: float, seconds: float) -> dict[str, Any]:
        given = {"clips": [], "says": [], "answers": [[4, 4]], "tail": 600.0}
        job = self.job(EQUAL, sessions=sessions, settle=settle, seconds=seconds, **given)
        return {**job, "job": "listen"}
