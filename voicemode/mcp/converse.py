"""The tool ``converse``: a message in, what the user said out, one call at a time.

A call that takes longer than clients wait answers ``still_listening`` and goes on without being waited for; the next
call takes it up.  A call that is cancelled is stopped at once, and what the user had said by then is transcribed and
told with the next.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import trio
from attrs import define, field

from actors.errors import SettingsError, VoiceError
from voicemode import Settings
from voicemode.groups import unwrapped

from .answers import ConverseAnswer, TurnAnswer, Verb, answer_of, line_of, timings_of_call
from .arguments import ConverseArguments, Line
from .caller import Caller
from .news import News
from .progress import Progress
from .statistics import Statistics
from .terms import Terms
from .turns_at_the_voice import TurnsAtTheVoice
from .voice import Task, Voice
from .wishes import wished

if TYPE_CHECKING:
    from actors.results import TurnResult
    from voicemode import Conversation

LEASE = 30.0
"""Seconds for which the user is listened to on although no call waits for what they say."""

STOPPING = 1.0
"""Seconds for which whoever presses stop is kept waiting for the end."""

WINDING_UP = 5.0
"""Seconds in which a turn that was left has to be transcribed when the next call wants the voice."""


@define
class Taken:
    """The results of a call's turns, and for a script what became of each of its lines; once ``halted``, or when a
    question ``failed``, no more of them are begun.  ``waiting`` while none runs, because the floor is waited for or it
    is the pause between two.  ``turns`` have when they began after the call, which ``began`` on the Trio clock."""

    began: float
    ended: float = field(init=False)
    turns: list[tuple[float, TurnResult]] = field(factory=list["tuple[float, TurnResult]"], init=False)
    lines: list[TurnAnswer] = field(factory=list[TurnAnswer], init=False)
    halted: bool = field(default=False, init=False)
    failed: bool = field(default=False, init=False)
    waiting: bool = field(default=True, init=False)

    async def take(self, turn: Awaitable[TurnResult]) -> TurnResult:
        """Raises as ``turn`` does."""
        began = trio.current_time() - self.began
        result = await turn
        self.turns.append((began, result))
        return result

    @property
    def results(self) -> list[TurnResult]:
        return [result for _, result in self.turns]


@define(eq=False)
class Running:
    """A call's turns; ``attended`` while a call waits for them."""

    handle: str
    given: ConverseArguments
    taken: Taken
    task: Task
    attended: bool = True

    def halt(self) -> None:
        """Begin no more turns; one that runs is for others to end."""
        self.taken.halted = True
        if self.taken.waiting:
            self.task.scope.cancel("nobody wants what it waits for")


class Converse:
    """``nursery`` has what goes on when no call waits."""

    def __init__(
        self,
        voice: Voice,
        settings: Settings,
        nursery: trio.Nursery,
        *,
        statistics: Statistics,
        terms: Terms,
    ) -> None:
        self._voice, self.settings, self._nursery, self._statistics = voice, settings, nursery, statistics
        self._terms = terms
        self._id = uuid.uuid4().hex[:8]
        self._turns = TurnsAtTheVoice(settings, terms, self._id)
        self._calls = 0
        self._running: Running | None = None
        self._beginning = False
        self._paused = False
        self._earlier: list[str] = []
        self._news = News(self._idle_key)

    async def call(self, given: ConverseArguments, caller: Caller) -> ConverseAnswer:
        """Raises VoiceError, SettingsError among them, with a sentence for the model."""
        if given.skip_tts is None:
            given = msgspec.structs.replace(given, skip_tts=self._terms.skip_tts)
        progress = Progress(caller.report)
        with unwrapped():
            async with trio.open_nursery() as telling:
                progress.tell("Getting ready")
                telling.start_soon(progress.send)
                try:
                    if given.resume is not None:
                        _check_alone(given)
                        running = self._taken_up(given.resume)
                    else:
                        running = await self._begin(given, caller.client)
                    if (conversation := self._voice.conversation) is not None:
                        telling.start_soon(progress.follow, conversation)
                    answer = await self._answer(running)
                finally:
                    telling.cancel_scope.cancel("answered")
        return answer

    @property
    def _conversation_id(self) -> str:
        """That of its exchanges, where they are kept."""
        conversation = self._voice.conversation
        return (None if conversation is None else conversation.id) or self._id

    @property
    def is_running(self) -> bool:
        """Whether a call's turns are not over, be they waited for or not."""
        return self._running is not None and not self._running.task.over.is_set()

    def pause(self) -> bool:
        """Whether there is something to pause: what is said, or what the lines of a list still have to say.  A pause
        ends with the call's turns, so that it never silences the next call."""
        conversation = self._voice.conversation
        if conversation is None or not self.is_running or conversation.status().state not in {"speaking", "idle"}:
            return False
        self._paused = True
        conversation.pause()
        return True

    async def stop(self) -> None:
        """End what is running, and a pause; whoever waits for it is told what there was until now.  Returns when it is
        over, or after a second."""
        running = self._running
        self._stop()
        if running is not None:
            with trio.move_on_after(STOPPING):
                await running.task.over.wait()
        if (conversation := self._voice.conversation) is not None and not self.is_running:
            conversation.resume()

    def _stop(self) -> None:
        if self._running is not None:
            self._running.halt()
        if (conversation := self._voice.conversation) is not None:
            conversation.stop()

    def _taken_up(self, handle: str) -> Running:
        running = self._running
        if running is None or running.handle != handle or running.attended:
            raise SettingsError(
                f"Nothing waits under resume={handle}. Call converse with a message, or without resume."
            )
        running.attended = True
        return running

    async def _begin(self, given: ConverseArguments, client: str | None) -> Running:
        began = trio.current_time()
        _check(given)
        running = self._running
        if self._beginning or (running is not None and running.attended):
            raise VoiceError(
                "Busy: another call is using the voice, and nothing was said. Wait for it, or stop it with control."
            )
        self._beginning = True
        try:
            if running is not None:
                await self._wind_up(running)
            await self._voice.open_as(wished(self.settings, given, given.turns[0] if given.turns else None))
            self._calls += 1
            taken = Taken(began)
            task = self._voice.start(partial(self._take, given, client, taken))
            self._running = Running(f"{self._id}-{self._calls}", given, taken, task)
            return self._running
        finally:
            self._beginning = False

    async def _answer(self, running: Running) -> ConverseAnswer:
        try:
            with trio.move_on_after(self._terms.call_limit):
                await running.task.over.wait()
        except trio.Cancelled:
            self._leave(running)
            raise
        finally:
            running.attended = False
        if not running.task.over.is_set():
            self._nursery.start_soon(self._expire, running, self._calls)
            return self._still(running)
        self._running = None
        if running.task.error is not None:
            raise running.task.error
        if not running.task.done and not running.taken.halted:
            raise VoiceError("The conversation was closed meanwhile. Call again; what was said is kept as a recording.")
        return self._told(running)

    def _still(self, running: Running) -> ConverseAnswer:
        conversation = self._voice.conversation
        status = None if conversation is None else conversation.status()
        return ConverseAnswer(
            outcome="still_speaking" if status is not None and status.state == "speaking" else "still_listening",
            conversation_id=self._conversation_id,
            resume=running.handle,
            paused=status is not None and status.held,
            earlier=self._take_earlier(),
        )

    def _told(self, running: Running) -> ConverseAnswer:
        taken, metrics = running.taken, running.given.metrics_level or self._terms.metrics_level
        for result in taken.results:
            self._statistics.add(result)
        missing = running.given.turns[len(taken.lines) :]
        lines = [*taken.lines, *(TurnAnswer(verb=_verb(line), status="not_reached") for line in missing)]
        if taken.results:
            timings = timings_of_call(taken.turns, taken.ended - taken.began)
            answer = answer_of(
                taken.results,
                conversation_id=self._conversation_id,
                metrics=metrics,
                news=self._news,
                lines=lines,
                timings=timings,
            )
        else:
            answer = ConverseAnswer(outcome="completed", conversation_id=self._conversation_id)
        answer.turns = lines
        answer.earlier = self._take_earlier()
        if not running.task.done or (lines and taken.halted):
            answer.outcome = "stopped"
        return answer

    def _idle_key(self) -> str | None:
        # what it is read with is there once somebody has spoken, and is not wanted before
        from voicemode.speech.idle_key import idle_key

        return idle_key(self.settings)

    def _take_earlier(self) -> list[str]:
        earlier, self._earlier = self._earlier, []
        return earlier

    async def _expire(self, running: Running, calls: int) -> None:
        """Nobody is listened to for longer than a while when no call asks for what they say."""
        with trio.move_on_after(LEASE):
            await running.task.over.wait()
        if self._running is running and not running.attended and calls == self._calls:
            self._leave(running)

    def _leave(self, running: Running) -> None:
        """Silence, and the microphone closed, at once; what the user has said by now is still transcribed."""
        running.halt()
        conversation = self._voice.conversation
        if conversation is None or running.task.over.is_set():
            return
        state = conversation.status().state
        if state == "hearing":
            conversation.interrupt()
            conversation.end_turn()
        elif state != "transcribing":
            conversation.stop()

    async def _wind_up(self, running: Running) -> None:
        """Whatever was said in it is told with the next answer."""
        if not running.task.over.is_set():
            self._leave(running)
            with trio.move_on_after(WINDING_UP):
                await running.task.over.wait()
            await running.task.cancel()
        self._earlier += [result.transcript for result in running.taken.results if result.transcript]
        if running.task.error is not None and running.task.error.recording is not None:
            self._earlier.append(f"[not transcribed, kept in {running.task.error.recording}]")
        self._running = None

    async def _take(
        self, given: ConverseArguments, client: str | None, taken: Taken, conversation: Conversation
    ) -> None:
        try:
            async with self._turns.speaking(given, client):
                taken.waiting = False
                await self._take_turns(given, taken, conversation)
        finally:
            taken.ended = trio.current_time()
            if self._paused:
                self._paused = False
                conversation.resume()

    async def _take_turns(self, given: ConverseArguments, taken: Taken, conversation: Conversation) -> None:
        if given.turns:
            await self._take_script(given, taken, conversation)
            return
        message = "" if given.skip_tts or given.message is None else given.message
        if given.wait_for_response:
            await taken.take(
                conversation.converse(message, voice=given.voice, speed=given.speed, phrases=given.choices or None)
            )
        elif message.strip():
            await taken.take(
                conversation.say(message, voice=given.voice, speed=given.speed, interruptible=bool(given.interruptible))
            )

    async def _take_script(self, given: ConverseArguments, taken: Taken, conversation: Conversation) -> None:
        for number, line in enumerate(given.turns):
            if taken.halted or taken.failed:
                taken.lines.append(TurnAnswer(verb=_verb(line), status="not_reached"))
                continue
            if number:
                pause = given.turns[number - 1].pause_after_ms
                taken.waiting = True
                await trio.sleep((given.pause_after_ms if pause is None else pause) / 1000)
                taken.waiting = False
                conversation.reconfigure(wished(self.settings, given, line))
            try:
                result = await taken.take(self._take_line(given, line, conversation))
            except VoiceError as error:
                taken.lines.append(TurnAnswer(verb=_verb(line), status="failed", reason=str(error)))
                taken.failed = line.ask is not None
                continue
            taken.lines.append(line_of(_verb(line), result))
            if result.outcome == "stopped":
                taken.halted = True

    async def _take_line(self, given: ConverseArguments, line: Line, conversation: Conversation) -> TurnResult:
        voice, speed = line.voice or given.voice, line.speed or given.speed
        if line.say is not None:
            return await conversation.say(line.say, voice=voice, speed=speed, interruptible=bool(given.interruptible))
        message = "" if given.skip_tts or line.ask is None else line.ask
        return await conversation.converse(message, voice=voice, speed=speed, phrases=given.choices or None)


def _check_alone(given: ConverseArguments) -> None:
    """Raises SettingsError when a resume comes with something else to be said."""
    if (given.message or "").strip() or given.turns:
        raise SettingsError(
            "resume goes alone: it waits on for what the user says. Nothing was said; call again with resume only, or "
            "with the message only, which ends that waiting."
        )


def _check(given: ConverseArguments) -> None:
    """Raises SettingsError when nothing is to be done."""
    if given.turns and given.message:
        raise SettingsError("There is a message and there are turns: give one of them. Nothing was said.")
    if not given.turns and given.message is None:
        raise SettingsError("Nothing to say: give a message, or an empty one to listen only, or turns.")
    if not given.turns and not given.wait_for_response and (given.skip_tts or not (given.message or "").strip()):
        raise SettingsError("Neither is anything said nor listened to: give a message, or wait_for_response.")
    longest = given.listen_duration_max
    if longest is not None and given.listen_duration_min is not None and given.listen_duration_min > longest:
        raise SettingsError("listen_duration_min is above listen_duration_max: give them the other way round.")


def _verb(line: Line) -> Verb:
    return "say" if line.ask is None else "ask"
