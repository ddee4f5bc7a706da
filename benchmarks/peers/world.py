"""The world of one session of any framework: a job in, sound in real time, engines that are slow to order, and what
happened and when out.

It is the same for all sides and knows none of them; workers in other environments load it, so it needs the standard
library alone.  Times are seconds of ``time.monotonic``, which all processes share; audio is 16-bit mono at ``RATE``.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RATE = 16_000
FRAME = 0.02
"""Seconds of a microphone's frame."""

QUANTUM = RATE // 100
"""Samples that the device takes at a time."""

WORD = 0.3
"""Seconds of a word of the assistant's."""

ANSWER = 100
"""Words of the vocabulary that belong to one answer."""

LEAST, STEP, FADED = 1_000, 4, -1
"""Level of the vocabulary's first word, and from one word to the next; what a sample of no word's level is."""

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]

now = time.monotonic


def word(number: int) -> str:
    """A word that nobody knows and whoever speaks it can tell from all others."""
    return SYLLABLES[number // len(SYLLABLES)] + SYLLABLES[number % len(SYLLABLES)]


def number_of(spoken: str) -> int | None:
    """Which of the vocabulary ``spoken`` is; None for any other word."""
    first, second = spoken[:2], spoken[2:]
    if first not in SYLLABLES or second not in SYLLABLES:
        return None
    return SYLLABLES.index(first) * len(SYLLABLES) + SYLLABLES.index(second)


def words_of(text: str) -> list[tuple[int, int, int]]:
    """(number, first character, last) of the words of the vocabulary in ``text``."""
    found = ((number_of(each.group().lower()), each) for each in re.finditer(r"[A-Za-z]+", text))
    return [(number, each.start(), each.end()) for number, each in found if number is not None]


def answer(which: int, words: int, sentence: int) -> list[str]:
    """The tokens of an answer, which ends in a full stop after every ``sentence`` words."""
    tokens = [word(which * ANSWER + index) for index in range(words)]
    for index in range(words):
        if index % sentence == 0:
            tokens[index] = tokens[index].capitalize()
        if index % sentence == sentence - 1 or index == words - 1:
            tokens[index] += "."
    return [token + " " for token in tokens]


def voice_of(number: int) -> bytes:
    """One word as sound: a level that no other word has."""
    return array("h", [LEAST + STEP * number]).tobytes() * round(WORD * RATE)


class Tape:
    """What left the device: runs of one level, and a call at the first sample of each new answer."""

    def __init__(self, on_answer: Callable[[int, float], None]) -> None:
        self.runs: list[tuple[float, int, int]] = []
        self._on_answer, self._answers = on_answer, -1

    def add(self, at: float, pcm: bytes) -> None:
        samples = array("h", pcm)
        position = 0
        if pcm == pcm[:2] * len(samples):
            position = len(samples)
            self._run(at, position, samples[0])
        while position < len(samples):
            level, first = samples[position], position
            while position < len(samples) and samples[position] == level:
                position += 1
            self._run(at + first / RATE, position - first, level)

    def _run(self, at: float, samples: int, level: int) -> None:
        number, rest = divmod(level - LEAST, STEP)
        if level < LEAST or rest:
            number = FADED
        elif number // ANSWER > self._answers:
            self._answers = number // ANSWER
            self._on_answer(self._answers, at)
        if self.runs:
            begun, length, before = self.runs[-1]
            if before == number and abs(begun + length / RATE - at) < 1e-4:
                self.runs[-1] = (begun, length + samples, before)
                return
        self.runs.append((at, samples, number))


class Device:
    """A loudspeaker by calculation: it takes a quantum at a time, at the boundaries since ``opened``, and needs no
    thread, so that it plays on as a real one does while nobody feeds it."""

    def __init__(self, tape: Tape) -> None:
        self.opened, self.taken = now(), 0
        self._tape, self._end = tape, 0
        self._queue: list[tuple[int, bytes]] = []
        self._held: list[bytes] | None = None

    def write(self, pcm: bytes) -> None:
        self._deliver()
        if self._held is not None:
            self._held.append(pcm)
            return
        start = max(self._end, self._boundary())
        self._queue.append((start, pcm))
        self._end = start + len(pcm) // 2

    def queued(self) -> float:
        """Seconds that are still to be played."""
        held = sum(map(len, self._held or ())) / 2
        return (max(0, self._end - self._now()) + held) / RATE

    def played(self) -> int:
        """Samples that have left it."""
        self._deliver()
        return self.taken

    def clear(self) -> None:
        """Forget what is queued, but for the quantum that has been taken."""
        self._cut()
        if self._held is not None:
            self._held.clear()

    def hold(self) -> None:
        """Fall silent at the next boundary and keep the rest for ``go_on``."""
        if self._held is None:
            self._held = self._cut()

    def go_on(self) -> None:
        held, self._held = self._held, None
        for pcm in held or ():
            self.write(pcm)

    def _cut(self) -> list[bytes]:
        self._deliver()
        boundary = self._boundary()
        kept: list[tuple[int, bytes]] = []
        rest: list[bytes] = []
        for start, pcm in self._queue:
            inside = 2 * max(0, boundary - start)
            if pcm[:inside]:
                kept.append((start, pcm[:inside]))
            if pcm[inside:]:
                rest.append(pcm[inside:])
        self._queue, self._end = kept, min(self._end, boundary)
        return rest

    def _deliver(self) -> None:
        here = self._now()
        kept: list[tuple[int, bytes]] = []
        for start, pcm in self._queue:
            gone = 2 * max(0, here - start)
            if pcm[:gone]:
                self._tape.add(self.opened + start / RATE, pcm[:gone])
                self.taken += len(pcm[:gone]) // 2
            if pcm[gone:]:
                kept.append((max(start, here), pcm[gone:]))
        self._queue = kept

    def _now(self) -> int:
        return int((now() - self.opened) * RATE)

    def _boundary(self) -> int:
        return -(-self._now() // QUANTUM) * QUANTUM


class Clip:
    """Something the user says: its sound, and the words with the stretch of sound that tells each of them."""

    def __init__(self, path: str, words: list[list[Any]]) -> None:
        self.pcm = Path(path).read_bytes()
        self.words = [(text, self.pcm[2 * at : 2 * at + 2 * QUANTUM]) for text, at in words]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE


class Stage:
    """One session: what is said to it, its engines, and all that happens.

    ``job`` holds ``clips`` (each ``path``, ``words``), ``says`` ([clip, seconds after the last answer's first sample,
    the first one after the beginning]), ``answers`` ([words, words in a sentence]), the engines' times ``stt``,
    ``llm_first``, ``llm_token``, ``llm_clean_up``, ``tts``, faults ``stt_fault`` (``raises``, ``hangs``) and
    ``tts_fault`` (``dies``), ``block`` (seconds after an answer's first sample for which the loop is blocked), and
    ``patience``, seconds to wait for an answer.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.clips = [Clip(**each) for each in job.get("clips", ())]
        self.events: list[list[Any]] = []
        self.tape = Tape(self._answered)
        self.opened: float | None = None
        self._room = _noise()
        self._placed: list[tuple[float, Clip]] = []
        self._said = 0
        self._calls = self._deaths = 0
        self._until = float("inf")
        self._heard_out = 0.0
        self._answered_at: float | None = None

    def note(self, what: str, *detail: Any) -> None:
        self.events.append([now(), what, *detail])

    def begin(self) -> None:
        """The session is ready; the user begins."""
        self.note("ready")
        self._say_next(now())

    def over(self) -> bool:
        """Whether all has been said and answered, or not answered for long enough; the host asks all the time."""
        if now() < self._until:
            return False
        if self._said < len(self.job["says"]):
            self._say_next(now())
            return False
        return True

    def _say_next(self, at: float) -> None:
        says = self.job["says"]
        if self._said == len(says):
            self._until = at + self.job["tail"]
            return
        which, after = says[self._said]
        self._said += 1
        clip = self.clips[which]
        begin = at + after
        self._placed.append((begin, clip))
        self._heard_out = begin + clip.seconds
        self._until = self._heard_out + self.job["patience"]
        self.events.append([begin, "user", which, self._heard_out])

    def _answered(self, which: int, at: float) -> None:
        self.events.append([at, "first sample", which])
        self._answered_at = at
        # an answer to half of it does not keep the user from saying the rest
        if at > self._heard_out:
            self._say_next(at)

    def block_at(self) -> float | None:
        """When the host's loop is to be blocked next, if it is."""
        block = self.job.get("block")
        if block is None or self._answered_at is None:
            return None
        at, self._answered_at = self._answered_at + block[0], None
        return at

    def due(self, index: int) -> float:
        """When the frame number ``index`` is whole; the first to be asked after begins now."""
        if self.opened is None:
            self.opened = now()
        return self.opened + (index + 1) * FRAME

    def frame(self, index: int) -> bytes:
        """The frame number ``index``: what is said then, or a quiet room."""
        size = round(FRAME * RATE)
        begin = self.due(index) - FRAME
        for at, clip in self._placed:
            offset = round((begin - at) * RATE)
            if -size < offset < len(clip.pcm) // 2:
                pcm = clip.pcm[2 * max(0, offset) : 2 * (offset + size)]
                return (bytes(2 * max(0, -offset)) + pcm).ljust(2 * size, b"\0")
        return self._room[index % len(self._room)]

    def heard(self, pcm: bytes) -> str:
        """The words whose sound is in ``pcm``."""
        return " ".join(text for clip in self.clips for text, sound in clip.words if sound in pcm)

    def called(self) -> list[str]:
        """The agent is called: the tokens of its answer."""
        which, self._calls = self._calls, self._calls + 1
        answers = self.job["answers"]
        self.note("agent", which)
        return answer(which, *answers[min(which, len(answers) - 1)])

    def speech(self, text: str) -> Iterator[tuple[int, int, int, bytes]]:
        """(number, first character, last, sound) of the words of ``text``."""
        for number, start, end in words_of(text):
            yield number, start, end, voice_of(number)

    def dies(self) -> bool:
        """Whether this request for a voice, of the first engine, breaks off in its middle; it is asked once a time."""
        if self.job.get("tts_fault") != "dies":
            return False
        self._deaths += 1
        return True

    def report(self, believed: list[str]) -> dict[str, Any]:
        """``believed``: what the framework takes the assistant to have said, by utterance."""
        return {"events": sorted(self.events, key=lambda each: each[0]), "runs": self.tape.runs, "believed": believed}


def _noise() -> list[bytes]:
    """A second of a quiet room, the same each time."""
    seed, frames = 1, []
    for _ in range(round(1 / FRAME)):
        samples = array("h")
        for _ in range(round(FRAME * RATE)):
            seed = (1_103_515_245 * seed + 12_345) & 0x7FFFFFFF
            samples.append(seed % 17 - 8)
        frames.append(samples.tobytes())
    return frames


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(jobs: dict[str, Callable[[dict[str, Any]], Any]], versions: dict[str, str]) -> None:
    """Answer each line of standard input, a job with its name in ``job``, with a line; whatever else is printed goes to
    standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"versions": versions}), file=out, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(jobs[job["job"]](job)), file=out, flush=True)
