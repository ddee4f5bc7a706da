"""An OpenAI-compatible endpoint for speech.  In: requests.  Out: good answers, in time, or an error for a person.

Connections are kept warm from request to request; a request that is cancelled in the middle of its answer takes its
connection with it, as HTTP/1.1 has no other way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Self, TypedDict

import trio
from attrs import frozen

from actors.errors import ProviderError, ProviderUnavailable, SettingsError

from ..http_client import (
    Address,
    Answer,
    BrokenOff,
    HttpClient,
    HungUp,
    NotAnAddress,
    TooSlowToConnect,
    Unreachable,
    Untrusted,
)
from ..streamed_form import StreamedForm
from .endpoint_faults import failure, fault_of, quoted, retry_after_of, words_of
from .endpoint_name import EndpointName, Key, key_for
from .wish import Wish

CONNECT = 3.0
"""Seconds until there is a connection."""

FIRST_BYTE = 10.0
"""Seconds from the request to the first of what was asked for."""

BETWEEN = 10.0
"""Seconds between two parts of an answer."""

LONGEST_REFUSAL, READING = 1 << 16, 2.0
"""Bytes read of what is no good answer, and seconds that takes at most: the status alone says enough."""

HOW_SENT = frozenset({400, 408, 411, 413, 415, 422, 500, 501, 502, 505})
"""Statuses with which what is sent in chunks, or is a file that does not say how long it is, may be refused where the
same sent whole is not."""

HUNG_UP = "hung up on a connection that was kept, and when it was asked again "
"""What is told before the failure of the second attempt."""

LONGEST_LIST = 1 << 22
"""Bytes read of a list of models or voices."""

IDENTITY = {"Accept-Encoding": "identity"}
"""What would compress the answer would also hold it back."""


@frozen(kw_only=True)
class Patience:
    """Seconds after which an endpoint is given up: without a connection, without a first byte, between two parts."""

    connect: float = CONNECT
    first_byte: float = FIRST_BYTE
    between: float = BETWEEN


@frozen(kw_only=True)
class Use:
    """What an endpoint is for: ``POST path``, which may also end its address.

    ``choices`` are what a name may choose, ``key`` is the environment's variable for the key.
    """

    path: str
    key: str
    choices: tuple[str, ...]


class NotTaken(Exception):
    """An endpoint does not take what is sent while it is made, and may take the same sent whole.

    ``about_wishes``: it was refused for what was wished for, and what is wished for now is something else.
    """

    def __init__(self, *, about_wishes: bool = False) -> None:
        super().__init__()
        self.about_wishes = about_wishes


class Request(TypedDict, total=False):
    """The body of a request: JSON, or a form with a file (name, content, type)."""

    json: bytes
    form: Mapping[str, str]
    file: tuple[str, bytes, str]


class SpeechEndpoint:
    """What recogniser and voice have in common.  ``name`` is the address without user, password and choices.

    A key is sent over https and to this machine itself, nowhere else.  No error shows it, nor a password.
    """

    def __init__(self, client: HttpClient, address: Address, key: Key, use: Use, patience: Patience) -> None:
        self.name, self.patience, self.loopback = address.name, patience, address.loopback
        self._client, self._address, self._key = client, address, key
        self._path = use.path

    @classmethod
    async def open(
        cls, name: EndpointName, use: Use, *, environment: Mapping[str, str], patience: Patience | None = None
    ) -> Self:
        """Nothing is sent yet.  Raises SettingsError."""
        name.check(*use.choices)
        try:
            address = Address.parse(name.url, use.path)
        except NotAnAddress as error:
            raise SettingsError(
                "The address of a speech endpoint begins with http:// or https:// and a host, as in http://127.0.0.1:2022/v1"
            ) from error
        if address.credentials and not address.protected:
            raise SettingsError(
                f"A password for {address.name} could be read by anybody on the way: use https:// or leave it out."
            )
        key = key_for(address.name, use.key, environment)
        patience = patience or Patience()
        client = await HttpClient.open(
            address,
            key=key.secret if address.protected else None,
            connect=patience.connect,
            # what is on this machine is not reached through another one, and keys must not go there
            proxies=not address.loopback,
        )
        return cls(client, address, key, use, patience)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(
        self, request: Callable[..., Awaitable[Request]], *wishes: Wish, deadline: float, path: str | None = None
    ) -> Answer:
        """A good answer, its body still to come.  ``request`` makes one for what is wished for now; when the endpoint
        refuses that, it is asked for something else.

        ``deadline`` is on the Trio clock.  Raises ProviderUnavailable and ProviderRefused.
        """
        while True:
            wanted = [wish.now for wish in wishes]
            answer = await self._sent("POST", path or self._path, await request(*wanted), deadline)
            if answer.good:
                return answer
            body = await self._refused(answer)
            if not any(wish.refused(value, answer.status, body) for wish, value in zip(wishes, wanted, strict=True)):
                raise self._refusal(answer, body)

    async def upload(self, form: StreamedForm, *wishes: Wish) -> Answer:
        """A good answer, its body still to come, to a form that is still being made, for what is wished for now.

        There is no deadline but the caller's.  Raises NotTaken, ProviderUnavailable and ProviderRefused.
        """
        wanted = [wish.now for wish in wishes]
        try:
            answer = await self._client.upload(self._path, form, form.kind, headers=IDENTITY)
        except HungUp as error:
            raise NotTaken from error
        except Unreachable as error:
            raise self._unreachable(error) from error
        if answer.good and not answer.early:
            return answer
        body = await self._refused(answer)
        if any(wish.refused(value, answer.status, body) for wish, value in zip(wishes, wanted, strict=True)):
            raise NotTaken(about_wishes=True)
        if answer.good or answer.status in HOW_SENT:
            raise NotTaken
        raise self._refusal(answer, body)

    async def get(self, path: str) -> bytes:
        """The body there, at most 4 MB; nothing when the endpoint answers but has nothing there.

        Raises ProviderUnavailable, also for any 5xx, and ProviderRefused for a key that is not accepted.
        """
        deadline = trio.current_time() + self.patience.first_byte
        answer = await self._sent("GET", path, Request(), deadline)
        if answer.good:
            async with answer:
                return await self.whole(answer, LONGEST_LIST, deadline)
        error = self._refusal(answer, await self._refused(answer))
        if answer.status >= 500 or error.code == "unauthorized":
            raise error
        return b""

    async def _sent(self, method: str, path: str, request: Request, deadline: float) -> Answer:
        began, before = trio.current_time(), ""
        try:
            with trio.fail_at(deadline):
                try:
                    return await self._client.ask(method, path, headers=IDENTITY, **request)
                except HungUp as error:
                    if not error.kept:
                        raise
                    before = HUNG_UP
                    return await self._client.ask(method, path, headers=IDENTITY, **request)
        except trio.TooSlowError as error:
            raise self.silent(trio.current_time() - began, before) from error
        except Unreachable as error:
            raise self._unreachable(error, before) from error

    async def whole(self, answer: Answer, most: int, deadline: float) -> bytes:
        """The body to its end, or a part longer than ``most`` bytes of it.

        Its first part is waited for until ``deadline`` and all of it for as long as there may be between two parts
        after that.  Raises ProviderUnavailable.
        """
        body = b""
        last = deadline + self.patience.between
        data = await self.next(answer, deadline - trio.current_time())
        while data is not None and len(body) <= most:
            body += data
            data = await self.next(answer, min(self.patience.between, last - trio.current_time()))
        return body

    async def next(self, answer: Answer, patience: float) -> bytes | None:
        """What comes next of a body, None at its end, waited for ``patience`` seconds.  Raises ProviderUnavailable."""
        try:
            with trio.fail_after(max(0.0, patience)):
                return await answer.next()
        except trio.TooSlowError as error:
            raise self.silent(patience) from error
        except BrokenOff as error:
            raise self.broken("broke off in the middle of its answer.", code="died", retryable=True) from error

    def broken(self, said: str, *, code: str, retryable: bool = False) -> ProviderUnavailable:
        return ProviderUnavailable(self.name, f"{self.name} {said}", code=code, retryable=retryable)

    def quoted(self, words: str) -> str:
        """The endpoint's own words, cut short and without secrets."""
        return quoted(words, (self._key.secret, self._address.password, self._address.credentials))

    def silent(self, seconds: float, before: str = "") -> ProviderUnavailable:
        """The error of a deadline that has passed; ``before`` is what happened first."""
        return self.broken(f"{before}said nothing for {seconds:.2g} s.", code="timeout", retryable=True)

    def _unreachable(self, error: Unreachable, before: str = "") -> ProviderUnavailable:
        """``before`` is what happened when it was asked for the same first."""
        if isinstance(error, Untrusted):
            return self.broken(
                f"{before}cannot be trusted ({error}). Is the address right, and should it begin with https:// or http://?",
                code="untrusted",
            )
        if isinstance(error, TooSlowToConnect):
            return self.broken(
                f"{before}cannot be reached: no connection after {self.patience.connect:g} s. Is the address right?",
                code="timeout",
                retryable=True,
            )
        if isinstance(error, HungUp):
            return self.broken(f"{before}hung up without an answer.", code="died", retryable=True)
        return self.broken(
            f"{before}cannot be reached ({self.quoted(str(error))}). Is it running, and is the address right?",
            code="unreachable",
            retryable=True,
        )

    async def _refused(self, answer: Answer) -> bytes:
        body = b""
        async with answer:
            with trio.move_on_after(READING), suppress(ProviderUnavailable):
                while len(body) < LONGEST_REFUSAL and (data := await self.next(answer, READING)) is not None:
                    body += data
        return body

    def _refusal(self, answer: Answer, body: bytes) -> ProviderError:
        code = fault_of(answer.status).code
        words = answer.header("Location") if code == "moved" else words_of(body, answer.header("Content-Type"))
        wait = retry_after_of(answer.header("Retry-After"))
        return failure(
            self.name, answer.status, self.quoted(words), self._advice(code), wait, keyless=not self._sends_secret
        )

    @property
    def _sends_secret(self) -> bool:
        return bool(self._address.credentials) or (self._key.secret is not None and self._address.protected)

    def _advice(self, code: str) -> str:
        if code == "moved":
            return "Give the new address, if you trust it."
        if code != "unauthorized":
            return ""
        if self._key.secret is None:
            return f"Set {self._key.variable}."
        if not self._address.protected:
            return f"The key in {self._key.variable} is not sent over http://, where anybody could read it."
        return f"Is the key in {self._key.variable} right?"
