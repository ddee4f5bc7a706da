"""The way to a gateway, in trio-websocket.  In: its address, who we are, messages.  Out: connections, and messages."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, cast

import h11
import trio
from attrs import define, field
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection, wrap_client_stream
from wsproto.utilities import ProtocolError as FrameError

from actors.errors import LinkLost, LinkRefused, SettingsError
from actors.link_messages import LinkMessage

from ..groups import unwrapped
from .address import GatewayAddress
from .doorway import Doorway
from .wire import LONGEST_FRAME, PING, PONG, WireError, decode, encode

log = logging.getLogger(__name__)

CLOSING = 1.0
"""Seconds that taking leave may take."""

SIGN_IN = "Sign in with voicemode connect login; for a gateway of your own see VOICEMODE_CONNECT_TOKEN."

BAD_TOKEN = 4001
"""The code with which a gateway closes a connection whose token it does not take."""

WHY = {
    1000: "it has closed the connection",
    1001: "it was stopped, or begins anew",
    1006: "the connection broke off",
    1008: "it does not accept what it was sent",
    1009: f"there was a message of more than {LONGEST_FRAME:,} bytes",
    1013: "it has too much to do",
    4002: "the session goes on over a newer connection",
    4008: "it had not heard from us in time, or we were too slow to read",
}
"""Codes with which connections are closed."""

PROTOCOL_ERRORS = (FrameError, h11.ProtocolError)
"""What comes out of trio-websocket when a server says what it must not, and when it said so and more is to be sent."""

_trusting = trio.CapacityLimiter(1)


class TokenSource(Protocol):
    """Says who we are, anew for each connection."""

    async def __call__(self) -> str | None:
        """None for a gateway that asks for no token.  Raises LinkLost when it may be had later, LinkRefused when only a
        person can help."""
        ...

    def refuse(self, token: str) -> None:
        """The gateway did not take ``token``: the next one is another, if there is any."""
        ...


@define(eq=False)
class GatewayTransport:
    """Makes connections to the gateway at ``url``.  ``trust`` says whose certificates are good; None for the system's.

    Raises SettingsError for what is no address of a gateway.
    """

    url: str = field(repr=False)
    token: TokenSource = field(repr=False)
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    address: GatewayAddress = field(init=False)
    _shown: str | None = field(default=None, init=False, repr=False)
    """The token that was shown last."""

    def __attrs_post_init__(self) -> None:
        self.address = GatewayAddress.parse(self.url)

    @asynccontextmanager
    async def connect(self, *, renew: bool = False) -> AsyncGenerator[GatewayConnection]:
        """As ``LinkTransport`` has it.  Raises SettingsError too for a token that would go in clear text elsewhere."""
        if renew and self._shown is not None:
            self.token.refuse(self._shown)
        self._shown = token = await self.token()
        if token is not None and not (self.address.secure or self.address.loopback):
            raise SettingsError(
                f"Anybody on the way to {self.address} could read the token that says who you are, so it is not sent. "
                "Use an address that begins with wss://; ws:// is for a gateway on this machine."
            )
        stream = await self._open()
        try:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    websocket, reading = await nursery.start(self._begin, stream, token)
                    try:
                        yield GatewayConnection(websocket, self.address)
                    finally:
                        with trio.move_on_after(CLOSING, shield=True), suppress(*PROTOCOL_ERRORS):
                            await websocket.aclose()
                        reading.cancel()
        finally:
            await trio.aclose_forcefully(stream)

    async def _open(self) -> trio.abc.Stream:
        address = self.address
        try:
            plain = await trio.open_tcp_stream(address.host, address.port)
        except (OSError, UnicodeError) as error:
            raise self._unreachable(_words(error)) from error
        if not address.secure:
            return plain
        try:
            if self.trust is None:
                # reads the system's certificates, which takes tens of milliseconds
                self.trust = await trio.to_thread.run_sync(ssl.create_default_context, limiter=_trusting)
            secure = trio.SSLStream(plain, self.trust, server_hostname=address.host, https_compatible=True)
            await secure.do_handshake()
        except (trio.BrokenResourceError, ssl.CertificateError) as error:
            await trio.aclose_forcefully(plain)
            raise self._unreachable(_distrust(error)) from error
        except BaseException:
            await trio.aclose_forcefully(plain)
            raise
        return secure

    async def _begin(
        self,
        stream: trio.abc.Stream,
        token: str | None,
        *,
        task_status: trio.TaskStatus[tuple[WebSocketConnection, trio.CancelScope]],
    ) -> None:
        """Agree with the server and read from it.  Then only the scope that is handed out ends it, so that taking leave
        works in a task that is cancelled."""
        opened = False
        headers = [] if token is None else [(b"Authorization", f"Bearer {token}".encode())]

        def shut() -> None:
            if not opened:
                nursery.cancel_scope.cancel("there is no agreement")

        doorway = Doorway(stream, shut)
        try:
            async with trio.open_nursery() as nursery:
                websocket = await wrap_client_stream(
                    nursery,
                    cast("trio.SocketStream", doorway),
                    self.address.authority,
                    self.address.resource,
                    extra_headers=headers,
                    max_message_size=LONGEST_FRAME,
                )
                opened = True
                nursery.cancel_scope.shield = True
                task_status.started((websocket, nursery.cancel_scope))
        except* PROTOCOL_ERRORS as errors:
            # who breaks the protocol has left, as far as we are concerned
            log.debug("%s breaks the protocol: %s", self.address, errors.exceptions)
        if not opened:
            raise self._declined(doorway.status)

    def _declined(self, status: int | None) -> LinkLost | LinkRefused:
        match status:
            case 401 | 403:
                return LinkRefused(
                    f"The gateway at {self.address} does not accept who we are (HTTP {status}). {SIGN_IN}"
                )
            case None:
                return self._unreachable("it closed the connection without an answer")
            case 0 | 101:
                return self._unreachable("what answers there is no gateway")
            case 404:
                return self._unreachable("there is a server, but no gateway under this path (HTTP 404)")
            case _:
                return self._unreachable(f"it answered with HTTP {status}")

    def _unreachable(self, why: str) -> LinkLost:
        return LinkLost(f"The gateway at {self.address} cannot be reached: {why}.")


@define(eq=False)
class GatewayConnection:
    _socket: WebSocketConnection
    _address: GatewayAddress
    _complained: bool = field(default=False, init=False)

    async def send(self, message: LinkMessage) -> None:
        """Raises LinkLost and LinkRefused, as the others do.  What cannot be written is left out, and logged."""
        try:
            frame = encode(message)
        except UnicodeError:
            log.warning("A %s is not sent: there is something in it that is no text.", type(message).__name__)
            return
        await self._send(frame)

    async def ping(self) -> None:
        await self._send(PING)

    async def receive(self) -> LinkMessage | None:
        try:
            frame = await self._socket.get_message()
        except ConnectionClosed as error:
            raise self._over(error.reason) from error
        if frame == PONG:
            return None
        if frame == PING:
            await self._send(PONG)
            return None
        try:
            return decode(frame)
        except WireError as error:
            if not self._complained:
                self._complained = True
                log.warning("%s sends what is no message (%s); it is passed over.", self._address, error.code)
            return None

    async def _send(self, frame: str) -> None:
        try:
            await self._socket.send_message(frame)
        except ConnectionClosed as error:
            raise self._over(error.reason) from error
        except PROTOCOL_ERRORS as error:
            raise self._over(None) from error

    def _over(self, reason: CloseReason | None) -> LinkLost | LinkRefused:
        if reason is not None and reason.code == BAD_TOKEN:
            return LinkRefused(f"The gateway at {self._address} does not accept who we are. {SIGN_IN}")
        code = 1006 if reason is None else reason.code
        return LinkLost(f"The link to {self._address} is lost: {WHY.get(code, f'it was closed with the code {code}')}.")


def _words(error: BaseException) -> str:
    """Why there is no connection; ``error`` may be several, one for each address that a name has."""
    cause = error.__cause__ or error
    if isinstance(cause, BaseExceptionGroup):
        cause = cast("BaseExceptionGroup[BaseException]", cause).exceptions[0]
    match cause:
        case socket.gaierror() | UnicodeError():
            return "there is no host of this name, or no network"
        case ConnectionRefusedError():
            return "nothing listens there"
        case OSError(strerror=str(words)) if words:
            return words.lower()
        case _:
            return "there is no connection"


def _distrust(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {cause.verify_message.rstrip('.')}"
        if isinstance(cause, ssl.SSLError):
            return f"it speaks no TLS as we know it ({cause.reason or 'the handshake failed'})"
        cause = cause.__cause__ or cause.__context__
    return "it closed the connection before there was TLS"
