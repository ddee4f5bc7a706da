"""An agent behind an OpenAI-compatible chat endpoint.  In: the transcript and the history.  Out: the answer, streamed.

One client lives as long as the agent, so that the connection is there already when the next question comes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec
import trio

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import Message

from ..http_client import Address, Answer, BrokenOff, HttpClient, HungUp, NotAnAddress, Unreachable
from .chat_stream import ChatFailed, ChatStream, NotAChat, failure_of

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
        try:
            self._address = Address.parse(url, "/chat/completions")
        except NotAnAddress as error:
            raise SettingsError(
                "The address of a chat endpoint begins with http:// or https:// and a host, as in http://localhost:8080/v1"
            ) from error
        if key is not None and not (key.isascii() and key.isprintable()):
            raise SettingsError("The key for the chat endpoint holds signs that no key has; was it pasted wrongly?")
        self.name = self._address.name
        self.model = model
        self._key, self._system = key, system
        self._first_byte, self._between = first_byte, between
        self._client: HttpClient | None = None

    async def __aenter__(self) -> Self:
        self._client = await HttpClient.open(self._address, key=self._key)
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
            await client.aclose()

    async def __call__(self, transcript: str, history: Sequence[Message], /) -> AsyncGenerator[str, None]:
        request = {"model": self.model, "messages": self._messages(transcript, history), "stream": True}
        stream = ChatStream()
        began = False
        async with await self._send("POST", "/chat/completions", msgspec.json.encode(request)) as answer:
            while not stream.ended:
                data = await self._next(answer, self._between if began else self._first_byte)
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
                while await self._next(answer, self._between) is not None:
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
        async with await self._send("GET", "/models") as answer:
            listed = await self._whole(answer)
        try:
            return msgspec.json.decode(listed, type=_Models).data[0].id
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
            raise ProviderRefused(
                self.name, f"{self.name} does not say which models it has. Name one.", code="no_model"
            ) from error

    async def _send(self, method: str, path: str, content: bytes | None = None) -> Answer:
        """The answer, its body still to come, if it is a good one."""
        if self._client is None:
            raise RuntimeError("a ChatAgent is used inside its context")
        try:
            with trio.fail_after(self._first_byte):
                try:
                    answer = await self._client.ask(method, path, json=content)
                except HungUp:
                    # the other end may close a connection kept from before at any time, also just now
                    answer = await self._client.ask(method, path, json=content)
        except trio.TooSlowError as error:
            raise self._silent(self._first_byte) from error
        except Unreachable as error:
            raise self._unreachable(error) from error
        if not answer.good:
            async with answer:
                raise self._refusal(answer.status, failure_of(await self._whole(answer)))
        return answer

    async def _next(self, answer: Answer, patience: float) -> bytes | None:
        try:
            with trio.fail_after(patience):
                return await answer.next()
        except trio.TooSlowError as error:
            raise self._silent(patience) from error
        except BrokenOff as error:
            raise ProviderUnavailable(
                self.name, f"{self.name} broke off in the middle of its answer.", code="cut", retryable=True
            ) from error

    async def _whole(self, answer: Answer) -> bytes:
        whole = b""
        while len(whole) < LONGEST_REFUSAL and (data := await self._next(answer, self._between)) is not None:
            whole += data
        return whole

    def _silent(self, patience: float) -> ProviderUnavailable:
        return ProviderUnavailable(
            self.name, f"{self.name} said nothing for {patience:g} s.", code="timeout", retryable=True
        )

    def _unreachable(self, error: Unreachable) -> ProviderUnavailable:
        return ProviderUnavailable(
            self.name,
            f"{self.name} cannot be reached ({self._quoted(str(error))}). Is it running, and is the address right?",
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
        secrets = (self._key, self._address.password)
        for secret in secrets:
            text = text.replace(secret, "…") if secret else text
        return " ".join(text.split())[:QUOTED]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]
