"""Writers of inboxes that are killed at any moment, and many at once.  In: how many.  Out: what was lost and doubled.

Run alone it kills as many writers as its argument says and prints what came of it as JSON: a process without threads,
so that it may fork.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import signal
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from attrs import asdict, define, field

from voicemode.connect.inbox_lines import Line
from voicemode.connect.messaging import put
from voicemode.connect.presence import subscribe
from voicemode.connect.team_inbox import Entry
from voicemode.connect.users import Users

LATEST = 0.06
"""Seconds after which a writer is killed at the latest; on a disk that takes 4 ms to sync it writes two messages."""

COMMON = 20
"""How many messages are sent by every one of several processes."""

RETRIES = (0.005, 0.01, 0.02, 0.04, 0.08, *[0.1] * 5)
"""Seconds between two tries of Claude Code to get at its inbox."""


class Place:
    """A user, ``cora``, to whom a team subscribes until ``close``, and Claude Code, which takes out what is in its
    inbox."""

    def __init__(self, directory: Path) -> None:
        self.base, self.teams = directory / "base", directory / "teams"
        user, team = self.base / "connect" / "users" / "cora", self.teams / "work"
        user.mkdir(parents=True)
        (user / "meta.json").write_text("{}")
        self.lines, self.inbox = user / "inbox", team / "inboxes" / "team-lead.json"
        self.inbox.parent.mkdir(parents=True)
        self.subscription = subscribe(Users(self.base, teams=self.teams), "cora", "work")
        self._read = 0
        self.written, self.taken = Counter[str](), Counter[str]()

    def close(self) -> None:
        self.subscription.release()

    def send(self, identifier: str, text: str) -> None:
        line = Line(id=identifier, sender="Mike", text=text, timestamp="2026-11-28T12:00:00.000Z", source="connect")
        entry = Entry(id=identifier, sender="voicemode", text=text, summary="", timestamp=line.timestamp)
        put(self.base, self.teams, "cora", line, entry)

    def look(self) -> bool:
        """Count what has been added to the lines.  Whether a piece of one is left; ValueError if one is broken."""
        if not self.lines.exists():
            return False
        with self.lines.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        whole = content.rfind(b"\n") + 1
        self._read += whole
        self.written.update(json.loads(line)["id"] for line in content[:whole].splitlines())
        return whole < len(content)

    def take_out(self) -> None:
        """Raises ValueError for a broken inbox."""
        if self.inbox.exists():
            self.taken.update(entry["id"] for entry in json.loads(self.inbox.read_bytes()))
            beside = self.inbox.with_name("rewritten")
            beside.write_text("[]")
            beside.rename(self.inbox)

    def take_out_locked(self) -> bool:
        """The same while writers are at it; False when it could not get at it for as long as Claude Code tries."""
        lock = self.inbox.with_name(f"{self.inbox.name}.lock")
        for delay in (*RETRIES, 0.0):
            try:
                lock.mkdir()
            except FileExistsError:
                time.sleep(delay)
                continue
            try:
                self.take_out()
            finally:
                lock.rmdir()
            return True
        return False


@define
class Outcome:
    """``lost`` and ``doubled`` count acknowledged messages, ``torn`` files that cannot be read; the rest says what the
    kills have left behind to be put right by the next writer."""

    trials: int = 0
    acknowledged: int = 0
    torn: int = 0
    lost: int = 0
    doubled: int = 0
    pieces: int = 0
    locks: int = 0
    successors: int = 0
    seconds: float = 0.0

    def judge(self, place: Place, acknowledged: Iterable[str]) -> None:
        """At the end, when all that is in the inboxes has been counted."""
        everyone = set(acknowledged)
        self.acknowledged = len(everyone)
        for counted in (place.written, place.taken):
            self.lost += len(everyone - counted.keys())
            self.doubled += sum(count - 1 for count in counted.values())


def killed_writers(trials: int, seed: int = 1) -> Outcome:
    """Each writer sends messages until it is killed, the next begins with what the one before had not acknowledged."""
    dice, outcome, acknowledged = random.Random(seed), Outcome(trials=trials), list[str]()
    begun, unsaid = time.perf_counter(), list[str]()
    with TemporaryDirectory() as directory, closing(Place(Path(directory))) as place:
        for trial in range(trials):
            sent = _killed(place, itertools.chain(unsaid, (f"msg_{trial}-{n}" for n in itertools.count())), dice)
            outcome.locks += place.inbox.with_name(f"{place.inbox.name}.lock").exists()
            outcome.successors += any(place.inbox.parent.glob("*.voicemode-new"))
            acknowledged += sent
            fresh = sum(each.startswith(f"msg_{trial}-") for each in sent)
            unsaid = [each for each in unsaid if each not in sent] or [f"msg_{trial}-{fresh}"]
            try:
                outcome.pieces += place.look()
                if dice.random() < 0.5:
                    place.take_out()
            except ValueError:
                outcome.torn += 1
        for each in unsaid:
            place.send(each, "The last one.")
            acknowledged.append(each)
        place.look()
        place.take_out()
        outcome.judge(place, acknowledged)
    outcome.seconds = time.perf_counter() - begun
    return outcome


def _killed(place: Place, identifiers: Iterator[str], dice: random.Random) -> list[str]:
    """The ids that a writer acknowledged before it was killed."""
    texts = random.Random(dice.random())
    after = dice.uniform(0, LATEST)

    def write(pipe: int) -> NoReturn:
        for identifier in identifiers:
            place.send(identifier, "so it goes " * texts.choice((1, 10, 100, 900)))
            os.write(pipe, f"{identifier}\n".encode())
        raise AssertionError

    pid, pipe = forked(write)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with os.fdopen(pipe, "rb") as said:
        return said.read().decode().split()


def forked(work: Callable[[int], object]) -> tuple[int, int]:
    """A process that does ``work`` with the end of a pipe to write to; its number, and the end to read from."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    status = 1
    try:
        os.close(ours)
        work(theirs)
        status = 0
    except BaseException as error:  # noqa: BLE001 - the process ends here, whatever it was
        print(f"a writer failed: {error!r}", file=sys.stderr)
    finally:
        os._exit(status)


@define
class Crowd:
    """``times`` are seconds from the call until a message was durable; ``turned_away`` how often Claude Code could not
    get at its inbox."""

    outcome: Outcome
    times: list[float] = field(factory=list[float])
    turned_away: int = 0
    turns: int = 0


def many_writers(processes: int, messages: int) -> Crowd:
    """All write at once, some messages with the same ids, while Claude Code takes out what there is."""
    begun = time.perf_counter()
    crowd = Crowd(Outcome(trials=processes))
    with TemporaryDirectory() as directory, closing(Place(Path(directory))) as place:

        def writing(number: int) -> Callable[[int], None]:
            def write(pipe: int) -> None:
                times = list[float]()
                for identifier in ids_of(number, messages):
                    started = time.perf_counter()
                    place.send(identifier, "so it goes " * 5)
                    times.append(time.perf_counter() - started)
                os.write(pipe, struct.pack(f"{len(times)}d", *times))

            return write

        writers = dict(forked(writing(number)) for number in range(processes))
        left = set(writers.values())
        while left:
            ready, _, _ = select.select(left, [], [], 0.2)
            for pipe in ready:
                with os.fdopen(pipe, "rb") as said:
                    packed = said.read()
                crowd.times += struct.unpack(f"{len(packed) // 8}d", packed)
                left.discard(pipe)
            crowd.turns += 1
            crowd.turned_away += not place.take_out_locked()
        for pid in writers:
            os.waitpid(pid, 0)
        place.look()
        place.take_out()
        crowd.outcome.judge(place, (each for number in range(processes) for each in ids_of(number, messages)))
    crowd.outcome.seconds = time.perf_counter() - begun
    return crowd


def ids_of(number: int, messages: int) -> list[str]:
    common = min(COMMON, messages // 2)
    return [f"msg_all-{n}" for n in range(common)] + [f"msg_{number}-{n}" for n in range(messages - common)]


def main() -> None:
    print(json.dumps(asdict(killed_writers(int(sys.argv[1])))))


if __name__ == "__main__":
    main()
