"""Keeps the sound of the last moments and cuts utterances out of it.

In: every frame of the microphone, and orders to begin, end or drop an utterance.  Out: whole utterances, each written
to its file before it is handed on, and synced right after.  Orders lag behind the sound they speak of, by as long as it
takes to tell speech from noise; that is why frames are kept before anybody asks for them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import trio
from attrs import define, field

from .errors import VoiceError
from .growing import Growing, Recordings
from .messages import SAMPLE_BYTES, AudioFrame, Utterance, size_of
from .orders import BeginUtterance, DropUtterance, EndUtterance, RecorderOrder
from .ports import Spool, UtteranceStore
from .ring import Ring

log = logging.getLogger(__name__)

HISTORY = 5.0
"""Seconds of sound kept before it is asked for; pre-roll plus the longest time a decision may lag."""

IDLE, RECORDING = 0.2, 0.06
"""Seconds of sound worth being woken for: when nothing is recorded, and when something is.  All that has come by then
is taken when somebody asks for it."""

CLOSING = 1.0
"""Seconds an utterance in progress is given to reach the disk when the recorder is stopped."""


@define
class _Take:
    """The utterance being recorded, in memory and on disk."""

    sound: Growing
    spool: Spool | None

    def add(self, frames: Iterable[AudioFrame]) -> None:
        parts, end = list[bytes](), self.sound.end
        for frame in frames:
            # frames that were dropped under load leave a silence of their own length, so that times stay true
            parts += (bytes(SAMPLE_BYTES * round(frame.missing_after(end) * self.sound.rate)), frame.pcm)
            end = frame.end
        if not parts:
            return
        pcm = b"".join(parts)
        self.sound.add(pcm, end)
        if self.spool is not None:
            try:
                self.spool.write(pcm)
            except VoiceError as error:
                log.warning("The recording goes on in memory only: %s", error)
                self.spool = self.sound.path = None


@define
class _Tape:
    frames: deque[AudioFrame] = field(factory=deque[AudioFrame])
    take: _Take | None = None

    @property
    def patience(self) -> float:
        """Seconds of sound that may gather before it is put here."""
        if self.take is None:
            return IDLE
        return 0.0 if self.take.sound.awaited else RECORDING

    def add(self, frames: Sequence[AudioFrame]) -> None:
        if not frames:
            return
        self.frames.extend(frames)
        oldest = frames[-1].end - HISTORY
        while self.frames[0].end < oldest:
            self.frames.popleft()
        if self.take is not None:
            self.take.add(frame for frame in frames if frame.stream == self.take.sound.stream)

    def end(self) -> None:
        if self.take is not None:
            self.take.sound.close()
        self.take = None


async def record_utterances(
    frames: Ring[AudioFrame],
    orders: trio.MemoryReceiveChannel[RecorderOrder],
    utterances: trio.MemorySendChannel[Utterance],
    *,
    store: UtteranceStore,
    recordings: Recordings,
    rate: int,
) -> None:
    """Run until ``orders`` ends.  What is being recorded stands in ``recordings`` meanwhile, and when it is cancelled
    it is left on disk, playable."""
    tape = _Tape()

    def fetch() -> None:
        tape.add(frames.take_nowait())
        frames.flush()

    with orders, utterances:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_roll, frames, tape, rate)
                async for order in orders:
                    fetch()
                    match order:
                        case BeginUtterance():
                            tape.take = await _begin(tape, order, store, rate, fetch)
                            recordings.begin(tape.take.sound)
                            frames.flush()
                        case EndUtterance() if tape.take is not None and tape.take.sound.number == order.number:
                            take = tape.take
                            utterance = await take.sound.cut(order.until)
                            tape.end()
                            await utterances.send(utterance)
                            await _make_durable(take, len(utterance.pcm))
                        case DropUtterance() if tape.take is not None and tape.take.sound.number == order.number:
                            if tape.take.spool is not None:
                                tape.take.spool.discard()
                            tape.end()
                        case _:
                            pass
                nursery.cancel_scope.cancel()
        finally:
            if tape.take is not None and tape.take.spool is not None:
                with trio.move_on_after(CLOSING, shield=True):
                    await tape.take.spool.finish(len(tape.take.sound.pcm))


async def _roll(frames: Ring[AudioFrame], tape: _Tape, rate: int) -> None:
    while not frames.over:
        tape.add(await frames.take(max(1, SAMPLE_BYTES * round(tape.patience * rate)), size_of))


async def _begin(
    tape: _Tape, order: BeginUtterance, store: UtteranceStore, rate: int, fetch: Callable[[], None]
) -> _Take:
    await trio.lowlevel.checkpoint()
    head = [frame for frame in tape.frames if frame.stream == order.stream and frame.end > order.since]
    start = head[0].start if head else order.since
    spool: Spool | None = None
    try:
        spool = store.begin(rate)
    except VoiceError as error:
        log.warning("The recording is kept in memory only: %s", error)
    sound = Growing(
        number=order.number,
        stream=order.stream,
        start=start,
        rate=rate,
        path=spool.path if spool is not None else None,
        fetch=fetch,
    )
    take = _Take(sound, spool)
    take.add(head)
    return take


async def _make_durable(take: _Take, length: int) -> None:
    # the utterance has been written already; whoever waits for its text does not wait for the disk to spin
    if take.spool is not None:
        try:
            await take.spool.finish(length)
        except VoiceError as error:
            log.warning("The recording could not be made durable: %s", error)
