"""Requests over HTTP, the one file that knows httpx.  In: an address and requests.  Out: answers, read as they come.

There is no deadline here but that for a connection to be made: others are scopes of the caller.  What goes wrong is an
``HttpFailure``, whose words are a part of a sentence and hold no secrets; ``SettingsError`` is the environment's fault.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx
import trio
from attrs import field, frozen

from actors.errors import SettingsError

WARM = 600.0
"""Seconds an unused connection is kept."""

CLOSING = 1.0
"""Seconds that closing connections may take."""

EARLY = 1.0
"""Seconds in which an answer is read that came before its request was sent; who answers so may read no further."""


class HttpFailure(Exception):
    """Something went wrong between here and the other end."""


class NotAnAddress(HttpFailure):
    """This is no http:// or https:// address with a host."""


class Unreachable(HttpFailure):
    """No answer began."""


class TooSlowToConnect(Unreachable):
    """There is no connection after the time there was for it."""


class Untrusted(Unreachable):
    """The other end speaks no TLS, or cannot show that it is who it should be."""


class HungUp(Unreachable):
    """The connection was there and closed before an answer began; ``kept`` if it was one from an earlier request, which
    the other end may close at any time, also just now."""

    def __init__(self, reason: str, *, kept: bool) -> None:
        super().__init__(reason)
        self.kept = kept


class BrokenOff(HttpFailure):
    """The answer ended before it was whole."""


@frozen
class Address:
    """Where requests go; ``name`` shows it without user and password."""

    url: httpx.URL
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str, ending: str = "") -> Address:
        """The address without its query, a slash at its end, or ``ending``.  Raises NotAnAddress."""
        try:
            url = httpx.URL(text.strip())
        except httpx.InvalidURL as error:
            raise NotAnAddress("no URL") from error
        if url.scheme not in {"http", "https"} or not url.host or (url.port or 0) > 0xFFFF:
            raise NotAnAddress("no http:// or https:// with a host")
        path = url.path.rstrip("/").removesuffix(ending)
        bare = url.copy_with(path=path, query=None, fragment=None, username="", password="")
        return cls(bare, url.username, url.password)

    @property
    def name(self) -> str:
        return str(self.url)

    @property
    def protected(self) -> bool:
        """Nobody on the way can read what is sent."""
        return self.url.scheme == "https" or self.loopback

    @property
    def loopback(self) -> bool:
        try:
            return self.url.host == "localhost" or ip_address(self.url.host).is_loopback
        except ValueError:
            return False

    @property
    def credentials(self) -> str | None:
        """Of the basic scheme (RFC 7617), if the address has a user or a password."""
        if not (self.username or self.password):
            return None
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def beside(self, path: str) -> httpx.URL:
        """``/path`` stands under the address, ``../path`` beside its last part."""
        under = self.url.copy_with(path=self.url.path.rstrip("/") + "/")
        return under.join(path.removeprefix("/"))


@lru_cache
def _certificates(from_environment: bool, *told: str | None) -> ssl.SSLContext:
    """Who is trusted where the environment has ``told`` so; a process reads it once, because that takes long."""
    del told
    return httpx.create_ssl_context(trust_env=from_environment)


class HttpClient:
    """Connections to one address, kept for the next request when an answer has been read to its end."""

    def __init__(self, client: httpx.AsyncClient, uploading: httpx.AsyncClient, address: Address) -> None:
        self._client, self._uploading, self._address = client, uploading, address

    @classmethod
    async def open(
        cls, address: Address, *, key: str | None = None, connect: float | None = None, proxies: bool = True
    ) -> HttpClient:
        """Nothing is sent yet.  ``key`` goes with every request, unless the address has a user or a password, which
        then do; a connection is made in ``connect`` seconds or not at all; with ``proxies``, those of the environment
        are used.  Raises SettingsError.
        """
        headers: dict[str, str] = {}
        if address.credentials is not None:
            headers["Authorization"] = f"Basic {address.credentials}"
        elif key is not None:
            headers["Authorization"] = f"Bearer {key}"
        timeout = httpx.Timeout(None, connect=connect)

        def open_both() -> HttpClient:
            told = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
            trust = _certificates(proxies, *told)
            make = partial(httpx.AsyncClient, verify=trust, headers=headers, timeout=timeout, trust_env=proxies)
            warm, once = httpx.Limits(keepalive_expiry=WARM), httpx.Limits(max_keepalive_connections=0)
            return cls(make(limits=warm), make(limits=once), address)

        try:
            return await trio.to_thread.run_sync(open_both)
        except (ImportError, ValueError, OSError) as error:
            raise SettingsError(
                f"No connection to {address.name} can be made the way the environment asks for it: look at ALL_PROXY, "
                "HTTP_PROXY, HTTPS_PROXY, SSL_CERT_FILE and SSL_CERT_DIR."
            ) from error

    async def aclose(self) -> None:
        """Close what is open, in bounded time, also while being cancelled.  Idempotent."""
        with trio.move_on_after(CLOSING, shield=True):
            await self._client.aclose()
            await self._uploading.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: bytes | None = None,
        form: Mapping[str, str] | None = None,
        file: tuple[str, bytes, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request, its body still to come.  Redirects are not followed: they are answers.

        The body is ``json``, or a form with a ``file`` (name, content, type).  Raises Unreachable.
        """
        connection = _Connection()
        request = self._client.build_request(
            method,
            self._address.beside(path),
            content=json,
            data=form,
            files=None if file is None else {"file": file},
            headers={**(headers or {}), **({} if json is None else {"Content-Type": "application/json"})},
            extensions={"trace": connection.trace},
        )
        request.stream = _Body(_Once([request.read()]))
        return Answer(await _sent(self._client, request, connection))

    async def upload(
        self, path: str, body: AsyncIterable[bytes], kind: str, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a ``POST`` of a ``body`` that comes in its own time, sent in chunks as it does.

        An answer that begins before the body has ended cuts it off, and is ``early``; over TLS that is seen only when
        the body has ended or the connection closes.  Each upload has a connection of its own: one that was kept may
        close at any time, and what has been sent cannot be sent again.  Raises Unreachable.
        """
        connection, sending = _Connection(), _Cut(aiter(body))
        request = self._uploading.build_request(
            "POST",
            self._address.beside(path),
            content=body,
            headers={**(headers or {}), "Content-Type": kind},
            extensions={"trace": connection.trace},
        )
        request.stream = _Body(sending)
        answer: httpx.Response | None = None
        failure: Unreachable = HungUp("it answered before all had been sent, and takes no more", kept=False)

        async def watch() -> None:
            await connection.heard()
            if not sending.whole:
                sending.cut()
                nursery.cancel_scope.deadline = trio.current_time() + EARLY

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                try:
                    answer = await _sent(self._uploading, request, connection)
                except Unreachable as error:
                    failure = error
                nursery.cancel_scope.cancel("there is an answer, or none will be")
        except BaseException:
            # a cancel that comes with the answer: nobody will read it, and its connection is to be closed
            if answer is not None:
                async with Answer(answer):
                    pass
            raise
        if answer is None:
            raise failure
        return Answer(answer, early=not sending.whole)


class Answer:
    """A status, headers, and a body that comes.  A context, left with the body ended or its connection closed.

    ``early``: it came before all of the request had been sent.
    """

    def __init__(self, response: httpx.Response, *, early: bool = False) -> None:
        self._response, self.early = response, early
        self._body = response.aiter_bytes()
        self.status = response.status_code
        self.good = response.is_success

    def header(self, name: str) -> str:
        """Nothing when there is none."""
        return str(self._response.headers.get(name, ""))

    async def next(self) -> bytes | None:
        """What comes next of the body, None at its end.  Raises BrokenOff."""
        try:
            return await anext(self._body, None)
        except httpx.HTTPError as error:
            raise BrokenOff(_reason(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # the client's body is a generator in generators, and only what is raised in the innermost closes all of them
        with trio.CancelScope() as scope, suppress(httpx.HTTPError, httpx.StreamError):
            scope.cancel("nobody reads on")
            async for _ in self._body:
                pass


class _Connection:
    """What is to be known of the connection that a request is sent on, as httpcore's ``trace`` tells it."""

    def __init__(self) -> None:
        self.kept = True
        self._socket: Any = None
        self._open = trio.Event()

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.kept = False
        elif event == "connection.connect_tcp.complete":
            self._socket = info["return_value"].get_extra_info("socket")
        elif event.endswith("start_tls.started"):
            # what arrives at such a socket need not be an answer: servers send tickets as well
            self._socket = None
        elif event == "http11.send_request_body.started":
            self._open.set()

    async def heard(self) -> None:
        """Wait until something arrives, or the other end hangs up; for ever where that cannot be told."""
        await self._open.wait()
        if self._socket is None:
            await trio.sleep_forever()
        # a copy, because only one may wait at each, and the client will
        with self._socket.dup() as socket:
            await trio.lowlevel.wait_readable(socket)


async def _sent(client: httpx.AsyncClient, request: httpx.Request, connection: _Connection) -> httpx.Response:
    """Raises Unreachable."""
    try:
        return await client.send(request, stream=True)
    except httpx.ConnectTimeout as error:
        raise TooSlowToConnect("no connection") from error
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
        raise HungUp(_reason(error), kept=connection.kept) from error
    except httpx.HTTPError as error:
        raise _unreachable(error) from error


class _Body(httpx.AsyncByteStream):
    """What is sent, as an iterator that may be dropped half-way: the client's own are generators that must not."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts


class _Once:
    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        return self._parts.pop()


class _Cut:
    """``parts`` until they are ``cut``; ``whole`` when they had ended by themselves."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self._waiting = trio.CancelScope()
        self._is_cut = self.whole = False

    def cut(self) -> None:
        self._is_cut = True
        self._waiting.cancel("an answer is there")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with trio.CancelScope() as self._waiting:
            if self._is_cut:
                self._waiting.cancel("an answer is there")
            try:
                # an answer may come when the last part has been sent and before its end is known here
                part = await anext(self._parts)
            except StopAsyncIteration:
                self.whole = True
            else:
                if not self._is_cut:
                    return part
        raise StopAsyncIteration


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _unreachable(error: httpx.HTTPError) -> Unreachable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Untrusted(f"its certificate: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return Untrusted(f"no TLS: {cause.reason or 'the handshake failed'}")
        cause = cause.__cause__ or cause.__context__
    return Unreachable(_reason(error))
