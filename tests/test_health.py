"""Who is gone and who is back is known before anybody has to wait for it, and nobody is asked without need."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from math import inf

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import ProviderError
from actors.events import ProviderChanged
from actors.health import HealthPolicy, watch_providers
from actors.machines.board import Board, Key
from actors.ports import Probe
from tests.machines.engines import unavailable
from voicemode.groups import unwrapped

WHISPER: Key = ("stt", "whisper")
KOKORO: Key = ("tts", "kokoro")


@define
class FakeProbe:
    """Takes ``seconds``, and fails if it is told to.  Notes when it was begun, and what is running."""

    seconds: float = 0.1
    error: ProviderError | None = None
    begun: list[float] = field(factory=list[float])
    running: int = 0

    async def probe(self) -> None:
        self.begun.append(trio.current_time())
        self.running += 1
        try:
            await trio.sleep(self.seconds)
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error


@define
class Watched:
    board: Board
    told: list[ProviderChanged] = field(factory=list[ProviderChanged])
    first: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    def hear(self, event: ProviderChanged) -> None:
        self.told.append(event)
        self.first.set()

    @property
    def news(self) -> list[tuple[float, str, str]]:
        return [(event.at, event.status.provider, event.status.health) for event in self.told]

    async def call(self, key: Key, seconds: float = 0.1, error: ProviderError | None = None) -> None:
        """Ask an engine for something, which takes ``seconds`` and may fail."""
        call = self.board.began(*key, trio.current_time())
        await trio.sleep(seconds)
        if error is not None:
            self.board.failed(call, trio.current_time(), error)
            return
        self.board.answered(call, trio.current_time())
        self.board.ended(call, trio.current_time())


@asynccontextmanager
async def watching(deadline: float = 1.5, **probes: Probe) -> AsyncGenerator[Watched]:
    """Engines called whisper and kokoro under watch; those that ``probes`` does not name cannot be probed."""
    board = Board()
    watched = Watched(board)
    keys = {"whisper": WHISPER, "kokoro": KOKORO}
    for service, name in keys.values():
        board.add(service, name, "local", trio.current_time())
    with unwrapped():
        async with trio.open_nursery() as nursery:
            await nursery.start(
                partial(
                    watch_providers,
                    board,
                    {keys[name]: probe for name, probe in probes.items()},
                    publish=watched.hear,
                    policy=HealthPolicy(deadline=deadline),
                )
            )
            watched.scope = nursery.cancel_scope
            yield watched
            nursery.cancel_scope.cancel()


async def test_all_are_probed_at_the_start_side_by_side(autojump_clock: MockClock) -> None:
    whisper, kokoro = FakeProbe(1.0), FakeProbe(0.4)
    async with watching(whisper=whisper, kokoro=kokoro) as watched:
        await trio.sleep(1.1)
        assert whisper.begun == kokoro.begun == [0.0]
        assert watched.news == [(0.4, "kokoro", "up"), (1.0, "whisper", "up")]


async def test_an_engine_can_be_asked_while_it_is_probed_for_the_first_time(autojump_clock: MockClock) -> None:
    async with watching(whisper=FakeProbe(1.0)) as watched:
        await wait_all_tasks_blocked()
        assert watched.board.order("stt", [["whisper"]], 0.0) == ["whisper"]


async def test_an_engine_that_says_nothing_to_a_probe_is_down_at_the_deadline(autojump_clock: MockClock) -> None:
    silent = FakeProbe(inf)
    async with watching(whisper=silent, kokoro=FakeProbe()) as watched:
        await trio.sleep(1.6)
        assert watched.news == [(0.1, "kokoro", "up"), (1.5, "whisper", "down")]
        status = watched.board.status(*WHISPER)
        assert status.error is not None
        assert status.error.startswith("whisper did not say within 1.5 s whether it is there.")
        assert status.retry_at == 2.5
        assert silent.running == 0
        assert not watched.board.allowed(*WHISPER, 1.6)


async def test_an_engine_that_accepts_and_says_nothing_is_down_at_the_deadline() -> None:
    """The same with a real socket."""
    asked = trio.Event()

    async def take_and_say_nothing(stream: trio.SocketStream) -> None:
        async for _ in stream:
            asked.set()

    class Greeting:
        async def probe(self) -> None:
            async with await trio.open_tcp_stream(*address) as stream:
                await stream.send_all(b"Is anybody there?")
                await stream.receive_some()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, take_and_say_nothing, 0, host="127.0.0.1"))
        address = listener.socket.getsockname()
        async with watching(deadline=0.2, whisper=Greeting()) as watched:
            with trio.fail_after(10.0):
                await watched.first.wait()
            assert asked.is_set()
            assert watched.told[0].status.health == "down"
        nursery.cancel_scope.cancel()


async def test_an_engine_that_is_gone_is_probed_again_and_again_and_found_when_it_is_back(
    autojump_clock: MockClock,
) -> None:
    probe = FakeProbe(0.0, unavailable("unreachable"))
    async with watching(whisper=probe) as watched:
        await trio.sleep(20.0)
        assert probe.begun == [0.0, 1.0, 3.0, 7.0, 15.0]
        assert watched.news == [(0.0, "whisper", "down")]
        probe.error = None
        await trio.sleep(20.0)
        assert probe.begun[5:] == [31.0]
        assert watched.news[1:] == [(31.0, "whisper", "up")]
        assert watched.board.allowed(*WHISPER, 31.0)


async def test_a_call_that_finds_an_engine_gone_has_it_probed_from_then_on(autojump_clock: MockClock) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe) as watched:
        await trio.sleep(10.0)
        await watched.call(WHISPER, 0.0, unavailable("unreachable"))
        assert not watched.board.allowed(*WHISPER, 10.0)
        await trio.sleep(2.0)
        assert probe.begun == [0.0, 11.0]
        assert watched.news == [(0.0, "whisper", "up"), (10.0, "whisper", "down"), (11.0, "whisper", "up")]


async def test_only_one_at_a_time_tries_an_engine_that_was_gone(autojump_clock: MockClock) -> None:
    probe = FakeProbe(0.5, unavailable("unreachable"))
    async with watching(whisper=probe) as watched:
        await trio.sleep(1.7)
        assert probe.begun == [0.0, 1.5]
        assert watched.board.status(*WHISPER).health == "trying"
        assert not watched.board.allowed(*WHISPER, trio.current_time())


async def test_an_engine_that_was_silent_in_a_call_is_not_believed_because_it_answers_a_probe(
    autojump_clock: MockClock,
) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe) as watched:
        await trio.sleep(1.0)
        await watched.call(WHISPER, 1.5, unavailable("timeout"))
        await trio.sleep(100.0)
        assert probe.begun == [0.0, 62.5]
        assert watched.board.status(*WHISPER).health == "down"
        assert watched.board.allowed(*WHISPER, trio.current_time())
        await watched.call(WHISPER)
        assert [health for _, _, health in watched.news] == ["up", "down", "up"]


async def test_a_connection_that_went_with_a_cancelled_call_is_renewed_at_once(autojump_clock: MockClock) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe) as watched:
        await trio.sleep(5.0)
        call = watched.board.began(*WHISPER, 5.0)
        await trio.sleep(1.0)
        watched.board.cancelled(call, 6.0)
        await trio.sleep(1.0)
        assert probe.begun == [0.0, 6.0]


async def test_nobody_is_probed_while_everybody_works_and_is_used(autojump_clock: MockClock) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe) as watched:
        await trio.sleep(1.0)
        for _ in range(20):
            await watched.call(WHISPER, 2.0)
            await trio.sleep(50.0)
        assert probe.begun == [0.0]
        assert watched.news == [(0.0, "whisper", "up")]


async def test_nobody_is_probed_during_a_call_however_long_it_takes(autojump_clock: MockClock) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe) as watched:
        await trio.sleep(1.0)
        await watched.call(WHISPER, 500.0)
        assert probe.begun == [0.0]


async def test_who_is_not_used_is_probed_once_a_minute(autojump_clock: MockClock) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe):
        await trio.sleep(200.0)
        assert probe.begun == [0.0, 60.0, 120.0, 180.0]


async def test_an_engine_that_dies_while_nobody_talks_is_known_to_be_down_before_somebody_does(
    autojump_clock: MockClock,
) -> None:
    probe = FakeProbe(0.0)
    async with watching(whisper=probe) as watched:
        await trio.sleep(1.0)
        probe.error = unavailable("unreachable")
        await trio.sleep(100.0)
        assert watched.news[1:] == [(60.0, "whisper", "down")]


async def test_what_calls_find_out_is_published_too_and_once(autojump_clock: MockClock) -> None:
    async with watching() as watched:
        for _ in range(3):
            await watched.call(KOKORO, 1.0)
        for _ in range(3):
            await watched.call(KOKORO, 1.0, unavailable("timeout"))
        assert watched.news == [(1.0, "kokoro", "up"), (4.0, "kokoro", "down")]


async def test_a_cancelled_watch_leaves_nothing_running_and_publishes_nothing_more(autojump_clock: MockClock) -> None:
    whisper, kokoro = FakeProbe(1.0), FakeProbe(1.0, unavailable("unreachable"))
    async with watching(whisper=whisper, kokoro=kokoro) as watched:
        await trio.sleep(2.5)
        assert (whisper.running, kokoro.running) == (0, 1)
        watched.scope.cancel()
    assert (whisper.running, kokoro.running) == (0, 0)
    assert watched.board.status(*KOKORO).health == "down"
    assert watched.board.allowed(*KOKORO, trio.current_time())
    before = list(watched.told)
    watched.board.failed(watched.board.began(*WHISPER, 3.0), 3.0, unavailable("timeout"))
    assert watched.told == before


async def test_a_probe_with_a_bug_in_it_is_not_hidden(autojump_clock: MockClock) -> None:
    class Buggy:
        async def probe(self) -> None:
            raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        async with watching(whisper=Buggy()):
            await trio.sleep(1.0)


@pytest.mark.parametrize("deadline", [0.0, -1.0])
def test_a_deadline_that_leaves_no_time_is_refused(deadline: float) -> None:
    with pytest.raises(ValueError, match="deadline"):
        HealthPolicy(deadline=deadline)
