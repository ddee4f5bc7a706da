"""Keeps the sound of the last moments and cuts utterances out of it.

In: every frame of the microphone, and orders to begin, end or drop an utterance.  Out: whole utterances, each written
to its file before it is handed on, and synced right after.  Orders lag behind the sound they speak of, by as long as it
takes to tell speech from noise; that is why frames are kept before anybody asks for them.
"""

from __future__ import annotations

import logging
from collections import deque

import trio
from attrs import define, field

from .errors import VoiceError
from .messages import SAMPLE_BYTES, AudioFrame, StreamId, Utterance
from .orders import BeginUtterance, DropUtterance, EndUtterance, RecorderOrder
from .ports import Spool, UtteranceStore
from .ring import Ring

log = logging.getLogger(__name__)

HISTORY = 5.0
"""Seconds of sound kept before it is asked for; pre-roll plus the longest time a decision may lag."""

LATEST = 0.1
"""Seconds to wait for the last frames of an utterance that is cut at this very moment; then it ends without them.  A
microphone delivers up to 40 ms at once, and those some 20 ms late."""

CLOSING = 1.0
"""Seconds an utterance in progress is given to reach the disk when the recorder is stopped."""


@define
class _Take:
    """The utterance being recorded; ``end`` is that of its last frame."""

    number: int
    stream: StreamId
    start: float
    rate: int
    spool: Spool | None
    pcm: bytearray = field(factory=bytearray)
    end: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.end = self.start

    def add(self, frame: AudioFrame) -> None:
        # frames that were dropped under load leave a silence of their own length, so that times stay true
        self._write(bytes(SAMPLE_BYTES * round(frame.missing_after(self.end) * self.rate)))
        self._write(frame.pcm)
        self.end = frame.end

    def _write(self, pcm: bytes) -> None:
        self.pcm += pcm
        if pcm and self.spool is not None:
            try:
                self.spool.write(pcm)
            except VoiceError as error:
                log.warning("The recording goes on in memory only: %s", error)
                self.spool = None


@define
class _Tape:
    frames: deque[AudioFrame] = field(factory=deque[AudioFrame])
    take: _Take | None = None
    grown: trio.Event = field(factory=trio.Event)

    def add(self, frame: AudioFrame) -> None:
        self.frames.append(frame)
        while self.frames[0].end < frame.end - HISTORY:
            self.frames.popleft()
        if self.take is not None and self.take.stream == frame.stream:
            self.take.add(frame)
        self.grown.set()
        self.grown = trio.Event()


async def record_utterances(
    frames: Ring[AudioFrame],
    orders: trio.MemoryReceiveChannel[RecorderOrder],
    utterances: trio.MemorySendChannel[Utterance],
    *,
    store: UtteranceStore,
    rate: int,
) -> None:
    """Run until ``orders`` ends.  What is being recorded when it is cancelled is left on disk, playable."""
    tape = _Tape()
    with orders, utterances:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_roll, frames, tape)
                async for order in orders:
                    match order:
                        case BeginUtterance():
                            await _begin(tape, order, store, rate)
                        case EndUtterance() if tape.take is not None and tape.take.number == order.number:
                            take = tape.take
                            utterance = await _end(tape, take, order.until)
                            await utterances.send(utterance)
                            await _make_durable(take, len(utterance.pcm))
                        case DropUtterance() if tape.take is not None and tape.take.number == order.number:
                            if tape.take.spool is not None:
                                tape.take.spool.discard()
                            tape.take = None
                        case _:
                            pass
                nursery.cancel_scope.cancel()
        finally:
            if tape.take is not None and tape.take.spool is not None:
                with trio.move_on_after(CLOSING, shield=True):
                    await tape.take.spool.finish(len(tape.take.pcm))


async def _roll(frames: Ring[AudioFrame], tape: _Tape) -> None:
    async for frame in frames:
        tape.add(frame)


async def _begin(tape: _Tape, order: BeginUtterance, store: UtteranceStore, rate: int) -> None:
    await trio.lowlevel.checkpoint()
    head = [frame for frame in tape.frames if frame.stream == order.stream and frame.end > order.since]
    start = head[0].start if head else order.since
    take = _Take(number=order.number, stream=order.stream, start=start, rate=rate, spool=None)
    try:
        take.spool = store.begin(rate)
    except VoiceError as error:
        log.warning("The recording is kept in memory only: %s", error)
    for frame in head:
        take.add(frame)
    tape.take = take


async def _end(tape: _Tape, take: _Take, until: float) -> Utterance:
    with trio.move_on_after(LATEST):
        while take.end < until - 0.5 / take.rate:
            await tape.grown.wait()
    tape.take = None
    length = min(len(take.pcm), SAMPLE_BYTES * max(0, round((until - take.start) * take.rate)))
    pcm = bytes(memoryview(take.pcm)[:length])
    return Utterance(
        number=take.number,
        stream=take.stream,
        start=take.start,
        end=take.start + length / (SAMPLE_BYTES * take.rate),
        pcm=pcm,
        rate=take.rate,
        path=take.spool.path if take.spool is not None else None,
    )


async def _make_durable(take: _Take, length: int) -> None:
    # the utterance has been written already; whoever waits for its text does not wait for the disk to spin
    if take.spool is not None:
        try:
            await take.spool.finish(length)
        except VoiceError as error:
            log.warning("The recording could not be made durable: %s", error)
