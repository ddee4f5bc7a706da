"""One connection, good and bad, at a real socket: who may have one, for how long, and what it may do with it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import trio
from trio_websocket import ConnectionRejected

from actors import link_messages as link
from tests.gateway.gateways import (
    ADA,
    AT_ONCE,
    BOB,
    Gateway,
    agent,
    connected,
    device,
    gateway,
    get,
    introduce,
    phone,
    text,
    users,
)
from voicemode.gateway.limits import Limits
from voicemode.gateway.tokens import CannotVerify, Identity, TokenRefused

HELLO = link.UserMessage(id="1", text="Hello.", target_user="cora")


async def test_a_token_may_come_in_the_header_in_the_query_or_in_a_frame() -> None:
    async with gateway() as there:
        async with connected(there.url) as peer:
            await introduce(peer)
        async with connected(f"{there.url}?token={ADA}", None) as peer:
            await introduce(peer)
        async with connected(there.url, None) as peer:
            first = await peer.hear()
            assert isinstance(first, link.Connected)
            assert (first.authenticated, first.session_token) == (False, None)
            await peer.say(link.Auth(token=ADA))
            second = await peer.hear()
            assert isinstance(second, link.Connected)
            assert (second.authenticated, second.user_id) == (True, "ada")
            await peer.say(device())
            assert (await peer.wait_for(link.Devices)).devices[0].device_id == "phone"


@pytest.mark.parametrize("token", ["", "guessed", "x" * 9_000, "a.b.c"], ids=["empty", "wrong", "long", "dots"])
async def test_a_token_that_is_not_good_ends_the_connection(token: str) -> None:
    async with gateway() as there, connected(f"{there.url}?token={token}", None) as peer:
        said = await peer.wait_for(link.LinkError)
        assert said.code == ("INVALID_TOKEN" if token else "AUTH_REQUIRED")
        assert (await peer.closed())[0] == 4001
        assert there.hub.counters.tokens_refused == 1


async def test_nothing_but_a_token_is_heard_from_a_stranger() -> None:
    async with gateway() as there, agent(there.url) as cora, connected(there.url, None) as peer:
        await peer.hear()
        await peer.say(device())
        assert (await peer.wait_for(link.LinkError)).code == "AUTH_REQUIRED"
        await peer.say(HELLO)
        assert (await peer.wait_for(link.LinkError)).code == "AUTH_REQUIRED"
        await cora.say(link.Heartbeat())
        assert isinstance(await cora.hear(), link.HeartbeatAck)


async def test_who_says_nothing_has_no_connection_for_long() -> None:
    async with gateway(Limits(handshake=0.05)) as there:
        async with connected(there.url, None) as peer:
            assert await peer.closed() == (4008, "nothing was said in time")
        async with connected(there.url) as peer:
            await introduce(peer)
            assert await peer.closed() == (4008, "nothing was said in time")


async def test_one_that_is_silent_is_closed_and_one_that_pings_is_not() -> None:
    async with gateway(Limits(silence=0.2)) as there, phone(there.url) as silent, phone(there.url, name="b") as alive:
        with trio.fail_after(AT_ONCE):
            for _ in range(6):
                await alive.socket.send_message("ping")
                while await alive.socket.get_message() != "pong":
                    pass
                await trio.sleep(0.1)
        assert await silent.closed() == (4008, "nothing was said in time")
        await alive.say(link.Heartbeat(timestamp=7))
        assert await alive.wait_for(link.HeartbeatAck) == link.HeartbeatAck(timestamp=7)


class Expiring:
    """Every token is good for ``seconds`` from when it is seen."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)

    async def verify(self, token: str) -> Identity:
        return Identity(account=token, expires=time.time() + self._seconds.pop(0))


async def test_a_connection_ends_with_its_token() -> None:
    async with gateway(verifier=Expiring(0.2)) as there, phone(there.url) as ada:
        assert (await ada.wait_for(link.LinkError)).code == "SESSION_EXPIRED"
        assert await ada.closed() == (4001, "SESSION_EXPIRED")


async def test_a_connection_goes_on_with_a_new_token_of_the_same_account() -> None:
    async with gateway(verifier=Expiring(0.3, 60)) as there, phone(there.url) as ada:
        await ada.say(link.Auth(token=ADA))
        with trio.move_on_after(0.5):
            await ada.wait_for(link.LinkError)
        await ada.say(link.Heartbeat())
        await ada.wait_for(link.HeartbeatAck)


async def test_a_connection_does_not_change_its_account() -> None:
    async with gateway() as there, phone(there.url) as ada:
        await ada.say(link.Auth(token=BOB))
        assert (await ada.wait_for(link.LinkError)).message == "this token is another account's"
        assert (await ada.closed())[0] == 4001


class Failing:
    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def verify(self, token: str) -> Identity:
        raise self._failure


@pytest.mark.parametrize(
    ("failure", "code"), [(CannotVerify("away"), 1013), (TokenRefused("SESSION_EXPIRED", "old"), 4001)]
)
async def test_a_token_that_cannot_be_checked_is_not_a_bad_one(failure: Exception, code: int) -> None:
    async with gateway(verifier=Failing(failure)) as there, connected(there.url) as peer:
        assert (await peer.closed())[0] == code


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "PARSE_ERROR"),
        (b"\xff\xfe", "PARSE_ERROR"),
        ("[]", "INVALID_MESSAGE"),
        ("{}", "MISSING_FIELD"),
        (text(type="user_message", id="1"), "MISSING_FIELD"),
        (text(type="user_message", id=1, text="", target_user=""), "INVALID_TYPE"),
        (text(type="make_tea"), "UNKNOWN_TYPE"),
        (text(type="connected", sessionId="x"), "INVALID_MESSAGE"),
    ],
)
async def test_rubbish_is_answered_and_too_much_of_it_is_not(frame: str | bytes, code: str) -> None:
    async with gateway() as there, phone(there.url) as ada:
        await ada.socket.send_message(frame)
        assert (await ada.wait_for(link.LinkError)).code == code
        await ada.say(link.Heartbeat())
        await ada.wait_for(link.HeartbeatAck)
        for _ in range(10):
            await ada.socket.send_message(frame)
        assert (await ada.closed())[0] == 1008


async def test_who_is_too_fast_is_read_more_slowly_and_loses_nothing() -> None:
    async with (
        gateway(Limits(frames=20, burst=5)) as there,
        phone(there.url) as ada,
        phone(there.url, name="b") as calm,
    ):
        for number in range(12):
            await ada.say(link.Heartbeat(timestamp=number))
        await calm.say(link.Heartbeat(timestamp=100))
        assert (await calm.wait_for(link.HeartbeatAck)).timestamp == 100
        assert there.hub.counters.frames_received < 12
        assert [(await ada.wait_for(link.HeartbeatAck)).timestamp for _ in range(12)] == list(range(12))


async def test_pings_that_the_application_never_hears_of_are_no_faster() -> None:
    async with gateway(Limits(frames=0.01, burst=5)) as there, raw(there) as stream:
        await stream.send_all(UPGRADE)
        ping = b"\x89\x80\0\0\0\0"
        for _ in range(10):
            await stream.send_all(ping * 680)
        answered = b""
        with trio.move_on_after(0.5):
            while True:
                answered += await stream.receive_some()
        # those that were read before they had been counted
        assert answered.count(b"\x8a\0") <= 4_096 // len(ping) + 5


async def test_a_frame_that_is_too_big_closes_the_connection_and_no_other() -> None:
    async with gateway() as there, phone(there.url, name="a") as big, phone(there.url, name="b") as other:
        with trio.move_on_after(AT_ONCE):
            await big.socket.send_message("x" * 1_000_001)
        assert (await big.closed())[0] == 1009
        await other.say(link.Heartbeat())
        await other.wait_for(link.HeartbeatAck)


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def test_what_comes_after_too_big_a_frame_is_not_collected() -> None:
    async with gateway(Limits(bytes=1e9, burst_bytes=1e9)) as there, raw(there) as stream:
        await stream.send_all(UPGRADE)
        # one frame that says it has a gigabyte, and goes on and on
        with trio.fail_after(AT_ONCE), pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0")
            while True:
                await stream.send_all(b"x" * 65_536)
        await until(lambda: there.hub.gauges["connections"] == 0)


async def until(so: Callable[[], bool]) -> None:
    """Look again and again, because what is waited for happens behind sockets."""
    with trio.fail_after(AT_ONCE):
        while not so():
            await trio.lowlevel.checkpoint()


def raw(there: Gateway) -> AbstractAsyncContextManager[trio.SocketStream]:
    host, _, port = there.http.removeprefix("http://").partition(":")
    return opened(host, int(port))


@asynccontextmanager
async def opened(host: str, port: int) -> AsyncGenerator[trio.SocketStream]:
    async with await trio.open_tcp_stream(host, port) as stream:
        yield stream


async def test_there_are_so_many_connections_and_so_many_of_an_account() -> None:
    async with gateway(Limits(connections=3, per_account=1)) as there, phone(there.url):
        async with connected(there.url) as second:
            assert (await second.wait_for(link.LinkError)).code == "TOO_MANY_CONNECTIONS"
            assert (await second.closed())[0] == 1013
        async with connected(there.url, BOB), connected(there.url, None):
            with pytest.raises(ConnectionRejected) as refused:
                async with connected(there.url, BOB):
                    pass
            assert refused.value.status_code == 503


async def test_strangers_do_not_take_the_place_of_others() -> None:
    async with gateway(Limits(strangers=1)) as there, phone(there.url), connected(there.url, None) as stranger:
        await stranger.hear()
        with pytest.raises(ConnectionRejected):
            async with connected(there.url, None):
                pass
        await stranger.say(link.Auth(token=BOB))
        await stranger.hear()
        async with connected(there.url, None) as another:
            await another.hear()


async def test_web_pages_of_others_are_refused_where_pages_are_named() -> None:
    async with gateway(origins=("https://mine.example",)) as there:
        async with connected(there.url, headers={"Origin": "https://mine.example"}) as peer:
            await introduce(peer)
        async with connected(there.url) as program:
            await introduce(program)
        with pytest.raises(ConnectionRejected) as refused:
            async with connected(there.url, headers={"Origin": "https://theirs.example"}):
                pass
        assert refused.value.status_code == 403


async def test_under_any_other_path_there_is_no_gateway() -> None:
    async with gateway() as there:
        with pytest.raises(ConnectionRejected) as refused:
            async with connected(there.url.removesuffix("/ws") + "/else"):
                pytest.fail("there is nothing")
    assert refused.value.status_code == 404


async def test_who_does_not_read_is_closed_and_has_what_it_missed_when_it_is_back() -> None:
    limits = Limits(unread=20_000, slow=0.3, frames=1e6, burst=10_000, bytes=1e9)
    async with gateway(limits) as there, phone(there.url) as ada, agent(there.url) as cora:
        sent = 0
        # nobody takes what comes to cora, and at some time nothing more can be sent to it
        while there.hub.gauges["connections_blocked"] == 0 and sent < 100:
            await ada.say(link.UserMessage(id=str(sent), text="x" * 10_000, target_user="cora"))
            sent += 1
            await ada.say(link.Heartbeat())
            await ada.wait_for(link.HeartbeatAck)
        await until(lambda: there.hub.gauges["connections"] == 1)
        async with connected(there.url) as again:
            await introduce(again)
            await again.say(link.Resume(session_token=cora.token))
            await again.wait_for(link.SessionResumed)
            ids: set[str] = set()
            while len(ids) < sent:
                delivery = await again.wait_for(link.UserMessageDelivery)
                assert delivery.id not in ids
                ids.add(delivery.id)
                await again.say(link.DeliveryConfirmation(message_id=delivery.id))


async def test_health_and_metrics_say_how_it_is_and_nothing_of_anybody() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(HELLO)
        delivery = await cora.wait_for(link.UserMessageDelivery)
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        await ada.wait_for(link.Ack)
        assert await get(f"{there.http}/health") == (200, '{"status":"ok"}')
        status, body = await get(f"{there.http}/metrics")
        values = dict(line.split() for line in body.splitlines() if not line.startswith("#"))
        assert status == 200
        assert values["voicemode_gateway_connections"] == "2"
        assert values["voicemode_gateway_messages_delivered_total"] == "1"
        assert all(word not in body for word in ("Hello", "cora", "ada", "phone"))


async def test_when_it_ends_clients_are_told_and_new_ones_refused() -> None:
    async with gateway() as there, phone(there.url) as ada, agent(there.url) as cora:
        await ada.say(HELLO)
        there.stop.set()
        # what was on its way goes first
        assert (await cora.wait_for(link.UserMessageDelivery)).text == "Hello."
        assert await cora.closed() == (1001, "the gateway ends; connect again")
        assert await ada.closed() == (1001, "the gateway ends; connect again")


async def test_one_that_does_not_read_does_not_keep_it_from_ending() -> None:
    limits = Limits(drain=0.2, slow=60, unread=1_000_000, frames=1e6, burst=10_000, bytes=1e9)
    with trio.fail_after(AT_ONCE):
        async with gateway(limits) as there, phone(there.url) as ada, agent(there.url):
            for number in range(90):
                await ada.say(link.UserMessage(id=str(number), text="x" * 10_000, target_user="cora"))
            await ada.say(link.Heartbeat())
            await ada.wait_for(link.HeartbeatAck)
            there.stop.set()
            await until(lambda: there.hub.gauges["connections"] == 0)


async def test_slow_loris_at_the_headers_is_cut_off() -> None:
    async with gateway(Limits(handshake=0.1)) as there, raw(there) as stream:
        await stream.send_all(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        with trio.fail_after(AT_ONCE):
            assert await stream.receive_some() == b""


FRAMES: Sequence[bytes] = (
    b"\x00" * 100,
    b"\xff" * 100,
    b"GET / HTTP/9.9\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 50,
    b"GET /ws HTTP/1.1\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
    b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
)


@pytest.mark.parametrize("data", FRAMES, ids=range(len(FRAMES)))
async def test_no_http_is_an_end_of_that_connection_alone(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as there:
        async with raw(there) as stream:
            await stream.send_all(data)
            with trio.move_on_after(0.2):
                while await stream.receive_some():
                    pass
        assert (await get(f"{there.http}/health"))[0] == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_body_that_nobody_wants_keeps_no_connection() -> None:
    async with gateway() as there, raw(there) as stream:
        body = b"x" * 500_000
        head = f"POST /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        with trio.fail_after(AT_ONCE), suppress(trio.BrokenResourceError):
            await stream.send_all(head.encode() + body)
            while await stream.receive_some():
                pass


async def test_the_users_of_one_who_comes_back_anew_are_not_there_twice() -> None:
    async with gateway() as there, phone(there.url) as ada:
        async with agent(there.url):
            pass
        async with agent(there.url) as cora:
            await ada.say(HELLO)
            assert (await cora.wait_for(link.UserMessageDelivery)).text == "Hello."
            await cora.say(users("dora"))
            await ada.say(link.UserMessage(id="2", text="Who?", target_user="cora"))
            while (answer := await ada.wait_for(link.Ack)).id != "2":
                pass
            assert answer.status == "offline"
