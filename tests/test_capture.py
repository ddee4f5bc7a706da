from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.capture import capture_audio
from actors.errors import DeviceError
from actors.gate import Gate
from actors.messages import AudioFrame, MicrophoneClosed, MicrophoneFailed, MicrophoneOpened, StreamId
from actors.ring import Ring

RATE = 16_000
ONE, TWO = StreamId(1), StreamId(2)

Report = MicrophoneOpened | MicrophoneClosed | MicrophoneFailed


class FakeMicrophone:
    """A frame every 10 ms; opening and closing take as long as they are told to."""

    def __init__(self, *, opening: float = 0.0, closing: float = 0.0, frames: int | None = None) -> None:
        self.opening, self.closing, self.frames = opening, closing, frames
        self.refusal: Exception | None = None
        self.loss: Exception | None = None
        self.openings = 0
        self.is_open = False

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame], None]:
        self.openings += 1
        await trio.sleep(self.opening)
        if self.refusal is not None:
            raise self.refusal
        assert not self.is_open
        self.is_open = True
        try:
            yield self._deliver(rate)
        finally:
            with trio.move_on_after(1.0, shield=True):
                await trio.sleep(self.closing)
            self.is_open = False

    async def _deliver(self, rate: int) -> AsyncIterator[AudioFrame]:
        count = 0
        while self.frames is None or count < self.frames:
            await trio.sleep(0.01)
            count += 1
            yield AudioFrame(start=trio.current_time() - 0.01, pcm=b"\1" * (rate // 50), rate=rate)
        if self.loss is not None:
            raise self.loss


class Room:
    """A capture actor at work, and all it told."""

    def __init__(self, nursery: trio.Nursery, microphone: FakeMicrophone, rings: int = 1) -> None:
        self.gate = Gate()
        self.rings = [Ring[AudioFrame](1_000) for _ in range(rings)]
        self.microphone = microphone
        send, self.reports = trio.open_memory_channel[Report](10)
        self._told, self.told = trio.open_memory_channel[MicrophoneOpened | MicrophoneFailed](10)
        nursery.start_soon(self._capture, send)

    async def _capture(self, send: trio.MemorySendChannel[Report]) -> None:
        with send:
            await capture_audio(
                self.gate,
                self.rings,
                self._told,
                microphone=self.microphone,
                rate=RATE,
                publish=send.send_nowait,
            )

    async def report(self) -> Report:
        with trio.fail_after(5):
            return await self.reports.receive()


@pytest.fixture
async def room(nursery: trio.Nursery) -> Room:
    return Room(nursery, FakeMicrophone(), rings=2)


async def test_the_microphone_is_left_alone_until_it_is_wanted(room: Room, autojump_clock: MockClock) -> None:
    await trio.sleep(60)
    assert room.microphone.openings == 0


async def test_every_listener_gets_every_frame_with_the_number_of_its_opening(
    room: Room, autojump_clock: MockClock
) -> None:
    room.gate.open(ONE)
    assert await room.report() == MicrophoneOpened(stream=ONE, at=0.0)
    await trio.sleep(1.0)
    room.gate.close()
    closed = await room.report()
    assert isinstance(closed, MicrophoneClosed)
    for ring in room.rings:
        assert ring.statistics().waiting in (99, 100)
        assert (await anext(ring)).stream == ONE


async def test_the_dialogue_is_told_when_the_microphone_works_and_when_it_does_not(
    room: Room, autojump_clock: MockClock
) -> None:
    room.microphone.frames = 5
    room.gate.open(ONE)
    await trio.sleep(1)
    opened, failed = room.told.receive_nowait(), room.told.receive_nowait()
    assert [opened, failed] == [await room.report(), await room.report()]
    assert (type(opened), type(failed)) == (MicrophoneOpened, MicrophoneFailed)
    assert room.rings[0].statistics().put == 5
    room.gate.open(TWO)
    await trio.sleep(0.02)
    room.gate.close()
    await trio.sleep(1)
    assert room.told.receive_nowait() == MicrophoneOpened(stream=TWO, at=1.0)
    with pytest.raises(trio.WouldBlock):
        room.told.receive_nowait()


async def test_a_muted_microphone_delivers_silence_and_stays_open(room: Room, autojump_clock: MockClock) -> None:
    room.gate.open(ONE)
    await trio.sleep(0.105)
    room.gate.mute(trio.current_time())
    await trio.sleep(0.1)
    room.gate.mute(None)
    await trio.sleep(0.1)
    frames = [await anext(room.rings[0]) for _ in range(30)]
    assert [any(frame.pcm) for frame in frames] == [True] * 11 + [False] * 9 + [True] * 10
    assert not any(frames[10].pcm[RATE // 100 :])
    assert {len(frame.pcm) for frame in frames} == {RATE // 50}
    assert room.microphone.openings == 1


async def test_a_closed_gate_closes_the_device_at_once(room: Room, autojump_clock: MockClock) -> None:
    room.microphone.closing = 0.2
    room.gate.open(ONE)
    await room.report()
    await trio.sleep(1.003)
    room.gate.close()
    closed = await room.report()
    assert isinstance(closed, MicrophoneClosed)
    assert closed.at == pytest.approx(1.203)
    assert not room.microphone.is_open
    before = room.rings[0].statistics().put
    await trio.sleep(1)
    assert room.rings[0].statistics().put == before


async def test_a_gate_closed_while_the_device_opens_is_reported_closed(room: Room, autojump_clock: MockClock) -> None:
    room.microphone.opening = 3.0
    room.gate.open(ONE)
    await trio.sleep(1)
    room.gate.close()
    assert await room.report() == MicrophoneClosed(stream=ONE, at=1.0)


async def test_a_gate_opened_again_at_once_gets_an_opening_of_its_own(room: Room, autojump_clock: MockClock) -> None:
    room.gate.open(ONE)
    await room.report()
    room.gate.close()
    room.gate.open(TWO)
    assert await room.report() == MicrophoneClosed(stream=ONE, at=0.0)
    assert await room.report() == MicrophoneOpened(stream=TWO, at=0.0)
    await trio.sleep(1)
    assert {(await anext(room.rings[0])).stream for _ in range(99)} == {TWO}


async def test_a_gate_opened_and_closed_before_anyone_looked_opens_nothing(
    room: Room, autojump_clock: MockClock
) -> None:
    await wait_all_tasks_blocked()
    room.gate.open(ONE)
    room.gate.close()
    await trio.sleep(1)
    assert room.microphone.openings == 0


async def test_a_microphone_that_cannot_be_opened_is_tried_again_only_for_another_opening(
    room: Room, autojump_clock: MockClock
) -> None:
    room.microphone.refusal = DeviceError("There is no microphone.")
    room.gate.open(ONE)
    assert await room.report() == MicrophoneFailed(stream=ONE, at=0.0, error=room.microphone.refusal)
    await trio.sleep(60)
    assert room.microphone.openings == 1
    room.microphone.refusal = None
    room.gate.close()
    room.gate.open(TWO)
    assert await room.report() == MicrophoneOpened(stream=TWO, at=60.0)


@pytest.mark.parametrize("loss", [DeviceError("The microphone was pulled out."), None])
async def test_a_microphone_lost_while_open_is_reported_failed(
    room: Room, loss: DeviceError | None, autojump_clock: MockClock
) -> None:
    room.microphone.frames, room.microphone.loss = 5, loss
    room.gate.open(ONE)
    assert isinstance(await room.report(), MicrophoneOpened)
    failed = await room.report()
    assert isinstance(failed, MicrophoneFailed)
    assert isinstance(failed.error, DeviceError)
    assert str(failed.error).startswith("The microphone was pulled out" if loss else "The microphone stopped")
    # it is told of at once, and closed after that
    await wait_all_tasks_blocked()
    assert not room.microphone.is_open
    assert room.rings[0].statistics().put == 5


async def test_a_bug_in_an_adapter_is_not_a_lost_microphone(autojump_clock: MockClock) -> None:
    microphone = FakeMicrophone()
    microphone.refusal = TypeError("a bug")
    with pytest.RaisesGroup(TypeError):
        async with trio.open_nursery() as nursery:
            Room(nursery, microphone).gate.open(ONE)


async def test_a_cancelled_capture_closes_the_device_the_rings_and_the_reports(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        room = Room(nursery, FakeMicrophone(closing=0.1))
        room.gate.open(ONE)
        await room.report()
        nursery.cancel_scope.cancel()
    assert not room.microphone.is_open
    assert [frame async for frame in room.rings[0]] == []
    with pytest.raises(trio.EndOfChannel):
        await room.reports.receive()


async def test_a_wish_is_a_level_and_not_a_queue(autojump_clock: MockClock) -> None:
    gate = Gate()
    wishes = [gate.wanted]
    for change in (partial(gate.open, ONE), partial(gate.open, ONE), gate.close, gate.close, partial(gate.open, TWO)):
        change()
        wishes.append(gate.wanted)
    assert wishes == [None, ONE, ONE, None, None, TWO]
    assert await gate.wait_change(None) == TWO
    with trio.move_on_after(60) as waiting:
        await gate.wait_change(TWO)
    assert waiting.cancelled_caught


async def test_the_scope_of_an_opening_ends_with_it() -> None:
    gate = Gate()
    assert gate.scope(ONE).cancel_called
    gate.open(ONE)
    scope = gate.scope(ONE)
    gate.open(ONE)
    assert not scope.cancel_called
    gate.open(TWO)
    assert scope.cancel_called


async def test_when_the_microphone_closes_listeners_have_what_they_were_gathering(autojump_clock: MockClock) -> None:
    gate, ring = Gate(), Ring[AudioFrame](100)
    taken: list[int] = []
    reports, _inbox = trio.open_memory_channel[MicrophoneOpened | MicrophoneFailed](10)
    capture = partial(
        capture_audio, gate, (ring,), reports, microphone=FakeMicrophone(), rate=RATE, publish=lambda _: None
    )

    async def listen() -> None:
        taken.append(len(await ring.take(1_000)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(capture)
        nursery.start_soon(listen)
        gate.open(ONE)
        await trio.sleep(0.055)
        assert taken == []
        gate.close()
        await wait_all_tasks_blocked()
        assert taken == [5]
        nursery.cancel_scope.cancel()
