"""The body of a chat completion as it comes.  In: bytes, cut anywhere.  Out: the texts in it, as soon as each is whole.

A streamed body is server-sent events, each ``data:`` line one JSON object, ``[DONE]`` the last; a body that begins with
``{`` is one whole completion.
"""

from __future__ import annotations

import msgspec

from ..event_stream import BOM, LONGEST_LINE, EndlessLine, EventStream


class NotAChat(Exception):
    """This is no chat completion; the message says what it is instead, as the end of a sentence."""


class ChatFailed(Exception):
    """The other side says that it failed; the message is its own."""


class _Content(msgspec.Struct):
    content: str | list[object] | None = None


class _Choice(msgspec.Struct):
    delta: _Content | None = None
    message: _Content | None = None
    finish_reason: str | None = None


class _Failure(msgspec.Struct):
    message: str = ""


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    error: _Failure | str | None = None


class ChatStream:
    """``finished`` when the answer is known to be whole, ``ended`` when nothing more is to be expected either."""

    def __init__(self) -> None:
        self.finished = self.ended = False
        self._events = EventStream()
        self._begin = b""
        self._whole = False
        self._chat = False

    def feed(self, data: bytes) -> list[str]:
        """The texts that are certain now.  Raises NotAChat and ChatFailed."""
        if not self._begin:
            data = self._begin = data.removeprefix(BOM).lstrip()
            self._whole = data.startswith(b"{")
        elif self._whole:
            self._begin += data
        if len(self._begin) > LONGEST_LINE and self._whole:
            raise NotAChat("a line without an end")
        if self._whole:
            return []
        try:
            return self._read(self._events.feed(data))
        except EndlessLine as error:
            raise NotAChat("a line without an end") from error

    def end(self) -> list[str]:
        """The texts that were left, now that nothing more comes.  Raises NotAChat and ChatFailed."""
        if self._whole:
            texts, self.finished = self._texts(self._begin), True
        else:
            texts = self._read(self._events.end())
        self.ended = True
        if not self._chat:
            raise NotAChat("something else" if self._begin else "nothing")
        return texts

    def _read(self, values: list[bytes]) -> list[str]:
        texts: list[str] = []
        for value in values:
            if value == b"[DONE]":
                self._chat = self.finished = self.ended = True
            elif not self.ended:
                texts += self._texts(value)
        return texts

    def _texts(self, value: bytes) -> list[str]:
        try:
            completion = msgspec.json.decode(value, type=_Completion)
        except msgspec.ValidationError as error:
            raise NotAChat("JSON of another kind") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotAChat("broken JSON") from error
        failure = completion.error
        if failure is not None:
            raise ChatFailed(failure if isinstance(failure, str) else failure.message)
        if completion.choices is None:
            raise NotAChat("JSON of another kind")
        self._chat = True
        texts: list[str] = []
        for choice in completion.choices[:1]:
            said = choice.delta or choice.message
            if said is not None and isinstance(said.content, str) and said.content:
                texts.append(said.content)
            self.finished = self.finished or bool(choice.finish_reason)
        return texts


def failure_of(body: bytes) -> str:
    """What an endpoint says went wrong, when the body of its refusal says so in the usual way; otherwise ""."""
    try:
        error = msgspec.json.decode(body, type=_Completion).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return error.message if isinstance(error, _Failure) else error or ""
