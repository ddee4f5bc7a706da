"""Carries one turn through: everything that happens goes to the dialogue, what the dialogue decides is done.

In: the reports of all other actors and of the front end.  Out: orders to the recorder, events for whoever watches, and
one result.  It runs in the task of whoever asked for the turn, so that cancelling the caller cancels the turn: the
microphone closes and the speaker falls silent first, then everything the turn started is waited for.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio
from attrs import evolve, field, frozen

from .errors import VoiceError
from .events import (
    BargedIn,
    Chimed,
    Ducked,
    Event,
    StateChanged,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UserAway,
    UserBack,
    UtteranceRecorded,
    WentOn,
)
from .expectation import Expectation
from .gate import Gate
from .growing import Recordings
from .machines.dialogue import Dialogue
from .messages import (
    Chime,
    Drafted,
    DraftId,
    SpeakingStarted,
    SpeechActivity,
    SpeechChunk,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Spoken,
    TextPiece,
    Transcribed,
    TurnId,
    Utterance,
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
    Stop,
    TellAway,
    TellBack,
    Tick,
    Transcribe,
    Understood,
)
from .player import play_speech
from .ports import LiveSpeechToText, Playback, SpeechToText, TextToSpeech, TurnModel, UtteranceStore, Words
from .reader import read_words
from .reading import show_words
from .recent import Recent, replay
from .results import Presumed, TurnResult
from .streamer import stream_speech
from .transcriber import draft, transcribe
from .transport import Transport

PIECES = 2
"""Sentences read ahead of the engine."""

BARGE_IN = "barge-in"
"""Who holds the assistant's voice while it is undecided whether it is interrupted."""

CHUNKS = 8
"""Stretches of audio made ahead of the speaker: with 60 ms each, half a second."""


@frozen(kw_only=True)
class Outside:
    """What a turn may use of the outside; ``chimes`` are at the playback's rate, and one that is missing is silent.

    With ``shown`` the assistant's words are read by whoever watches, and nothing is played."""

    gate: Gate
    playback: Playback | None
    tts: TextToSpeech | None
    stt: SpeechToText | None
    store: UtteranceStore
    publish: Callable[[Event], None]
    expectation: Expectation
    recordings: Recordings
    transport: Transport
    recent: Recent
    judge: TurnModel | None = None
    chimes: Mapping[Chime, bytes] = field(factory=dict[Chime, bytes])
    shown: bool = False


@frozen(kw_only=True)
class Request:
    """A turn somebody asks for: words to say or None, and whether to listen afterwards.

    ``overhear`` lets the user speak over the words even when nobody listens afterwards.
    ``keep`` leaves the microphone open for the next turn; ``phrases`` are what the user is expected to say.
    ``presume`` is told, once the assistant is done, what the user has said if they look done, and None if not so.
    """

    turn: TurnId
    words: Words | None
    listen: bool
    overhear: bool = False
    keep: bool = False
    voice: str | None = None
    speed: float | None = None
    phrases: Sequence[str] = field(default=())
    presume: Callable[[Presumed | None], None] | None = None


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
                    turn.take(await _next(inbox, dialogue.deadline))
            finally:
                if turn.ending is None:
                    turn.take(Stop())
                nursery.cancel_scope.cancel("the turn is over")
        await turn.settle()
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


async def _next(inbox: trio.MemoryReceiveChannel[Input], deadline: float | None) -> Input:
    """What has been reported goes before a deadline that has come: it may be about what is waited for."""
    await trio.lowlevel.checkpoint_if_cancelled()
    with suppress(trio.WouldBlock):
        return inbox.receive_nowait()
    with trio.move_on_at(math.inf if deadline is None else deadline):
        return await inbox.receive()
    return Tick()


def dismiss(orders: trio.MemorySendChannel[RecorderOrder], *, dialogue: Dialogue, gate: Gate) -> None:
    """Nobody will take the next turn: close a microphone that was kept open for it."""
    for command in dialogue.feed(Abandon(), trio.current_time()):
        match command:
            case CloseMicrophone():
                gate.close()
            case DropUtterance():
                orders.send_nowait(command)
            case _:
                raise RuntimeError(f"{command} while no turn is running")


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
        self._speech = trio.CancelScope()
        self._state = dialogue.state
        self._text = request.words if isinstance(request.words, str) else ""
        self._drafts: dict[DraftId, tuple[trio.CancelScope, trio.MemorySendChannel[float]]] = {}
        self._nursery: trio.Nursery | None = None
        self.ending: Finish | Fail | None = None

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
            event = evolve(event, text=self._text)
        match event:
            case SpeechActivity() | SpeechStarted() | SpeechPaused() | SpeechResumed() | SpeechEnded():
                if event.stream == self._dialogue.stream:
                    self._outside.publish(event)
            case SpeakingStarted() | VoiceChanged() | Spoken() | Drafted() | Transcribed():
                self._outside.publish(event)
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
                self._start(self._show if self._outside.shown else self._speak)
            case Hush(turn, began):
                self._speech.cancel("interrupted" if began is None else "barge-in")
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
                self._orders.send_nowait(command)
            case Follow(_, number):
                self._begin_draft(number)
            case Draft(_, number, until):
                # it may be over already: that has been reported
                with suppress(trio.BrokenResourceError):
                    self._begin_draft(number).send_nowait(until)
            case DropDraft(number):
                self._drafts[number][0].cancel("the user went on")
            case Expect(stream=stream, pause=pause, until=until):
                self._outside.expectation.set(stream, pause, until)
            case Transcribe(turn, utterance):
                self._outside.publish(UtteranceRecorded(turn=turn, at=now, utterance=utterance))
                self._start(partial(self._transcribe, utterance))
            case Understood(turn, utterance, transcript):
                self._outside.publish(UtteranceRecorded(turn=turn, at=now, utterance=utterance))
                self._outside.publish(Transcribed(turn=turn, at=now, transcript=transcript))
            case Repeat():
                self._speech = trio.CancelScope()
                self._start(self._repeat)
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

    async def _repeat(self) -> None:
        """What was said last is played from what was kept of its sound."""
        said = self._outside.recent.utterances[-1:]
        if self._outside.playback is None or not said:
            with self._reports.clone() as reports:
                now = trio.current_time()
                again = self._text if self._outside.shown else ""
                await reports.send(
                    Spoken(turn=self._request.turn, text=again, heard=again, complete=True, samples=0, at=now)
                )
            return
        if said[0].turn != self._request.turn:
            self._text = said[0].text
        chunks_in, chunks_out = trio.open_memory_channel[SpeechChunk](CHUNKS)
        makers = (partial(replay, said[0], chunks_in, turn=self._request.turn),)
        await self._play(chunks_out, makers, self._outside.playback)

    async def _play(
        self,
        chunks: trio.MemoryReceiveChannel[SpeechChunk],
        makers: Sequence[Callable[[], Awaitable[None]]],
        playback: Playback,
        recent: Recent | None = None,
    ) -> None:
        with self._speech, chunks:
            async with trio.open_nursery() as nursery:
                for make in makers:
                    nursery.start_soon(make)
                all_came = await play_speech(
                    chunks.clone(),
                    self._reports.clone(),
                    turn=self._request.turn,
                    playback=playback,
                    transport=self._outside.transport,
                    recent=recent,
                )
                if not all_came:
                    nursery.cancel_scope.cancel("nobody plays what is still to come")

    async def _speak(self) -> None:
        request, outside = self._request, self._outside
        if request.words is None or outside.tts is None or outside.playback is None:
            raise RuntimeError("the dialogue asked for words that nobody gave")
        pieces_in, pieces_out = trio.open_memory_channel[TextPiece](PIECES)
        chunks_in, chunks_out = trio.open_memory_channel[SpeechChunk](CHUNKS)
        makers = (
            partial(
                stream_speech,
                pieces_out,
                chunks_in,
                self._reports.clone(),
                turn=request.turn,
                engine=outside.tts,
                voice=request.voice,
                speed=request.speed,
            ),
            partial(read_words, request.words, pieces_in, turn=request.turn, publish=self._read),
        )
        await self._play(chunks_out, makers, outside.playback, outside.recent)

    async def _show(self) -> None:
        turn, words = self._request.turn, self._request.words
        if words is None:
            raise RuntimeError("the dialogue asked for words that nobody gave")
        pieces_in, pieces_out = trio.open_memory_channel[TextPiece](PIECES)
        with self._speech:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(show_words, pieces_out, self._reports.clone(), turn=turn))
                nursery.start_soon(partial(read_words, words, pieces_in, turn=turn, publish=self._read))

    def _read(self, piece: TextPiece) -> None:
        """What was to be said, however far it got: a text that is streamed is known as far as it was read."""
        self._text = max(self._text, self._text[: piece.start] + piece.text, key=len)
        self._outside.publish(piece)

    async def _transcribe(self, utterance: Utterance) -> None:
        if self._outside.stt is None:
            raise RuntimeError("the dialogue asked for a transcript without an engine to make it")
        await transcribe(
            utterance,
            self._reports.clone(),
            turn=self._request.turn,
            engine=self._outside.stt,
            phrases=self._request.phrases,
        )

    def _begin_draft(self, number: DraftId) -> trio.MemorySendChannel[float]:
        """Have it made, unless that is so already; the moment at which it ends is sent to what is returned."""
        if number not in self._drafts:
            scope, (end, ends) = trio.CancelScope(), trio.open_memory_channel[float](1)
            self._drafts[number] = scope, end
            self._start(partial(self._draft, number, scope, ends))
        return self._drafts[number][1]

    async def _draft(self, number: DraftId, scope: trio.CancelScope, ends: trio.MemoryReceiveChannel[float]) -> None:
        if self._outside.stt is None:
            raise RuntimeError("the dialogue asked for a draft without an engine to make it")
        with scope:
            await draft(
                self._outside.recordings,
                ends,
                self._reports.clone(),
                turn=self._request.turn,
                number=number,
                engine=self._outside.stt,
                judge=self._outside.judge,
                phrases=self._request.phrases,
                publish=self._outside.publish,
            )

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
                self._outside.publish(TurnEnded(turn=self._request.turn, at=now, result=result))
            case Fail(turn, error):
                self._outside.publish(TurnFailed(turn=turn, at=now, error=error))
            case None:
                pass

    def result(self) -> TurnResult:
        match self.ending:
            case Finish(result):
                return result
            case Fail(_, error):
                raise error
            case None:
                raise RuntimeError("the turn has not ended")
