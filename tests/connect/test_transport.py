"""The way to a gateway, over real sockets, to servers that behave and to servers that do not."""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
import trio
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from actors.errors import LinkLost, LinkRefused, SettingsError
from actors.link import hold_link
from actors.link_messages import Connected, Device, LinkMessage, Ready, Speak, Stop, UserMessage
from actors.machines.link import LinkPolicy, LinkStatus
from actors.outgoing import Outgoing
from voicemode.connect import transport as transports
from voicemode.connect.device import device_of
from voicemode.connect.transport import GatewayTransport
from voicemode.connect.wire import decode, encode

DESK = Device(device_id="dev-1", platform="mcp-server")
SECONDS = 20.0
"""After which a test has hung."""


@define
class FakeToken:
    tokens: list[str | None] = field(factory=lambda: ["first", "second"])
    refused: list[str] = field(factory=list[str])

    async def __call__(self) -> str | None:
        return self.tokens[min(len(self.refused), len(self.tokens) - 1)]

    def refuse(self, token: str) -> None:
        self.refused.append(token)


@asynccontextmanager
async def gateway(
    talk: Callable[[WebSocketConnection], Awaitable[object]] | None = None,
    *,
    requests: list[WebSocketRequest] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[str]:
    """A server that takes everybody and then does ``talk``, at the address that comes of it."""

    async def serve(request: WebSocketRequest) -> None:
        if requests is not None:
            requests.append(request)
        websocket = await request.accept()
        if talk is not None:
            await talk(websocket)
        else:
            await trio.sleep_forever()

    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, serve, "127.0.0.1", 0, tls)
            yield f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/ws"
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def rude(answer: Callable[[trio.SocketStream], Awaitable[object]]) -> AsyncGenerator[str]:
    """A server on which the protocol is up to ``answer``."""

    async def serve(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await answer(stream)

    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery:
            [listener] = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            yield f"ws://127.0.0.1:{listener.socket.getsockname()[1]}/ws"
            nursery.cancel_scope.cancel()


async def request_of(stream: trio.SocketStream) -> bytes:
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += await stream.receive_some()
    return asked


async def agree(stream: trio.SocketStream) -> None:
    found = re.search(rb"(?i)sec-websocket-key: (\S+)", await request_of(stream))
    assert found is not None
    digest = hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324
    await stream.send_all(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def why_not(url: str, token: FakeToken | None = None, trust: ssl.SSLContext | None = None) -> Exception:
    """What becomes of an attempt to connect that fails."""
    with pytest.raises((LinkLost, LinkRefused, SettingsError)) as caught:
        async with GatewayTransport(url, token or FakeToken(), trust).connect():
            pass
    return caught.value


async def test_messages_go_both_ways_with_the_token_in_the_header() -> None:
    heard: list[LinkMessage] = []
    requests: list[WebSocketRequest] = []

    async def talk(websocket: WebSocketConnection) -> None:
        await websocket.send_message(encode(Connected(session_id="s")))
        heard.append(decode(await websocket.get_message()))
        await websocket.send_message(encode(Speak(id="1", text="Grüße")))
        await trio.sleep_forever()

    async with gateway(talk, requests=requests) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        assert await connection.receive() == Connected(session_id="s")
        await connection.send(Ready(device=DESK))
        assert await connection.receive() == Speak(id="1", text="Grüße")
    assert heard == [Ready(device=DESK)]
    assert dict(requests[0].headers)[b"authorization"] == b"Bearer first"
    assert requests[0].path == "/ws"


async def test_who_has_no_token_sends_none() -> None:
    requests: list[WebSocketRequest] = []
    async with (
        gateway(requests=requests) as url,
        GatewayTransport(url, FakeToken([None])).connect(),
    ):
        assert b"authorization" not in dict(requests[0].headers)


async def test_a_token_that_was_not_taken_is_not_shown_again() -> None:
    requests: list[WebSocketRequest] = []
    token = FakeToken()
    async with gateway(requests=requests) as url:
        transport = GatewayTransport(url, token)
        for renew in (False, False, True):
            async with transport.connect(renew=renew):
                pass
    assert token.refused == ["first"]
    assert [dict(each.headers)[b"authorization"] for each in requests] == [
        b"Bearer first",
        b"Bearer first",
        b"Bearer second",
    ]


async def test_pings_and_pongs_are_frames_of_text_and_signs_of_life() -> None:
    frames: list[str | bytes] = []

    async def talk(websocket: WebSocketConnection) -> None:
        frames.append(await websocket.get_message())
        await websocket.send_message("pong")
        await websocket.send_message("ping")
        frames.append(await websocket.get_message())
        await websocket.send_message(encode(Stop()))
        await trio.sleep_forever()

    async with gateway(talk) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        await connection.ping()
        assert [await connection.receive() for _ in range(3)] == [None, None, Stop()]
    assert frames == ["ping", "pong"]


async def test_rubbish_is_passed_over_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    rubbish = [
        "secret",
        '{"type": "secret"}',
        '{"type": "ack", "id": "1", "status": "secret"}',
        "[" * 100_000,
        "",
        "{}",
    ]

    async def talk(websocket: WebSocketConnection) -> None:
        for frame in [*rubbish, b"\xff\xfe secret", encode(Stop()).encode()]:
            await websocket.send_message(frame)
        await trio.sleep_forever()

    with caplog.at_level(logging.DEBUG, "voicemode"):
        async with gateway(talk) as url, GatewayTransport(url, FakeToken()).connect() as connection:
            for _ in range(len(rubbish) + 1):
                assert await connection.receive() is None
            assert await connection.receive() == Stop()
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("voicemode")]
    assert len(ours) == 1
    assert ours[0].endswith("sends what is no message (PARSE_ERROR); it is passed over.")


async def test_what_is_no_text_is_not_sent_and_the_link_stays() -> None:
    async def talk(websocket: WebSocketConnection) -> None:
        await websocket.send_message(await websocket.get_message())
        await trio.sleep_forever()

    async with gateway(talk) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        await connection.send(UserMessage(id="1", text="\ud83d", target_user="cora"))
        await connection.send(Stop())
        assert await connection.receive() == Stop()


async def test_a_message_that_is_too_large_ends_the_connection() -> None:
    async def talk(websocket: WebSocketConnection) -> None:
        await websocket.send_message("x" * 1_100_000)
        await trio.sleep_forever()

    async with gateway(talk) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        with pytest.raises(LinkLost, match=r"is lost: there was a message of more than 1,000,000 bytes\.$"):
            await connection.receive()
        with pytest.raises(LinkLost):
            await connection.send(Stop())


@pytest.mark.parametrize(
    ("code", "error", "why"),
    [
        (1000, LinkLost, "is lost: it has closed the connection."),
        (1001, LinkLost, "is lost: it was stopped, or begins anew."),
        (1013, LinkLost, "is lost: it has too much to do."),
        (4321, LinkLost, "is lost: it was closed with the code 4321."),
        (4001, LinkRefused, "does not accept who we are. Sign in with voicemode connect login"),
    ],
)
async def test_a_gateway_that_closes_says_why(code: int, error: type[Exception], why: str) -> None:
    async def talk(websocket: WebSocketConnection) -> None:
        await websocket.aclose(code)

    async with gateway(talk) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        with pytest.raises(error, match=re.escape(why)):
            await connection.receive()


async def test_a_connection_that_breaks_off_is_lost() -> None:
    async def hang_up(stream: trio.SocketStream) -> None:
        await agree(stream)
        await trio.aclose_forcefully(stream)

    async with rude(hang_up) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        with pytest.raises(LinkLost, match=r"is lost: the connection broke off\.$"):
            await connection.receive()


FRAMES = [
    b"\x81\x85hello and much more",  # masked, which servers must not
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",  # reserved bits
    b"\x81\x03\xff\xfe\xfd",  # text that is no UTF-8
    b"\x88\x01\x00",  # a close of half a code
    b"\x89\x7e\xff\xff" + b"x" * 65535,  # a ping that is too long
    b"\x88\x02\x03\xe8\x89\x00\x89\x00",  # pings after a close
    b"\x80\x00",  # a continuation of nothing
    bytes(range(256)) * 20,
]


@pytest.mark.parametrize("frames", FRAMES, ids=range(len(FRAMES)))
async def test_a_server_that_breaks_the_protocol_is_lost(frames: bytes) -> None:
    async def break_it(stream: trio.SocketStream) -> None:
        await agree(stream)
        await stream.send_all(frames)
        async for _ in stream:
            pass

    async with rude(break_it) as url, GatewayTransport(url, FakeToken()).connect() as connection:
        with pytest.raises(LinkLost, match="is lost"):
            await connection.receive()


SAID = [
    *(b"\x81\x02{}", b"\x81\x04ping", b"\x89\x00", b"\x8a\x00", b"\x88\x02\x03\xe8", b"\x88\x00", b"\x01\x01a"),
    *(b"\x80\x00", b"\x81\xff", b"\x82\x01\xff", b"\xc1\x00", b"\x88\x02\x03\xe7", b"\x88\x7e\x01\x00"),
]
ANSWERED = [
    *(b"HTTP/1.1 101 X\r\n", b"HTTP/1.1 401 No\r\n", b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n", b"\r\n"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Sec-WebSocket-Accept: x\r\n"),
]


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_a_server_says_the_link_is_lost_or_refused_at_worst(seed: int) -> None:
    chances = random.Random(seed)

    async def say_anything(stream: trio.SocketStream) -> None:
        agreed = chances.random() < 0.6
        await (agree(stream) if agreed else request_of(stream))
        pieces = [*(SAID if agreed else ANSWERED), chances.randbytes(5)]
        await stream.send_all(b"".join(chances.choices(pieces, k=chances.randrange(8))))
        if chances.random() < 0.5:
            await trio.aclose_forcefully(stream)

    async with rude(say_anything) as url:
        for _ in range(10):
            with suppress(LinkLost, LinkRefused):
                async with GatewayTransport(url, FakeToken()).connect() as connection:
                    for _ in range(10):
                        await connection.receive()
                        await connection.send(Stop())


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
@pytest.mark.parametrize("body", [b"Content-Length: 2\r\n\r\nno", b"Content-Length: 1000000\r\n\r\nno", b"\r\n", b""])
async def test_a_gateway_that_does_not_take_the_token_says_so(status: str, body: bytes) -> None:
    """However it ends its answer."""

    async def refuse(stream: trio.SocketStream) -> None:
        await request_of(stream)
        await stream.send_all(f"HTTP/1.1 {status}\r\n".encode() + body)
        async for _ in stream:
            pass

    async with rude(refuse) as url:
        error = await why_not(url)
    assert isinstance(error, LinkRefused)
    assert str(error) == (
        f"The gateway at {url} does not accept who we are (HTTP {status[:3]}). "
        "Sign in with voicemode connect login; for a gateway of your own see VOICEMODE_CONNECT_TOKEN."
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "it closed the connection without an answer."),
        (b"HTTP/1.", "it closed the connection without an answer."),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "what answers there is no gateway."),
        (b"HTTP/1.1 200 OK\r\n\r\n", "it answered with HTTP 200."),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "there is a server, but no gateway under this path (HTTP 404)."),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "it answered with HTTP 503."),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "what answers there is no gateway."),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgr", "what answers there is no gateway."),
        (b"HTTP/1.1 101 \x00\xff\r\n\r\n", "what answers there is no gateway."),
    ],
)
async def test_what_is_no_gateway_is_told_from_one(answer: bytes, why: str) -> None:
    async def reply(stream: trio.SocketStream) -> None:
        await request_of(stream)
        await stream.send_all(answer)

    async with rude(reply) as url:
        assert str(await why_not(url)) == f"The gateway at {url} cannot be reached: {why}"


async def test_an_answer_that_comes_in_pieces_is_one() -> None:
    async def reply(stream: trio.SocketStream) -> None:
        await request_of(stream)
        for piece in (b"HT", b"TP/1.1 4", b"01 No\r\n"):
            await stream.send_all(piece)
            await trio.testing.wait_all_tasks_blocked(0.01)
        await trio.sleep_forever()

    async with rude(reply) as url:
        assert isinstance(await why_not(url), LinkRefused)


async def test_where_nothing_listens_that_is_said() -> None:
    async with gateway() as url:
        pass
    assert str(await why_not(url)) == f"The gateway at {url} cannot be reached: nothing listens there."


async def test_a_host_that_does_not_exist_is_one_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise trio.socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", unknown)
    error = await why_not("wss://nowhere.example/ws?token=secret")
    assert str(error) == (
        "The gateway at wss://nowhere.example/ws cannot be reached: there is no host of this name, or no network."
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a gateway of one's own")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "gateway.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_a_gateway_is_talked_to_by_tls(tls: ssl.SSLContext, certificate: Path) -> None:
    async def talk(websocket: WebSocketConnection) -> None:
        await websocket.send_message(encode(Stop()))
        await trio.sleep_forever()

    trust = ssl.create_default_context(cafile=certificate)
    async with gateway(talk, tls=tls) as url, GatewayTransport(url, FakeToken(), trust).connect() as connection:
        assert await connection.receive() == Stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tls: ssl.SSLContext) -> None:
    async def shake(stream: trio.SocketStream) -> None:
        secure = trio.SSLStream(stream, tls, server_side=True)
        with pytest.raises(trio.BrokenResourceError):
            await secure.do_handshake()

    async with rude(shake) as url:
        error = await why_not(url.replace("ws:", "wss:"))
    assert isinstance(error, LinkLost)
    assert "cannot be reached: its certificate is not good: self" in str(error)


async def test_a_server_without_tls_is_not_talked_to_by_tls() -> None:
    async def reply(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with rude(reply) as url:
        error = await why_not(url.replace("ws:", "wss:"))
    assert "it speaks no TLS as we know it" in str(error)


@pytest.mark.parametrize("url", ["ws://gateway.example/ws", "ws://192.168.1.7:8767/ws", "ws://[2001:db8::1]/ws"])
async def test_no_token_is_sent_in_clear_text_to_another_machine(url: str) -> None:
    error = await why_not(url)
    assert isinstance(error, SettingsError)
    assert str(error) == (
        f"Anybody on the way to {url} could read the token that says who you are, so it is not sent. "
        "Use an address that begins with wss://; ws:// is for a gateway on this machine."
    )


@pytest.mark.parametrize(
    "url",
    ["", "voicemode.dev", "https://voicemode.dev/ws", "ws://", "ws://host:port/", "ws://host:99999/", "ws://a b/",
     "wss://somebody:secret@voicemode.dev/ws", "wss://[::1/ws", "wss://host/\r\nX: y", "wss://höst/"],
)  # fmt: skip
def test_what_is_no_address_of_a_gateway_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="begins with ws:// or wss://") as caught:
        GatewayTransport(url, FakeToken())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "authority", "resource"),
    [
        ("wss://voicemode.dev/ws", "voicemode.dev", "/ws"),
        ("wss://voicemode.dev:443?a=b", "voicemode.dev", "/?a=b"),
        ("ws://[::1]:8767/ws", "[::1]:8767", "/ws"),
        ("ws://LOCALHOST/ws#there", "localhost", "/ws"),
    ],
)
def test_an_address_has_its_parts(url: str, authority: str, resource: str) -> None:
    address = GatewayTransport(url, FakeToken()).address
    assert (address.authority, address.resource) == (authority, resource)


async def test_leaving_is_polite_also_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway hears that this was meant, and nobody waits for all the time that this may take."""
    monkeypatch.setattr(transports, "CLOSING", SECONDS + 1.0)
    left: list[int] = []
    gone = trio.Event()

    async def talk(websocket: WebSocketConnection) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            await websocket.get_message()
        left.append(caught.value.reason.code)
        gone.set()

    async with gateway(talk) as url:
        with trio.CancelScope() as scope:
            async with GatewayTransport(url, FakeToken()).connect() as connection:
                scope.cancel()
                await connection.receive()
        assert scope.cancelled_caught
        await gone.wait()
    assert left == [1000]


@pytest.mark.parametrize("agreed", [True, False])
async def test_a_cancel_does_not_wait_for_a_server_that_does_nothing(
    monkeypatch: pytest.MonkeyPatch, agreed: bool
) -> None:
    monkeypatch.setattr(transports, "CLOSING", 0.05)

    async def do_nothing(stream: trio.SocketStream) -> None:
        if agreed:
            await agree(stream)
        await trio.sleep_forever()

    async with rude(do_nothing) as url:
        with trio.move_on_after(0.2) as scope:
            async with GatewayTransport(url, FakeToken()).connect() as connection:
                while True:
                    await connection.send(UserMessage(id="1", text="x" * 100_000, target_user="cora"))
        assert scope.cancelled_caught


async def test_an_error_of_whoever_uses_a_connection_comes_out_as_it_is() -> None:
    async with gateway() as url:
        with pytest.raises(ZeroDivisionError):
            async with GatewayTransport(url, FakeToken()).connect():
                raise ZeroDivisionError


async def test_a_link_is_held_over_a_real_gateway_that_goes_and_comes_back() -> None:
    """What was not acknowledged by the first is sent to the second."""
    got: list[tuple[int, LinkMessage]] = []
    served = 0
    done = trio.Event()

    async def talk(websocket: WebSocketConnection) -> None:
        nonlocal served
        served += 1
        await websocket.send_message(encode(Connected(session_id="s")))
        for _ in range(2):
            got.append((served, decode(await websocket.get_message())))
        if served == 1:
            await websocket.aclose(1001)
            return
        await websocket.send_message('{"type":"ack","id":"1","status":"delivered"}')
        done.set()
        await trio.sleep_forever()

    outgoing, statuses = Outgoing(), list[LinkStatus]()
    send, receive = trio.open_memory_channel[LinkMessage](10)
    message = UserMessage(id="1", text="hello", target_user="cora")
    outgoing.put(message)
    async with gateway(talk) as url, trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(
                hold_link,
                outgoing,
                send,
                transport=GatewayTransport(url, FakeToken()),
                device=DESK,
                policy=LinkPolicy(least=0.01, longest=0.1),
                publish=statuses.append,
            )
        )
        with receive:
            await receive.receive()
        await done.wait()
        nursery.cancel_scope.cancel()
    assert got == [(1, Ready(device=DESK)), (1, message), (2, Ready(device=DESK)), (2, message)]
    assert [status.state for status in statuses] == [
        "connecting", "connected", "up", "reconnecting", "connecting", "connected", "up",
    ]  # fmt: skip
    assert outgoing.waiting == 0


def test_a_device_is_the_same_every_time() -> None:
    device = device_of("desk", "garden")
    assert device.device_id == "dev-" + hashlib.sha256(b"garden@desk").hexdigest()[:24]
    assert (device.platform, device.name) == ("mcp-server", "garden@desk")
    assert device == device_of("desk", "garden")
    assert device.device_id != device_of("desk", "house").device_id
    assert encode(Ready(device=device_of("d\udcffsk", "garden")))
