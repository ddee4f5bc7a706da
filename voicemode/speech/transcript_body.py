"""The body of a transcription as it comes.  In: a content type and bytes, cut anywhere.  Out: text, and timed words.

It may be plain text, JSON with a ``text``, verbose JSON with ``words`` (in whisper.cpp's they are in its segments), or
server-sent events with deltas and at last the whole (OpenAI's API reference, "Create transcription").  Whatever was
asked for, it is read as what it looks like.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from actors.messages import HeardWord

from ..event_stream import EndlessLine, EventStream
from .endpoint_faults import words_of

LONGEST = 1 << 20
"""Bytes of a transcript, about a day's speech; with words and their times a tenth of that."""

DONE = b"[DONE]"

Value = TypeVar("Value")


class NotATranscript(Exception):
    """This is none; the message says what it is instead, as the end of a sentence, and ``words`` what it says."""

    def __init__(self, what: str, words: str = "") -> None:
        super().__init__(what)
        self.words = words


class _Word(msgspec.Struct):
    word: str
    start: float
    end: float


class _Segment(msgspec.Struct):
    words: list[_Word] | None = None


class _Whole(msgspec.Struct):
    text: str
    words: list[_Word] | None = None
    segments: list[_Segment] | None = None


class _Event(msgspec.Struct):
    type: str = ""
    text: str | None = None
    delta: str | None = None
    words: list[_Word] | None = None
    error: object = None


class TranscriptBody:
    """``text`` is what is known so far; ``words`` have their times, if there are any."""

    def __init__(self, content_type: str) -> None:
        self._type = content_type
        self._label = content_type.partition(";")[0].strip().lower()
        self._body = b""
        self._events = EventStream() if self._label == "text/event-stream" else None
        self._ended = False
        self.text = ""
        self.words: tuple[HeardWord, ...] = ()

    def feed(self, data: bytes) -> bool:
        """Whether ``text`` has grown.  Raises NotATranscript."""
        self._body += data
        if len(self._body) > LONGEST:
            raise NotATranscript("an answer without an end")
        if self._events is None:
            if not self._body.startswith((b"data:", b"event:")):
                return False
            self._events, data = EventStream(), self._body
        before = self.text
        try:
            self._take(self._events.feed(data))
        except EndlessLine as error:
            raise NotATranscript("an answer without an end") from error
        return self.text != before

    def end(self) -> None:
        """Nothing more comes.  Raises NotATranscript, also for a stream that ends too early."""
        if self._events is not None:
            self._take(self._events.end())
            if not self._ended:
                raise NotATranscript("the beginning of one")
            return
        begin = self._body.lstrip()
        if self._label == "text/html" or begin.startswith(b"<"):
            raise NotATranscript("a page")
        if self._label.endswith("json") or begin.startswith(b"{"):
            whole = _decoded(self._body, self._type, _Whole)
            self.text = whole.text
            inside = [word for segment in whole.segments or () for word in segment.words or ()]
            self.words = tuple(_heard(whole.words or inside))
        elif self._label in {"", "text/plain"}:
            self.text = self._body.decode(errors="replace")
        else:
            raise NotATranscript(f"something called {self._label[:40]}")

    def _take(self, values: list[bytes]) -> None:
        for value in values:
            if value == DONE:
                self._ended = True
                continue
            event = _decoded(value, "application/json", _Event)
            if event.error is not None or event.type == "error":
                raise NotATranscript("an error", words_of(value, "application/json"))
            if event.type == "transcript.text.delta":
                self.text += event.delta or ""
            elif event.type == "transcript.text.done":
                self.text, self._ended = event.text or "", True
            elif not event.type and event.text is not None:
                # what speaches sent before it knew OpenAI's events: a segment in each, and no end but the body's
                self.text, self._ended = f"{self.text} {event.text.strip()}".strip(), True
            if event.words:
                self.words += tuple(_heard(event.words))


def _heard(words: list[_Word]) -> Iterator[HeardWord]:
    for word in words:
        if (text := word.word.strip()) and 0 <= word.start <= word.end:
            yield HeardWord(text=text, begin=word.start, finish=word.end)


def _decoded(value: bytes, content_type: str, kind: type[Value]) -> Value:
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError as error:
        raise NotATranscript("JSON of another kind", words_of(value, content_type)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotATranscript("broken JSON") from error
