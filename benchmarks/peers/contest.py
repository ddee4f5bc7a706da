"""Both servers, one after the other through the same, again and again.  In: a room and services.  Out: rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import trio
from attrs import define, field
from mcp.shared.exceptions import MCPError

from .room import Room
from .rows import Row, Target
from .service import Service
from .sides import Session, Side, session
from .sounds import Said, place

SETTLED = 3.0
"""Seconds after which everything that a server loads is loaded."""

BETWEEN = 0.7
"""Seconds of quiet between two calls."""

SHORT = "Here it is."
QUESTION = "What shall I do?"
STORY = (
    "It stood in a shed behind the mill and nobody knew what it was for until one day in spring "
    "when an old man came along the road and laughed."
)
NEVER = 1.0
"""Seconds of silence that are an end."""


@define(eq=False)
class Contest:
    room: Room
    service: Service
    home: Path
    sides: Sequence[Side]
    answers: Sequence[Said]
    interruption: Said
    rows: list[Row] = field(factory=list)
    stutters: int = 0
    """Sounds that cannot be found on a tape, because the sound server came too late; their turns are not counted."""

    _leads: list[float] = field(factory=lambda: [0.03])
    _homes: int = 0

    def row(self, what: str, unit: str, at_most: float | None = None, statistic: str = "p50") -> Row:
        row = Row(what, unit, None if at_most is None else Target(at_most, statistic))
        self.rows.append(row)
        return row

    @asynccontextmanager
    async def server(
        self,
        side: Side,
        *,
        tts: Sequence[Service] = (),
        stt: Sequence[Service] = (),
        alone: bool = False,
        bare: bool = False,
    ) -> AsyncGenerator[Session]:
        """One that nobody has used before; ``alone``: without the engines that ours would have stand in; ``bare``:
        without echo cancelling either."""
        self._homes += 1
        speaking, listening = [tuple(each.url for each in given or (self.service,)) for given in (tts, stt)]
        home = self.home / str(self._homes)
        async with session(side, self.room, home, tts=speaking, stt=listening, alone=alone, bare=bare) as here:
            yield here

    @asynccontextmanager
    async def servers(self) -> AsyncGenerator[list[Session]]:
        """One of each side."""
        first, *others = self.sides
        async with self.server(first) as one:
            if not others:
                yield [one]
                return
            async with self.server(others[0]) as other:
                await trio.sleep(SETTLED)
                yield [one, other]

    async def starting(self, processes: int, calls: int) -> None:
        """From the start of a process until its tools are known, what it weighs, and how soon it speaks."""
        listed = self.row("start → tools listed", "s", 1.0)
        tools = self.row("list of tools", "kB", 6.0)
        memory = self.row("memory 3 s after the start", "MB", 120)
        alone = self.row("  without engines that stand in", "MB", 120)
        bare = self.row("  nor echo cancelling", "MB", 120)
        first = self.row("first call → first sound, less the engine's time", "ms")
        later = self.row("call → first sound, less the engine's time", "ms", 40)
        for _ in range(processes):
            for side in self.sides:
                async with self.server(side) as here:
                    listed.add(side.name, here.listed)
                    tools.add(side.name, here.tools / 1000)
                    await trio.sleep(SETTLED)
                    memory.add(side.name, here.memory / 1e6)
                    for number in range(calls + 1):
                        if (sooner := await self._first_sound(here)) is not None:
                            (later if number else first).add(side.name, sooner)
                async with self.server(side, alone=True) as here:
                    await trio.sleep(SETTLED)
                    alone.add(side.name, here.memory / 1e6)
                async with self.server(side, bare=True) as here:
                    await trio.sleep(SETTLED)
                    bare.add(side.name, here.memory / 1e6)

    async def _first_sound(self, here: Session) -> float | None:
        """Milliseconds."""
        self.service.begin()
        called = trio.current_time()
        await here.converse(SHORT, wait_for_response=False)
        answered = trio.current_time()
        spoke = self.service.spoke[0]
        await self.room.speaker.reach(answered)
        heard = None if spoke.said is None else self.room.speaker.when(spoke.said, called, answered)
        await trio.sleep(BETWEEN)
        if heard is None or spoke.begun is None:
            self.stutters += 1
            return None
        return 1000 * (heard - called - (spoke.begun - spoke.asked))

    async def eager_answers(self, servers: Sequence[Session], turns: int) -> None:
        """The user answers at the assistant's last sample."""
        deaf = self.row("assistant's last sample → listening", "ms", 0, "max")
        lost = self.row("of an answer at once, lost", "ms", 0, "max")
        for number in range(turns):
            for here in servers:
                user = self.answers[number % len(self.answers)]
                self.service.begin(user)
                called = trio.current_time()
                ended: list[float] = []

                async def answer(user: Said = user, called: float = called, ended: list[float] = ended) -> None:
                    first = await self.room.speaker.first_sound(called)
                    ended.append(first + self.service.spoke[0].audible)
                    await self.say(user, ended[0])

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(answer)
                    await here.converse(QUESTION)
                opened = await self.room.opening(here.process.pid, "new", called)
                deaf.add(here.side.name, max(0.0, 1000 * (opened - ended[0])))
                start, _ = place(user.samples, self.service.listened[-1].heard)
                lost.add(here.side.name, max(0.0, -1000 * start / user.rate))
                await trio.sleep(BETWEEN)

    async def pausing_answers(self, servers: Sequence[Session], turns: int) -> None:
        """The user answers with 700 ms of silence in the middle of the sentence."""
        result = self.row("end of speech → result", "ms")
        added = self.row("end of speech → result, less the engine's time", "ms", 500)
        cut = self.row("cut off by a pause of 700 ms", "%", 0, "max")
        missing = self.row("words of the answer missing in the result", "%", 0, "max")
        for number in range(turns):
            for here in servers:
                user = self.answers[number % len(self.answers)]
                text, called, answered = await self._answered(here, user, after=1.5)
                ended = self.room.microphone.when(user, called, answered)
                share = missing_in(text, user)
                missing.add(here.side.name, 100 * share)
                if ended is None:
                    self.stutters += 1
                elif ended + user.seconds > answered:
                    cut.add(here.side.name, 100)
                    await trio.sleep(user.seconds)
                else:
                    cut.add(here.side.name, 0)
                    last = self.service.listened[-1]
                    engine = (last.answered or answered) - last.asked
                    result.add(here.side.name, 1000 * (answered - ended - user.seconds))
                    added.add(here.side.name, 1000 * (answered - ended - user.seconds - engine))
                await trio.sleep(BETWEEN)
        for row in (cut, missing):
            row.values = {side: [sum(values) / len(values)] for side, values in row.values.items()}

    async def _answered(self, here: Session, user: Said, *, after: float) -> tuple[str, float, float]:
        """The answer's words, when it was asked for and when it was there."""
        self.service.begin(user)
        called = trio.current_time()

        async def answer() -> None:
            first = await self.room.speaker.first_sound(called)
            await self.say(user, await self.room.speaker.silence(first, 0.3) + after)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            text = await here.converse(QUESTION)
            answered = trio.current_time()
        await self.room.microphone.reach(answered)
        return text, called, answered

    async def say(self, user: Said, at: float) -> None:
        """Begin to say it at that time, as exactly as can be done."""
        await trio.sleep_until(at - median(self._leads))
        begun = await self.room.mouth.say(user.pcm)
        await self.room.microphone.reach(begun + 0.6)
        if (onset := self.room.microphone.when(user, begun - 0.1, begun + 0.6)) is not None:
            self._leads = [*self._leads[-9:], onset - begun]

    async def interruptions(self, servers: Sequence[Session], turns: int) -> None:
        """The user begins to speak while the assistant does."""
        silent = self.row("user speaks over the assistant → silence", "ms", 300)
        heard = self.row("words of it transcribed", "%")
        heard.more = True
        for number in range(turns):
            for here in servers:
                text, onset, ended, whole = await self._interrupted(here, 1.5 + 0.17 * number)
                await trio.sleep(BETWEEN)
                if onset is None:
                    self.stutters += 1
                    continue
                silent.add(here.side.name, 1000 * (ended - onset))
                if ended > whole - 0.2:
                    silent.instead[here.side.name] = "never stops"
                heard.add(here.side.name, 100 * (1 - missing_in(text, self.interruption)))

    async def _interrupted(self, here: Session, after: float) -> tuple[str, float | None, float, float]:
        """The answer's words, when the user began, when the assistant ended, and when it would have."""
        user = self.interruption
        self.service.begin(user)
        called = trio.current_time()
        times: list[float] = []

        async def interrupt() -> None:
            first = await self.room.speaker.first_sound(called)
            await self.say(user, first + after)
            ended = await self.room.speaker.silence(first, NEVER)
            times.extend((first, ended))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(interrupt)
            text = await here.converse(STORY, listen_duration_max=5)
        onset = self.room.microphone.when(user, called, trio.current_time())
        return text, onset, times[1], times[0] + self.service.spoke[0].audible

    async def steady_voice(self, servers: Sequence[Session], times: int) -> None:
        """A voice that sends its speech just as fast as it is heard."""
        gaps = self.row("gaps in speech from an engine in real time", "ms")
        self.service.speaks = "in real time"
        for _ in range(times):
            for here in servers:
                self.service.begin()
                called = trio.current_time()
                await here.converse(STORY, wait_for_response=False)
                first = await self.room.speaker.first_sound(called)
                last = await self.room.speaker.silence(first, NEVER)
                gaps.add(here.side.name, max(0.0, 1000 * (last - first - self.service.spoke[0].audible)))
        self.service.speaks = "fast"

    async def cancels(self, servers: Sequence[Session], times: int) -> None:
        """The client takes its call back."""
        fast = self.row("cancel while speaking → silence, engine fast", "ms", 50)
        slow = self.row("cancel while speaking → silence, engine in real time", "ms", 50)
        closed = self.row("cancel while listening → microphone closed", "ms")
        for number in range(times):
            for here in servers:
                for row, manner in ((fast, "fast"), (slow, "in real time")):
                    self.service.speaks = manner
                    row.add(here.side.name, await self._cancelled_speaking(here, 1 + 0.13 * number))
                    self.service.speaks = "fast"
                value = await self._cancelled_listening(here)
                if value is None:
                    closed.instead[here.side.name] = "still open after 15 s"
                else:
                    closed.add(here.side.name, value)

    async def _cancelled_speaking(self, here: Session, after: float) -> float:
        self.service.begin()
        called = trio.current_time()
        async with trio.open_nursery() as nursery:
            calling = await nursery.start(self._call, here, STORY)
            first = await self.room.speaker.first_sound(called)
            await trio.sleep_until(first + after)
            cancelled = trio.current_time()
            calling.cancel("measured")
            ended = await self.room.speaker.silence(cancelled, NEVER)
        await trio.sleep(BETWEEN)
        return 1000 * (ended - cancelled)

    async def _cancelled_listening(self, here: Session) -> float | None:
        self.service.begin()
        called = trio.current_time()
        closed: float | None = None
        async with trio.open_nursery() as nursery:
            calling = await nursery.start(self._call, here, QUESTION)
            first = await self.room.speaker.first_sound(called)
            await trio.sleep_until(await self.room.speaker.silence(first, NEVER) + 2)
            cancelled = trio.current_time()
            calling.cancel("measured")
            with trio.move_on_after(15):
                closed = await self.room.opening(here.process.pid, "remove", cancelled)
        await trio.sleep(BETWEEN)
        return None if closed is None else 1000 * (closed - cancelled)

    async def _call(
        self, here: Session, message: str, *, task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            try:
                await here.converse(message)
            except MCPError:
                return  # the server has gone, which is what was asked of it

    async def leaving(self, times: int) -> None:
        """The client closes the server's input while the assistant speaks."""
        left = self.row("end of input while speaking → exit", "s", 1.0)
        for _ in range(times):
            for side in self.sides:
                self.service.begin()
                async with trio.open_nursery() as nursery:
                    async with self.server(side) as here:
                        called = trio.current_time()
                        await nursery.start(self._call, here, STORY)
                        await trio.sleep_until(await self.room.speaker.first_sound(called) + 1)
                    left.add(side.name, trio.current_time() - here.closing)
                    nursery.cancel_scope.cancel("measured")
                await trio.sleep(BETWEEN)

    async def silent_voice(self, other: Service, times: int, limit: float) -> None:
        """The first of two voices takes requests and says nothing."""
        row = self.row("first TTS engine never answers → first sound", "s", 2.5)
        other.speaks = "never answers"
        for _ in range(times):
            for side in self.sides:
                self.service.begin()
                async with self.server(side, tts=(other, self.service)) as here, trio.open_nursery() as nursery:
                    await trio.sleep(SETTLED)
                    called = trio.current_time()
                    await nursery.start(self._call, here, SHORT)
                    with trio.move_on_after(limit) as waiting:
                        row.add(side.name, await self.room.speaker.first_sound(called) - called)
                    if waiting.cancelled_caught:
                        row.instead[side.name] = f"still silent after {limit:g} s"
                    nursery.cancel_scope.cancel("measured")
                await trio.sleep(BETWEEN)
        other.speaks = "fast"

    async def dying_voice(self, other: Service, times: int) -> None:
        """The first of two voices breaks off in the middle of the story."""
        lost = self.row("TTS engine dies midway: words lost", "", 0, "max")
        repeated = self.row("TTS engine dies midway: words repeated", "", 0, "max")
        cut = self.row("TTS engine dies midway: words cut", "")
        other.speaks = "dies midway"
        for _ in range(times):
            for side in self.sides:
                self.service.voice.begin(STORY)
                async with self.server(side, tts=(other, self.service)) as here:
                    await trio.sleep(SETTLED)
                    called = trio.current_time()
                    await here.converse(STORY, wait_for_response=False)
                    answered = trio.current_time()
                    await self.room.speaker.reach(answered + 0.3)
                    heard = self.room.speaker.between(called, answered + 0.3)
                # silence within a word is a speaker that ran dry, and neither a loss nor a cut
                found = self.service.voice.heard(heard[heard != 0].astype("<i2").tobytes())
                lost.add(side.name, found.lost)
                repeated.add(side.name, found.repeated)
                cut.add(side.name, found.cut)
        other.speaks = "fast"

    async def silent_ears(self, other: Service, times: int, limit: float) -> None:
        """The first of two recognisers takes what the user said and says nothing."""
        row = self.row("first STT engine never answers → result", "s", 5.0)
        other.listens = "never answers"
        user = self.answers[0]
        for _ in range(times):
            for side in self.sides:
                async with self.server(side, stt=(other, self.service)) as here:
                    await trio.sleep(SETTLED)
                    with trio.move_on_after(limit) as waiting:
                        text, called, answered = await self._answered(here, user, after=1.5)
                        onset = self.room.microphone.when(user, called, answered)
                        if onset is not None:
                            row.add(side.name, answered - onset - user.seconds)
                        if missing_in(text, user):
                            row.instead[side.name] = f"“{text[:60]}”"
                    if waiting.cancelled_caught:
                        row.instead[side.name] = f"still waiting after {limit:g} s"
        other.listens = "fast"

    async def nobody(self, servers: Sequence[Session], limit: float) -> None:
        """Nobody answers."""
        row = self.row("nobody answers → result", "s")
        for here in servers:
            self.service.begin()
            with trio.move_on_after(limit) as waiting:
                called = trio.current_time()
                text = await here.converse(QUESTION)
                row.add(here.side.name, trio.current_time() - called)
                row.instead[here.side.name] = f"“{text[:60]}”"
            if waiting.cancelled_caught:
                row.instead[here.side.name] = f"still waiting after {limit:g} s"
            await trio.sleep(BETWEEN)


def missing_in(text: str, user: Said) -> float:
    """The share of the user's words that are not in ``text`` in their order."""
    there = [word.strip(".,?!:“”") for word in text.casefold().split()]
    wanted = [word.strip(".,?") for each in user.words for word in each.text.casefold().split()]
    missing = 0
    for word in wanted:
        if word in there:
            there = there[there.index(word) + 1 :]
        else:
            missing += 1
    return missing / len(wanted)
