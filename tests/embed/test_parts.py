"""What is passed by keyword and is of the wrong kind is refused before anything is opened, in all three ways in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio

import voicemode
import voicemode.aio
import voicemode.sync
from tests.embed.hosting import Hosted, engines_at_work
from tests.fakes import FakeEars
from voicemode import SettingsError


def on_trio(**parts: Any) -> None:
    async def main() -> None:
        async with voicemode.open_conversation(**parts):
            pass

    trio.run(main)


def on_asyncio(**parts: Any) -> None:
    async def main() -> None:
        async with voicemode.aio.open_conversation(**parts):
            pass

    asyncio.run(main())


def plain(**parts: Any) -> None:
    with voicemode.sync.open_conversation(**parts):
        pass


async def hear(pcm: bytes, rate: int, phrases: Sequence[str]) -> str:
    return "hello"


class NoVoice:
    name = "no voice"
    rate = "fast"


WRONG = [
    ("tts", "espeak", r"with name, rate and speak\(\), not a str\. A name goes into Settings\(tts=…\)"),
    ("tts", NoVoice(), r"speak\(\), not NoVoice\. docs/bring-your-own\.md says what it promises\."),
    ("stt", 5, r"stt takes an object with name and transcribe\(\), not int\."),
    ("stt", hear, r"not a function\. voicemode\.engines\.recogniser .* makes one of it\."),
    ("stt", FakeEars, "not the class FakeEars: pass an instance of it"),
    ("microphone", "file:x", r"microphone takes an object with open\(\), not a str\. .*Settings\(microphone=…\)"),
    ("speaker", object(), r"speaker takes an object with open\(\), not object\."),
    ("vad", "silero", r"rate, window and stream\(\), not a str\. A name goes into Settings\(vad=…\)"),
    ("turn_model", 0, r"name and finished\(\), not int"),
    ("store", "/recordings", r"begin\(\) and settle\(\), not a str\. A directory goes into Settings\(base_dir=…\)"),
]  # fmt: skip


@pytest.mark.parametrize("opened", [on_trio, on_asyncio, plain])
@pytest.mark.parametrize(("keyword", "given", "why"), WRONG)
def test_it_is_refused_with_a_sentence(opened: Callable[..., None], keyword: str, given: object, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        opened(**Hosted().parts | {keyword: given})
    assert engines_at_work() == []


@pytest.mark.parametrize("opened", [on_trio, on_asyncio, plain])
def test_what_is_right_is_taken(opened: Callable[..., None]) -> None:
    opened(**Hosted().parts)
