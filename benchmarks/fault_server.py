"""A fake speech endpoint that fails as it is told, on purpose and on the wire; it keeps what it was sent.

It speaks with a marked voice (see ``marked_voice``), so that what arrived of it can be told word by word.
"""

from __future__ import annotations

import errno
import json
import math
import random
from typing import Literal, TypeAlias, get_args

import trio
from attrs import define, field
from marked_voice import RATE, MarkedVoice

from tests.speech.speech_server import (
    Asked,
    Reply,
    SpeechServer,
    hang,
    hang_up,
    head,
    refusal,
    stalled,
    streamed,
    tone,
    whole,
)

Fault: TypeAlias = Literal[
    "refuse",
    "error 500",
    "429, Retry-After",
    "401",
    "accept and hang",
    "hang up",
    "stall after headers",
    "stall midway",
    "die midway",
    "trickle",
    "empty",
    "wrong type",
    "endless",
    "malformed JSON",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

SILENT: frozenset[Fault] = frozenset({"accept and hang", "stall after headers", "stall midway"})
"""Those that are found out by a deadline between two things said, and by nothing else."""

MIDWAY: frozenset[Fault] = frozenset({"stall midway", "die midway"})
"""Those that come when some of the speech has been heard."""

PORTS = range(20_000, 32_000)
"""Below those that systems hand out by themselves, so that one that was closed is still free later."""

PART = RATE // 5
"""Bytes of speech in a part, 100 ms."""

PACE = 0.1
"""Seconds between two parts of what never ends, each of them a second of sound: faster, it would take all of the
machine."""

TRICKLE = 0.1
"""Seconds between two samples, or two letters."""


@define(eq=False)
class FaultServer(SpeechServer):
    """Answers with ``fault``, which strikes ``strikes`` times, and after that as it should.

    ``midway`` is the share of an answer that comes before what goes wrong in the middle of it.  ``struck`` is what went
    wrong in this case, ``uploads`` the sound that was sent here.  ``texts`` are what is heard in it.
    """

    voice: MarkedVoice = field(kw_only=True)
    fault: Fault | None = None
    strikes: float = 0
    midway: float = 0.5
    struck: list[Fault] = field(factory=list)
    uploads: list[bytes] = field(factory=list)
    texts: dict[bytes, str] = field(factory=dict)
    port: int = 0
    stopped: float | None = None
    """When an answer stopped in its middle, on the Trio clock."""
    _listening: tuple[trio.CancelScope, trio.Event] | None = None

    @property
    def name(self) -> str:
        """What engines call it."""
        return self.url

    async def prepare(self, nursery: trio.Nursery, fault: Fault | None, strikes: float, midway: float) -> None:
        """The next case: forget the last, and be there or not."""
        self.fault, self.strikes, self.midway = fault, strikes, midway
        self.struck, self.uploads, self.stopped = [], [], None
        self.asked.clear()
        if fault == "refuse" and strikes:
            await self.down()
            self.struck = [fault]
        else:
            await self.up(nursery)

    async def up(self, nursery: trio.Nursery) -> None:
        if self._listening is None:
            self._listening = await nursery.start(self._listen)

    async def down(self) -> None:
        """Nobody listens any longer, and every connection is closed."""
        if self._listening is not None:
            scope, ended = self._listening
            scope.cancel("the server goes down")
            await ended.wait()
            self._listening = None

    async def _listen(self, *, task_status: trio.TaskStatus[tuple[trio.CancelScope, trio.Event]]) -> None:
        ended = trio.Event()
        try:
            with trio.CancelScope() as scope:
                listeners = await self._listeners()
                task_status.started((scope, ended))
                async with trio.open_nursery() as connections:
                    await trio.serve_listeners(self.serve, listeners, handler_nursery=connections)
        finally:
            ended.set()

    async def _listeners(self) -> list[trio.SocketListener]:
        while not self.port:
            port = random.choice(PORTS)
            try:
                listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                self.port, self.url = port, f"http://127.0.0.1:{port}/v1"
                return listeners
        return await trio.open_tcp_listeners(self.port, host="127.0.0.1")

    def reply_to(self, asked: Asked) -> Reply:
        fault = self.fault if self.strikes > 0 else None
        self.strikes -= 1
        if fault is not None:
            self.struck.append(fault)
        if asked.line.endswith("/audio/transcriptions"):
            sound = asked.form["file"][44:]
            self.uploads.append(sound)
            return self._transcript(fault, self.texts.get(sound, "(something else)"))
        return self._speech(fault, asked.json["input"])

    def _transcript(self, fault: Fault | None, text: str) -> Reply:
        body = json.dumps({"text": text}).encode()
        cut = math.ceil(self.midway * len(body))
        match fault:
            case "trickle":
                return streamed(*(body[at : at + 1] for at in range(len(body))), kind="application/json", before=_wait)
            case "stall midway":
                return self._stopping(body[:cut], "application/json")
            case "die midway":
                return whole(body[:cut], missing=len(body) - cut)
            case "empty":
                return whole(b"")
            case "endless":
                return _on_and_on(b"{", b" " * 65_536, "application/json")
            case None:
                return whole(body)
            case _:
                return _whatever_was_asked(fault, "application/json")

    def _speech(self, fault: Fault | None, text: str) -> Reply:
        async def reply(stream: trio.SocketStream) -> None:
            pcm, _ = await self.voice.say(text)
            parts = [pcm[at : at + PART] for at in range(0, len(pcm), PART)]
            before = pcm[: 2 * math.ceil(self.midway * len(pcm) / 2)]
            match fault:
                case "trickle":
                    samples = (pcm[at : at + 2] for at in range(0, len(pcm), 2))
                    await streamed(*samples, before=_wait)(stream)
                case "stall midway":
                    await self._stopping(before, "audio/pcm")(stream)
                case "die midway":
                    await streamed(before, ends=False)(stream)
                case "empty":
                    await streamed()(stream)
                case "endless":
                    await _on_and_on(pcm, tone(1.0), "audio/pcm")(stream)
                case None:
                    await streamed(*parts)(stream)
                case _:
                    await _whatever_was_asked(fault, "audio/pcm")(stream)

        return reply

    def _stopping(self, part: bytes, kind: str) -> Reply:
        """The beginning of an answer, and then nothing; the connection stays."""

        async def reply(stream: trio.SocketStream) -> None:
            await stream.send_all(head("200 OK", kind, "Transfer-Encoding: chunked"))
            await stream.send_all(b"%x\r\n%b\r\n" % (len(part), part))
            self.stopped = trio.current_time()
            await trio.sleep_forever()

        return reply


def _whatever_was_asked(fault: Fault, kind: str) -> Reply:
    """What looks the same to those who listen and those who speak."""
    match fault:
        case "error 500":
            return refusal("500 Internal Server Error", "out of memory")
        case "429, Retry-After":
            return refusal("429 Too Many Requests", "slow down", "Retry-After: 7")
        case "401":
            return refusal("401 Unauthorized", "who are you?")
        case "accept and hang":
            return hang
        case "stall after headers":
            return stalled(kind)
        case "wrong type":
            return whole(b"<html><body>Welcome!</body></html>", "text/html")
        case "malformed JSON":
            return whole(b'{"error": {"mess', "application/json")
        case _:
            return hang_up


async def _wait(_: int) -> None:
    await trio.sleep(TRICKLE)


def _on_and_on(first: bytes, part: bytes, kind: str) -> Reply:
    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head("200 OK", kind, "Transfer-Encoding: chunked"))
        await stream.send_all(b"%x\r\n%b\r\n" % (len(first), first))
        while True:
            await stream.send_all(b"%x\r\n%b\r\n" % (len(part), part))
            await trio.sleep(PACE)

    return reply
