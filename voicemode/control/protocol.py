"""What goes over the control socket: lines of JSON in both directions, one answer for each request, in their order.

Requests are those of VoiceMode 8 and more of the kind.  They name something to do and carry nothing else: the free text
that VoiceMode's clients may send along is taken and thrown away, so that it reaches no agent, model or log.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from actors.events import State

from .controllable import COMMANDS, Command

LONGEST_LINE = 8192
"""Bytes of a request."""

LONGEST_TEXT = 256
"""Characters of a text in it."""

QUOTED = 120
"""Characters of what is wrong with a request that go into the answer."""

ShortText: TypeAlias = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
ExactInt: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
RequestId: TypeAlias = ShortText | ExactInt | None


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``request_id`` comes back with the answer; ``message`` and ``hint`` are VoiceMode's and have no effect."""

    command: Command
    request_id: RequestId = None
    message: ShortText | None = None
    hint: ShortText | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``action`` is the command that was carried out, or was to be; None where there was none to be read.

    ``error`` is there if and only if ``ok`` is false.
    """

    ok: bool
    action: str | None = None
    request_id: RequestId = None
    error: str | msgspec.UnsetType = msgspec.UNSET


class StatusAnswer(Answer, frozen=True, kw_only=True):
    """The fields of a ConversationStatus."""

    state: State
    held: bool
    muted: bool
    turn: int | None
    recent: int


def request_in(line: bytes) -> Request:
    """Raises ValueError with a sentence for whoever sent it."""
    try:
        return _REQUESTS.decode(line)
    except (ValueError, RecursionError) as error:
        wrong = " ".join(str(error).split())[:QUOTED]
        raise ValueError(
            f'This is no request: {wrong}. Send a line of JSON as {{"command": "pause"}}; commands are '
            f"{', '.join(COMMANDS)}."
        ) from error


def refusal(error: str, request: Request | None = None) -> Answer:
    if request is None:
        return Answer(ok=False, error=error)
    return Answer(ok=False, error=error, action=request.command, request_id=request.request_id)


def line_of(message: Request | Answer) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def answer_in(line: bytes) -> Answer:
    """A StatusAnswer where it is one.  Raises ValueError."""
    try:
        return _STATUS.decode(line)
    except msgspec.ValidationError:
        return _ANSWERS.decode(line)


_REQUESTS = msgspec.json.Decoder(Request)
_ANSWERS = msgspec.json.Decoder(Answer)
_STATUS = msgspec.json.Decoder(StatusAnswer)
