"""What happened in a session of the contest, read off its report: moments and sound in, values out.

It is the same for all sides.  ``report`` is ``Stage.report``'s: events ([seconds, what, …]), runs of one word's level
at the device ([seconds, samples, number of the word]), and what the assistant is believed to have said.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeAlias

from attrs import frozen

from .world import ANSWER, FADED, RATE, WORD, words_of

Report: TypeAlias = dict[str, Any]

APART = 0.25
"""Seconds of silence after which the assistant has stopped, whatever comes later."""

SLIP = 0.02
"""Seconds of a word that may be missing at its edges because of a fade."""


@frozen
class Turn:
    """The user says clip ``clip`` from ``begin`` to ``end``; the moments after it are None when there were none."""

    index: int
    clip: int
    begin: float
    end: float
    agent: float | None = None
    text: float | None = None
    sample: float | None = None
    words: tuple[str, ...] = ()


def turns_of(report: Report) -> list[Turn]:
    """What the user said, and the last call of the agent and the first answer between its middle and the next of it."""
    users = [(each[0], each[2], each[3]) for each in report["events"] if each[1] == "user"]
    found: list[Turn] = []
    for index, (begin, clip, end) in enumerate(users):
        after = users[index + 1][0] if index + 1 < len(users) else float("inf")
        events = [each for each in report["events"] if begin < each[0] < after]
        calls = [each[0] for each in events if each[1] == "agent"]
        called = calls[-1] if calls else None
        texts = [each[0] for each in events if each[1] == "first text" and called is not None and each[0] >= called]
        samples = [each[0] for each in events if each[1] == "first sample"]
        heard = [each[2] for each in events if each[1] == "transcript"]
        found.append(
            Turn(
                index=index,
                clip=clip,
                begin=begin,
                end=end,
                agent=called,
                text=texts[0] if texts else None,
                sample=samples[-1] if samples else None,
                words=tuple(heard[-1].split()) if heard else (),
            )
        )
    return found


def missing(said: list[str], heard: tuple[str, ...]) -> list[str]:
    """The words of what was said, of which as many are not in what was heard."""
    left = list(heard)
    lost: list[str] = []
    for word in said:
        if word in left:
            left.remove(word)
        else:
            lost.append(word)
    return lost


def sound_of(report: Report, which: int) -> list[tuple[float, float, int]]:
    """(from, until, word) of the answer ``which`` at the device, fades left out, in order."""
    return [
        (at, at + samples / RATE, number)
        for at, samples, number in report["runs"]
        if number != FADED and number // ANSWER == which
    ]


def silence_after(report: Report, which: int, moment: float) -> tuple[float, float]:
    """When the answer ``which`` fell silent after ``moment``, and how many seconds of it were played after that."""
    stopped: float = moment
    late = 0.0
    for begin, end, _ in sound_of(report, which):
        if end <= moment:
            continue
        if late or begin - stopped > APART:
            late += end - begin
        else:
            stopped = end
    return stopped, late


def longest_gap(report: Report, which: int) -> float:
    """Seconds that the device had nothing to play in the middle of the answer."""
    sound = sound_of(report, which)
    return max((after[0] - before[1] for before, after in pairwise(sound)), default=0.0)


def played_of(report: Report, which: int) -> tuple[set[int], set[int]]:
    """The words of the answer of which anything was played, and those that were played whole."""
    lengths: dict[int, float] = {}
    for begin, end, number in sound_of(report, which):
        lengths[number] = lengths.get(number, 0.0) + end - begin
    return set(lengths), {number for number, length in lengths.items() if length > WORD - SLIP}


def repeated(report: Report, which: int) -> list[int]:
    """The words of the answer of which more was played than there is of them."""
    lengths: dict[int, float] = {}
    for begin, end, number in sound_of(report, which):
        lengths[number] = lengths.get(number, 0.0) + end - begin
    return [number for number, length in lengths.items() if length > 1.5 * WORD]


def believed_of(report: Report, which: int) -> set[int]:
    """The words of the answer that the assistant is believed to have said."""
    return {number for text in report["believed"] for number, _, _ in words_of(text) if number // ANSWER == which}


def credited(report: Report, which: int) -> tuple[int, int] | None:
    """(believed and not begun, played whole and not believed) words; None when nothing is believed of the answer
    because it was not over."""
    begun, whole = played_of(report, which)
    believed = believed_of(report, which)
    if not believed and not whole:
        return None
    return len(believed - begun), len(whole - believed)


def told(report: Report) -> Iterator[str]:
    """The story of it, for whoever does not believe a number."""
    zero = next((each[0] for each in report["events"] if each[1] == "ready"), 0.0)
    lines = [(each[0], "  ".join(map(str, each[1:]))) for each in report["events"]]
    lines += [
        (at, f"        word {number} for {1000 * samples / RATE:.0f} ms")
        for at, samples, number in report["runs"]
        if number != FADED
    ]
    for at, line in sorted(lines):
        yield f"{at - zero:8.3f}  {line}"
    yield f"believed: {' / '.join(report['believed'])}"
