"""What docs/embedding.md shows is run as it stands."""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import voicemode.aio
import voicemode.sync
from tests.embed.hosting import TEXT, Hosted, TalkingMicrophone
from tests.fakes import said
from voicemode import Message, Settings
from voicemode.devices import FedMicrophone

PAGE = Path(__file__).parent.parent.parent / "docs" / "embedding.md"
ASYNCIO, PLAIN, SEVERAL, DEVICES, ENGINES = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)


class Enough(Exception):
    """An agent's way to end a talk."""


def in_a_room(open_conversation: Callable[..., Any]) -> Callable[..., Any]:
    """The page's call, in a room of its own in which somebody says yes."""

    def opened(_settings: Settings, **parts: Any) -> Any:
        somebody = {"microphone": TalkingMicrophone(said(0.3), after=0.4)}
        return open_conversation(**Hosted(**somebody | parts).parts)

    return opened


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(voicemode.aio, "open_conversation", in_a_room(voicemode.aio.open_conversation))
    monkeypatch.setattr(voicemode.sync, "open_conversation", in_a_room(voicemode.sync.open_conversation))
    return {
        "settings": TEXT, "voicemode": voicemode, "asyncio": asyncio,
        "Sequence": Sequence, "AsyncIterator": AsyncIterator,
    }  # fmt: skip


def shown(snippet: str, names: dict[str, Any]) -> None:
    exec(compile(snippet, PAGE.name, "exec"), names)  # noqa: S102 - it is our own page


def in_a_loop(snippet: str) -> str:
    return f"async def page():\n{textwrap.indent(snippet, '    ')}\n    return locals()\n\nfound = asyncio.run(page())"


def test_asyncio(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []

    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        asked.append(transcript)
        yield "Good-bye."
        raise Enough

    with pytest.raises(Enough):
        shown(ASYNCIO, names | {"agent": agent})
    assert asked == ["yes"]
    assert capsys.readouterr().out == "yes\n"


def test_plain_code(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    shown(PLAIN, names)
    assert capsys.readouterr().out == "yes\n"


def test_several(names: dict[str, Any]) -> None:
    shown(in_a_loop(SEVERAL), names)
    assert names["found"]["answers"] == ["yes", "yes"]


def test_devices(names: dict[str, Any]) -> None:
    asked: list[str] = []

    class Websocket:
        """Somebody says yes when they have been greeted, and hangs up when they have been answered."""

        def __init__(self) -> None:
            self.heard = 0

        async def send(self, pcm: bytes) -> None:
            self.heard += len(pcm)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            sound = said(0.3).pcm
            while not asked or self.heard < 40_000:
                block, sound = (sound[:640], sound[640:]) if self.heard >= 8_000 else (b"", sound)
                yield block.ljust(640, b"\0")
                await asyncio.sleep(0.02)

    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        asked.append(transcript)
        yield "one two three four five six seven."

    call = names | {"FedMicrophone": FedMicrophone, "agent": agent}
    shown(f"{DEVICES}\n\nwebsocket = Websocket()\nasyncio.run(call(websocket))", call | {"Websocket": Websocket})
    assert asked[0] == "yes"


def test_engines(names: dict[str, Any]) -> None:
    class Client:
        heard = 0

        async def transcribe(self, pcm: bytes, rate: int) -> str:
            self.heard += len(pcm)
            return "yes"

        async def speech(self, text: str) -> AsyncIterator[bytes]:
            yield b"\0\1" * 2_400

    client = Client()
    names["client"] = client
    shown(in_a_loop(ENGINES), names)
    assert client.heard > 0
