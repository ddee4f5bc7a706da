"""An agent behind an OpenAI-compatible chat endpoint.  In: the transcript and the history.  Out: the answer, streamed.

One client lives as long as the agent, so that the connection is there already when the next question comes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec
import trio

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import Message

from .chat_stream import ChatFailed, ChatStream, NotAChat, failure_of

if TYPE_CHECKING:
    import httpx

SYSTEM = (
    "You are talking with a person: what you write is spoken aloud to them while you write it. Answer briefly, in one "
    "to three short sentences of plain spoken language, unless they ask for more. Use no markdown, lists, code, emoji "
    "or links, and write numbers, units and abbreviations as they are said. They may interrupt you; what you said "
    "before is given as far as they heard it. Their words are transcribed by a machine that makes mistakes: when "
    "something makes no sense, ask."
)

KEY, OPENAI_KEY = "VOICEMODE_LLM_KEY", "OPENAI_API_KEY"
"""Environment variables that may hold the key: for any endpoint, and for OpenAI's own alone."""
OPENAI = "https://api.openai.com/"

FIRST_BYTE, BETWEEN = 30.0, 15.0
"""Seconds until an answer begins, and between two parts of it, before it is given up.  A large model on a small machine
reads its instructions for half a minute; once it writes, it writes several words a second."""

WARM = 600.0
"""Seconds an unused connection is kept."""

REMAINDER = 0.2
"""Seconds that the end of a body may take after the end of the answer; the connection is used again if it comes."""

LONGEST_REFUSAL = 1 << 16
"""Bytes read of a body that is no answer."""

QUOTED = 200
"""Characters of the endpoint's own words that go into an error."""


def key_from(environment: Mapping[str, str], url: str) -> str | None:
    """The key for the endpoint at ``url``, if there is one."""
    names = (KEY, OPENAI_KEY) if url.strip().startswith(OPENAI) else (KEY,)
    return next((key for name in names if (key := environment.get(name, "").strip())), None)


class ChatAgent:
    """Answers with what the model at ``url`` writes.  A context; use it inside.

    Without a ``model``, entering asks for the endpoint's models and takes the first.  The client finds proxies in the
    environment as usual.  Entering and answering raise ProviderUnavailable and ProviderRefused, the constructor
    SettingsError; none of them shows the ``key`` or a password in the URL.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        key: str | None = None,
        system: str = SYSTEM,
        first_byte: float = FIRST_BYTE,
        between: float = BETWEEN,
    ) -> None:
        import httpx

        try:
            parsed = httpx.URL(url.strip())
        except httpx.InvalidURL as error:
            raise SettingsError("The address of the chat endpoint is no URL: write http://localhost:8080/v1") from error
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise SettingsError(
                "The address of a chat endpoint begins with http:// or https:// and a host, as in http://localhost:8080/v1"
            )
        if key is not None and not (key.isascii() and key.isprintable()):
            raise SettingsError("The key for the chat endpoint holds signs that no key has; was it pasted wrongly?")
        path = parsed.path.rstrip("/").removesuffix("/chat/completions")
        self._base = parsed.copy_with(path=path, query=None, fragment=None)
        self.name = str(self._base.copy_with(username="", password=""))
        self.model = model
        self._key, self._system = key, system
        self._first_byte, self._between = first_byte, between
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        import httpx

        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        limits = httpx.Limits(keepalive_expiry=WARM)
        # reading the certificates takes a while
        self._client = await trio.to_thread.run_sync(
            lambda: httpx.AsyncClient(headers=headers, limits=limits, timeout=None)  # noqa: S113 - ours are scopes
        )
        try:
            if self.model is None:
                self.model = await self._first_model()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            with trio.move_on_after(1.0, shield=True):
                await client.aclose()

    async def __call__(self, transcript: str, history: Sequence[Message], /) -> AsyncGenerator[str, None]:
        request = {"model": self.model, "messages": self._messages(transcript, history), "stream": True}
        stream = ChatStream()
        began = False
        response = await self._send("POST", "/chat/completions", msgspec.json.encode(request))
        async with _unwound(response) as body:
            while not stream.ended:
                data = await self._next(body, self._between if began else self._first_byte)
                began = True
                try:
                    texts = stream.end() if data is None else stream.feed(data)
                except (NotAChat, ChatFailed) as error:
                    raise self._broken(error) from error
                for text in texts:
                    yield text
            if not stream.finished:
                raise ProviderUnavailable(
                    self.name, f"{self.name} broke off in the middle of its answer.", code="cut", retryable=True
                )
            with trio.move_on_after(REMAINDER), suppress(ProviderError):
                while await self._next(body, self._between) is not None:
                    pass

    def _messages(self, transcript: str, history: Sequence[Message]) -> list[dict[str, str]]:
        """Neighbours of one role are joined, because some models want the roles to take turns."""
        messages = [{"role": "system", "content": self._system}] if self._system else []
        for role, text in (*((said.role, said.text) for said in history), ("user", transcript)):
            if text and messages and messages[-1]["role"] == role:
                messages[-1]["content"] += f" {text}"
            elif text:
                messages.append({"role": role, "content": text})
        return messages

    async def _first_model(self) -> str:
        response = await self._send("GET", "/models")
        async with _unwound(response) as body:
            listed = await self._whole(body)
        try:
            return msgspec.json.decode(listed, type=_Models).data[0].id
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
            raise ProviderRefused(
                self.name, f"{self.name} does not say which models it has. Name one.", code="no_model"
            ) from error

    async def _send(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        """The response, its body still to come, if it is a good one."""
        import httpx

        if self._client is None:
            raise RuntimeError("a ChatAgent is used inside its context")
        url = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        headers = {} if content is None else {"Content-Type": "application/json"}
        request = self._client.build_request(method, url, content=content, headers=headers)
        try:
            with trio.fail_after(self._first_byte):
                try:
                    response = await self._client.send(request, stream=True)
                except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                    # the other end may close a connection kept from before at any time, also just now
                    response = await self._client.send(request, stream=True)
        except trio.TooSlowError as error:
            raise self._silent(self._first_byte) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            async with _unwound(response) as body:
                raise self._refusal(response.status_code, failure_of(await self._whole(body)))
        return response

    async def _next(self, body: AsyncIterator[bytes], patience: float) -> bytes | None:
        import httpx

        try:
            with trio.fail_after(patience):
                return await anext(body, None)
        except trio.TooSlowError as error:
            raise self._silent(patience) from error
        except httpx.HTTPError as error:
            raise ProviderUnavailable(
                self.name, f"{self.name} broke off in the middle of its answer.", code="cut", retryable=True
            ) from error

    async def _whole(self, body: AsyncIterator[bytes]) -> bytes:
        whole = b""
        while len(whole) < LONGEST_REFUSAL and (data := await self._next(body, self._between)) is not None:
            whole += data
        return whole

    def _silent(self, patience: float) -> ProviderUnavailable:
        return ProviderUnavailable(
            self.name, f"{self.name} said nothing for {patience:g} s.", code="timeout", retryable=True
        )

    def _unreachable(self, error: Exception) -> ProviderUnavailable:
        reason = self._quoted(str(error)) or type(error).__name__
        return ProviderUnavailable(
            self.name,
            f"{self.name} cannot be reached ({reason}). Is it running, and is the address right?",
            retryable=True,
        )

    def _broken(self, error: NotAChat | ChatFailed) -> ProviderUnavailable:
        if isinstance(error, ChatFailed):
            return ProviderUnavailable(self.name, f"{self.name} failed: {self._quoted(str(error))}", retryable=True)
        return ProviderUnavailable(
            self.name,
            f"{self.name} sent no chat completion but {error}. Is this the address of an OpenAI-compatible endpoint?",
            code="no_chat",
        )

    def _refusal(self, status: int, reason: str) -> ProviderError:
        said = f": {self._quoted(reason)}" if reason.strip() else "."
        if status in {401, 403}:
            # what the endpoint says here may show parts of the key
            wrong = "asks for a key" if self._key is None else "does not accept the key"
            return ProviderRefused(self.name, f"{self.name} {wrong} ({status}). Set {KEY}.", code="unauthorized")
        if status == 404:
            what = f"has no model {self.model}, or no" if self.model else "has no list of models, or no"
            return ProviderRefused(self.name, f"{self.name} {what} chat at this address (404){said}", code="not_found")
        if status == 429 or status >= 500:
            what = "has too much to do" if status == 429 else "failed"
            return ProviderUnavailable(self.name, f"{self.name} {what} ({status}){said}", retryable=True)
        return ProviderRefused(self.name, f"{self.name} refused ({status}){said}")

    def _quoted(self, text: str) -> str:
        secrets = (self._key, self._base.password)
        for secret in secrets:
            text = text.replace(secret, "…") if secret else text
        return " ".join(text.split())[:QUOTED]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


@asynccontextmanager
async def _unwound(response: httpx.Response) -> AsyncGenerator[AsyncIterator[bytes]]:
    """The body, and on every way out its connection closed unless the body has ended.

    The client's body is a generator in generators, and only what is raised in the innermost closes all of them.
    """
    import httpx

    body = response.aiter_bytes()
    try:
        yield body
    finally:
        with trio.CancelScope() as scope, suppress(httpx.HTTPError, httpx.StreamError):
            scope.cancel("nobody reads on")
            async for _ in body:
                pass
