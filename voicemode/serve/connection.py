"""Serves one client over HTTP/1.1: its requests go to an ASGI application, the answers back to it."""

from __future__ import annotations

from email.utils import formatdate
from urllib.parse import unquote

import h11
import trio

from .exchange import Application, Message, Scope
from .refusal import Refusal
from .wire import STALLED, Disconnected, Wire

IDLE = 60.0
"""Seconds a connection waits for a request to arrive with all its headers."""

_UNINTELLIGIBLE = Refusal(400, "This is no HTTP request that can be understood, or it is cut short.")


class Connection:
    """Serves until either side is done.  ``finish`` lets the request that is under way be the last."""

    def __init__(self, stream: trio.abc.HalfCloseableStream, app: Application) -> None:
        self._wire, self._app = Wire(stream), app
        self._http = self._wire.http
        self._early: object = None
        self._unsent = b""
        self._head_only = False
        self._waiting = trio.CancelScope()
        self._finishing = False

    def finish(self) -> None:
        """Take no further request.  Never blocks."""
        self._finishing = True
        self._waiting.cancel("no more requests")

    async def run(self) -> None:
        """Serve, to the end.  Closing the stream is up to the caller."""
        try:
            while not self._finishing and (request := await self._request()) is not None:
                await self._app(self._scope(request), self._receive, self._send)
                if self._http.their_state is h11.ERROR:
                    await self.refuse(_UNINTELLIGIBLE)
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    break
                self._http.start_next_cycle()
            if not self._finishing:
                await self._wire.linger()
        except h11.RemoteProtocolError as error:
            await self.refuse(Refusal(error.error_status_hint, str(_UNINTELLIGIBLE)))
        except Disconnected:
            return

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with ``refusal`` whatever is asked, if nothing has been answered yet."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(refusal.body))]
        try:
            await self._send({"type": "http.response.start", "status": refusal.status, "headers": headers})
            await self._send({"type": "http.response.body", "body": refusal.body})
        except Disconnected:
            return
        await self._wire.linger()

    async def _request(self) -> h11.Request | None:
        """The next request, or None when there will be none."""
        with trio.move_on_after(IDLE) as self._waiting:
            event = await self._wire.event()
            if isinstance(event, h11.Request):
                following = self._http.next_event()
                self._early = None if following is h11.NEED_DATA else following
                self._head_only = event.method == b"HEAD"
                return event
        return None

    def _scope(self, request: h11.Request) -> Scope:
        path, _, query = request.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": request.http_version.decode(),
            "method": request.method.decode(),
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(request.headers),
        }

    async def _receive(self) -> Message:
        """The ASGI application's ``receive``: the body, and after it word that the client has left."""
        if self._http.their_state is not h11.SEND_BODY and self._early is None:
            await self._wire.disconnected()
            return {"type": "http.disconnect"}
        try:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self._wire.write(self._http.send(go_on) or b"")
            event, self._early = self._early, None
            with trio.fail_after(STALLED):
                event = event or await self._wire.event()
        except (Disconnected, trio.TooSlowError, h11.RemoteProtocolError):
            return {"type": "http.disconnect"}
        data = bytes(event.data) if isinstance(event, h11.Data) else b""
        return {"type": "http.request", "body": data, "more_body": isinstance(event, h11.Data)}

    async def _send(self, message: Message) -> None:
        """The ASGI application's ``send``; the headers go with the first of the body."""
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"date", formatdate(usegmt=True).encode())]
            if self._http.their_state is not h11.DONE:
                headers.append((b"connection", b"close"))
            self._unsent += self._http.send(h11.Response(status_code=message["status"], headers=headers)) or b""
            return
        data: bytes = message.get("body", b"")
        if data and not self._head_only:
            self._unsent += self._http.send(h11.Data(data=data)) or b""
        if not message.get("more_body", False):
            self._unsent += self._http.send(h11.EndOfMessage()) or b""
        unsent, self._unsent = self._unsent, b""
        await self._wire.write(unsent)
