"""The body of a chat completion as it comes.  In: bytes, cut anywhere.  Out: the texts in it, as soon as each is whole.

A streamed body is server-sent events, each ``data:`` line one JSON object, ``[DONE]`` the last; a body that begins with
``{`` is one whole completion.
"""

from __future__ import annotations

import re

import msgspec

_LINE_END = re.compile(rb"\r\n|\n|\r")

LONGEST_LINE = 1 << 20
"""Bytes; what is longer than that without an end is no chat."""


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
        self._rest = b""
        self._whole = False
        self._chat = False

    def feed(self, data: bytes) -> list[str]:
        """The texts that are certain now.  Raises NotAChat and ChatFailed."""
        begins = not self._chat and not self._whole and not self._rest
        self._rest += data.removeprefix(b"\xef\xbb\xbf").lstrip() if begins else data
        self._whole = self._whole or (not self._chat and self._rest.startswith(b"{"))
        if self._whole:
            lines: list[bytes] = []
        else:
            *lines, self._rest = _LINE_END.split(self._rest)
        if len(self._rest) > LONGEST_LINE:
            raise NotAChat("a line without an end")
        return [text for line in lines for text in self._read(line)]

    def end(self) -> list[str]:
        """The texts that were left, now that nothing more comes.  Raises NotAChat and ChatFailed."""
        rest, self._rest = self._rest, b""
        if self._whole:
            texts, self.finished = self._texts(rest), True
        else:
            texts = list(self._read(rest))
        self.ended = True
        if not self._chat:
            raise NotAChat("something else" if rest.strip() else "nothing")
        return texts

    def _read(self, line: bytes) -> list[str]:
        name, _, value = line.partition(b":")
        value = value.strip()
        if self.ended or name != b"data" or not value:
            return []
        if value == b"[DONE]":
            self._chat = self.finished = self.ended = True
            return []
        return self._texts(value)

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
