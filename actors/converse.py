"""Carries one turn through: everything that happens goes to the dialogue, what the dialogue decides is done.

In: the reports of all other actors and of the front end.  Out: orders to the recorder, events for whoever watches, and
one result.  It runs in the task of whoever asked for the turn, so that cancelling the caller cancels the turn: the
microphone closes and the speaker falls silent first, then everything the turn started is waited for.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import cast

import trio
from attrs import evolve

from .account import SpokenText
from .assistant import Assistant
from .errors import ProviderError, VoiceError, error_type
from .events import (
    BargedIn,
    Chimed,
    Ducked,
    StateChanged,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UserAway,
    UserBack,
    UtteranceRecorded,
    WentOn,
)
from .gate import Gate
from .machines.dialogue import Dialogue
from .messages import (
    Drafted,
    Service,
    SpeakingStarted,
    SpeechActivity,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Spoken,
    Transcribed,
    VoiceChanged,
)
from .orders import (
    Abandon,
    Begin,
    BeginUtterance,
    CloseMicrophone,
    Command,
    Draft,
    DropDraft,
    DropUtterance,
    Duck,
    EndUtterance,
    Evidence,
    Expect,
    Fail,
    Finish,
    FinishSentence,
    Follow,
    GoOn,
    Hold,
    Hush,
    Input,
    OpenMicrophone,
    PlayChime,
    RecorderOrder,
    Repeat,
    Settle,
    Speak,
    SpeakingFailed,
    Stop,
    TellAway,
    TellBack,
    Tick,
    Transcribe,
    TranscriptionFailed,
    Understood,
)
from .ports import LiveSpeechToText
from .request import Outside, Request
from .results import TurnResult
from .understanding import Understanding

BARGE_IN = "barge-in"
"""Who holds the assistant's voice while it is undecided whether it is interrupted."""


async def converse(
    inbox: trio.MemoryReceiveChannel[Input],
    reports: trio.MemorySendChannel[Input],
    orders: trio.MemorySendChannel[RecorderOrder],
    *,
    request: Request,
    dialogue: Dialogue,
    outside: Outside,
) -> TurnResult:
    """Run one turn to its result.

    ``inbox`` and ``orders`` stay open for the next turn; ``reports`` is the inbox's other end, cloned for the actors
    started here.  Raises the VoiceError a turn failed with, and whatever an agent's own stream of words raises.
    """
    turn = _Turn(reports=reports, orders=orders, request=request, dialogue=dialogue, outside=outside)
    try:
        async with trio.open_nursery() as nursery:
            try:
                turn.begin(nursery)
                while turn.ending is None:
                    await _take_until_due(turn, inbox, dialogue)
            finally:
                if turn.ending is None:
                    turn.take(Stop())
                nursery.cancel_scope.cancel("the turn is over")
        await turn.settle()
    except (Exception, BaseExceptionGroup) as error:
        # an agent's error comes in a group with the cancellations it led to
        turn.raised = _kind(error)
        raise
    finally:
        # the accounts of what was cancelled are in the inbox by now; with them or without, the turn ends here
        while turn.ending is None:
            try:
                event = inbox.receive_nowait()
            except trio.WouldBlock:
                event = Abandon()
            turn.take(event)
        turn.announce()
    return turn.result()


def _kind(error: BaseException) -> str | None:
    """Of the first error in a group; None where there are only cancellations in it."""
    if isinstance(error, BaseExceptionGroup):
        kinds = map(_kind, cast("BaseExceptionGroup[BaseException]", error).exceptions)
        return next((kind for kind in kinds if kind is not None), None)
    return error_type(error) if isinstance(error, Exception) else None


async def _take_until_due(turn: _Turn, inbox: trio.MemoryReceiveChannel[Input], dialogue: Dialogue) -> None:
    """What has been reported goes before a deadline that has come: it may be about what is waited for.

    One scope serves for many reports, because it costs as much as half of what is done with one.
    """
    with trio.CancelScope() as waiting:
        while turn.ending is None and not waiting.cancel_called:
            await trio.lowlevel.checkpoint_if_cancelled()
            try:
                event = inbox.receive_nowait()
            except trio.WouldBlock:
                due = dialogue.deadline
                deadline = math.inf if due is None else due
                if waiting.deadline != deadline:
                    waiting.deadline = deadline
                event = await inbox.receive()
            turn.take(event)
    if turn.ending is None:
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            turn.take(inbox.receive_nowait())
        except trio.WouldBlock:
            turn.take(Tick())


def dismiss(orders: trio.MemorySendChannel[RecorderOrder], *, dialogue: Dialogue, gate: Gate) -> None:
    """Nobody will take the next turn: close a microphone that was kept open for it."""
    for command in dialogue.feed(Abandon(), trio.current_time()):
        match command:
            case CloseMicrophone():
                gate.close()
            case DropUtterance():
                _order(orders, command)
            case _:
                raise RuntimeError(f"{command} while no turn is running")


def _order(orders: trio.MemorySendChannel[RecorderOrder], order: RecorderOrder) -> None:
    # a recorder that is gone was cancelled, as whoever orders is just being too, and has left what it held on disk
    with suppress(trio.BrokenResourceError):
        orders.send_nowait(order)


class _Turn:
    """The shell round the dialogue for one turn: it does what it is told and decides nothing."""

    def __init__(
        self,
        *,
        reports: trio.MemorySendChannel[Input],
        orders: trio.MemorySendChannel[RecorderOrder],
        request: Request,
        dialogue: Dialogue,
        outside: Outside,
    ) -> None:
        self._reports, self._orders = reports, orders
        self._request, self._dialogue, self._outside = request, dialogue, outside
        self._assistant = Assistant(request, outside, reports)
        self._understanding = Understanding(request, outside, reports, self._start)
        self._state = dialogue.state
        self._nursery: trio.Nursery | None = None
        self._failed: tuple[VoiceError, Service] | None = None
        self.ending: Finish | Fail | None = None
        self.raised: str | None = None

    def begin(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        request, tts = self._request, self._outside.tts
        self._outside.publish(TurnStarted(turn=request.turn, at=trio.current_time()))
        engine = tts.name if request.words is not None and tts is not None else None
        stt = self._outside.stt
        begin = Begin(
            turn=request.turn,
            engine=engine,
            listen=request.listen,
            overhear=request.overhear,
            keep=request.keep,
            shown=request.words is not None and self._outside.shown,
            evidence=Evidence(
                drafts=stt is not None,
                live=isinstance(stt, LiveSpeechToText),
                sound=self._outside.judge is not None,
                phrases=tuple(request.phrases),
            ),
        )
        self.take(begin)

    def take(self, event: Input) -> None:
        """Tell the watchers, ask the dialogue, do what it says.  Never waits."""
        now = trio.current_time()
        if isinstance(event, Spoken):
            event = evolve(event, text=self._assistant.text)
        match event:
            case SpeechActivity() | SpeechStarted() | SpeechPaused() | SpeechResumed() | SpeechEnded():
                if event.stream == self._dialogue.stream:
                    self._outside.publish(event)
            case SpeakingStarted() | VoiceChanged() | Spoken() | Drafted() | Transcribed():
                self._outside.publish(event)
            case TranscriptionFailed(error=error):
                self._failed = error, "stt"
            case SpeakingFailed(error=ProviderError() as error):
                self._failed = error, "tts"
            case _:
                pass
        for command in self._dialogue.feed(event, now):
            self._do(command, now)
        if self._dialogue.state != self._state:
            self._state = self._dialogue.state
            self._outside.publish(StateChanged(turn=self._request.turn, at=now, state=self._state))
        self._presume(event)

    def _presume(self, event: Input) -> None:
        over = self.ending is not None or self._dialogue.talking
        # a window of sound changes nothing here, and there are 31 a second
        if self._request.presume is not None and not over and not isinstance(event, SpeechActivity):
            self._request.presume(self._dialogue.presumed)

    def _do(self, command: Command, now: float) -> None:
        match command:
            case OpenMicrophone(stream):
                self._outside.gate.open(stream)
            case CloseMicrophone():
                self._outside.gate.close()
            case Speak():
                self._start(self._assistant.speak())
            case Hush(turn, began):
                self._assistant.hush("interrupted" if began is None else "barge-in")
                if began is not None:
                    self._outside.publish(BargedIn(turn=turn, at=now, began=began))
            case Duck(turn, gain):
                self._outside.transport.duck(gain)
                self._outside.publish(Ducked(turn=turn, at=now, held=False))
            case Hold(turn):
                self._outside.transport.hold(BARGE_IN)
                self._outside.publish(Ducked(turn=turn, at=now, held=True))
            case GoOn(turn):
                self._outside.transport.go_on(BARGE_IN)
                self._outside.publish(WentOn(turn=turn, at=now))
            case FinishSentence():
                self._outside.transport.finish_sentence()
            case BeginUtterance() | EndUtterance() | DropUtterance():
                _order(self._orders, command)
            case Follow(_, number):
                self._understanding.follow(number)
            case Draft(_, number, until):
                self._understanding.draft(number, until)
            case DropDraft(number):
                self._understanding.drop(number)
            case Expect(stream=stream, pause=pause, until=until):
                self._outside.expectation.set(stream, pause, until)
            case Transcribe(turn, utterance):
                self._outside.publish(UtteranceRecorded(turn=turn, at=now, utterance=utterance))
                self._understanding.transcribe(utterance)
            case Understood(turn, utterance, transcript):
                self._outside.publish(UtteranceRecorded(turn=turn, at=now, utterance=utterance))
                self._outside.publish(Transcribed(turn=turn, at=now, transcript=transcript))
            case Repeat():
                self._start(self._assistant.repeat())
            case Settle(path):
                self._start(partial(self._settle, path))
            case TellAway(turn, since):
                self._outside.publish(UserAway(turn=turn, at=now, since=since))
            case TellBack(turn):
                self._outside.publish(UserBack(turn=turn, at=now))
            case PlayChime(turn, chime):
                if self._outside.playback is not None and chime in self._outside.chimes:
                    self._outside.playback.overlay(self._outside.chimes[chime])
                    self._outside.publish(Chimed(turn=turn, at=now, chime=chime))
            case Finish() | Fail():
                self.ending = command

    def _start(self, task: Callable[[], Awaitable[None]]) -> None:
        if self._nursery is None:
            raise RuntimeError("the turn has not begun")
        self._nursery.start_soon(task)

    async def _settle(self, path: Path) -> None:
        # one that has to stay where it is harms nobody
        with suppress(VoiceError):
            await self._outside.store.settle(path)

    async def settle(self) -> None:
        """The recording of what has been understood is kept or removed, as the store is told to."""
        if isinstance(self.ending, Finish):
            result = self.ending.result
            if result.utterance is not None and result.engines.stt is not None:
                path = await self._outside.store.settle(result.utterance)
                self.ending = Finish(evolve(result, utterance=path))

    def announce(self) -> None:
        now = trio.current_time()
        match self.ending:
            case Finish(result):
                self._remember(result.spoken, result.transcript)
                self._outside.publish(TurnEnded(turn=self._request.turn, at=now, result=result, raised=self.raised))
            case Fail(turn, error):
                self._remember(error.spoken, "")
                failed = self._failed
                service = failed[1] if failed is not None and failed[0] is error else None
                self._outside.publish(TurnFailed(turn=turn, at=now, error=error, service=service))
            case None:
                pass

    def _remember(self, spoken: SpokenText | None, transcript: str) -> None:
        if self._request.remember is not None:
            self._request.remember("" if spoken is None else spoken.heard, transcript)

    def result(self) -> TurnResult:
        match self.ending:
            case Finish(result):
                return result
            case Fail(_, error):
                raise error
            case None:
                raise RuntimeError("the turn has not ended")
