"""One WebSocket: frames from a device or an agent's side in, messages for the hub out, and the other way round.

Two tasks, a reader and a writer.  The reader does not read on while there is too much that has not been read at the
other end, so nothing piles up; it alone decides when the other end has been silent, or wrong, for too long.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from actors.link_messages import Auth, Connected, Heartbeat, HeartbeatAck, LinkError, LinkMessage, Ready, Resume

from ..connect.wire import PING, PONG, WireError, decode, encode
from .closing import BAD_TOKEN, BUSY, POLICY, TOO_SLOW
from .hub import Hub
from .line import Closing
from .rate import TokenBucket
from .tokens import CannotVerify, Identity, TokenRefused, TokenVerifier, check_form

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

GOODBYE = 1.0
"""Seconds for the other end to close its side too."""


class Connection:
    """``token`` is what came with the request, if anything did."""

    def __init__(self, socket: WebSocket, hub: Hub, verifier: TokenVerifier, token: str | None) -> None:
        self._socket, self._hub, self._verifier, self._token = socket, hub, verifier, token
        self._limits = hub.limits
        self._rate = TokenBucket(self._limits.frames, self._limits.burst)
        self._expires = float("inf")
        self._account = ""
        self._since = 0.0
        self._ready = False
        self._gone = trio.Event()
        self._line = hub.connect()

    async def run(self) -> None:
        """Returns when the connection has ended."""
        try:
            await self._socket.accept()
            self._since = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, nursery.cancel_scope)
                await self._read()
                nursery.cancel_scope.cancel("the other end has gone")
        finally:
            self._hub.disconnect(self._line)

    async def _write(self, scope: trio.CancelScope) -> None:
        while not isinstance(frame := await self._line.next(), Closing):
            await self._socket.send_text(frame)
            self._hub.counters.frames_sent += 1
            self._hub.read_out(self._line)
        with trio.move_on_after(GOODBYE):
            await self._socket.close(frame.code, frame.reason)
            await self._gone.wait()
        scope.cancel("closed")

    async def _read(self) -> None:
        await self._identify()
        while (frame := await self._next()) is not None:
            if not self._line.closing:
                await self._heed(frame)
                await self._line.room()
        self._gone.set()

    async def _identify(self) -> None:
        if self._token is None:
            self._say(Connected(session_id="", authenticated=False, timestamp=round(1000 * time.time())))
        else:
            await self._authenticate(self._token)

    async def _next(self) -> str | bytes | None:
        """None when the other end has gone."""
        now = trio.current_time()
        deadline = min(now + self._limits.silence, self._expires)
        if not self._ready:
            # one after the other: who it is, and that it is there
            deadline = min(deadline, self._since + self._limits.handshake)
        with trio.move_on_at(deadline):
            return await self._receive()
        if self._line.closing:
            return await self._receive()
        if deadline == self._expires:
            self._refuse(TokenRefused("SESSION_EXPIRED", "the token is no longer good; connect again with a new one"))
        else:
            self._line.close(TOO_SLOW, "nothing was said in time")
        return await self._receive()

    async def _receive(self) -> str | bytes | None:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            return None
        text: str | None = received.get("text")
        if text is not None:
            return text
        data: bytes | None = received.get("bytes")
        return data or b""

    async def _heed(self, frame: str | bytes) -> None:
        self._hub.counters.frames_received += 1
        # who is too fast is read no further, so that nothing of it is lost
        await trio.sleep(self._rate.owe(trio.current_time(), 1))
        if frame == PING:
            self._line.put(PONG)
        else:
            try:
                message = decode(frame)
            except WireError as error:
                self._mistake(error.code, str(error))
                return
            await self._obey(message)

    async def _obey(self, message: LinkMessage) -> None:
        if isinstance(message, Auth):
            await self._authenticate(message.token)
        elif isinstance(message, Heartbeat):
            self._say(HeartbeatAck(timestamp=message.timestamp))
        elif not self._account:
            self._mistake("AUTH_REQUIRED", "say auth first, with a token")
        else:
            before = self._line.mistakes
            self._hub.receive(self._line, message)
            if self._line.mistakes == before:
                self._line.mistakes = 0
                self._ready = self._ready or isinstance(message, Ready | Resume)
            else:
                self._enough()

    async def _authenticate(self, token: str) -> None:
        try:
            identity = await self._verified(token)
        except TokenRefused as refusal:
            self._hub.counters.tokens_refused += 1
            self._refuse(refusal)
            return
        except (CannotVerify, trio.TooSlowError):
            self._line.close(BUSY, "tokens cannot be checked now; try again later")
            return
        self._expires = _when(identity)
        if not self._account:
            self._open(identity)

    async def _verified(self, token: str) -> Identity:
        check_form(token)
        with trio.fail_after(self._limits.handshake):
            identity = await self._verifier.verify(token)
        if self._account not in {"", identity.account}:
            raise TokenRefused("INVALID_TOKEN", "this token is another account's")
        return identity

    def _open(self, identity: Identity) -> None:
        if self._hub.draining:
            return
        if not self._hub.room_for(identity.account):
            self._hub.counters.connections_refused += 1
            self._say(LinkError(code="TOO_MANY_CONNECTIONS", message="this account has too many connections already"))
            self._line.close(BUSY, "too many connections of this account")
            return
        self._account, self._since = identity.account, trio.current_time()
        self._hub.open(self._line, identity)

    def _refuse(self, refusal: TokenRefused) -> None:
        self._say(LinkError(code=refusal.code, message=str(refusal)))
        self._line.close(BAD_TOKEN, refusal.code)

    def _mistake(self, code: str, reason: str) -> None:
        self._hub.counters.frames_refused += 1
        self._say(LinkError(code=code, message=reason))
        self._line.mistakes += 1
        self._enough()

    def _enough(self) -> None:
        if self._line.mistakes >= self._limits.mistakes:
            self._line.close(POLICY, "too many mistakes")

    def _say(self, message: LinkMessage) -> None:
        self._line.put(encode(message))


def _when(identity: Identity) -> float:
    """On Trio's clock, which nobody sets back."""
    return float("inf") if identity.expires is None else trio.current_time() + identity.expires - time.time()
