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
    ("tts", "espeak", r"is a str and has no speak and no name and no rate\. A name goes into Settings\(tts=…\)"),
    ("tts", NoVoice(), r"NoVoice and has no speak\. docs/bring-your-own\.md says what each needs\."),
    ("stt", 5, r"int and has no transcribe and no name\."),
    ("stt", hear, r"is a function .*\. voicemode\.engines\.recogniser makes one of a function"),
    ("stt", FakeEars, "is the class FakeEars itself: pass one made of it"),
    ("microphone", "file:x", r"is a str and has no open\. A name goes into Settings\(microphone=…\)"),
    ("speaker", object(), r"object and has no open\."),
    ("vad", "silero", r"no stream and no rate and no window\. A name goes into Settings\(vad=…\)"),
    ("turn_model", 0, r"int and has no finished"),
    ("store", "/recordings", r"no begin and no settle\. A directory goes into Settings\(base_dir=…\)"),
]  # fmt: skip


@pytest.mark.parametrize("opened", [on_trio, on_asyncio, plain])
@pytest.mark.parametrize(("keyword", "given", "why"), WRONG)
def test_it_is_refused_with_a_sentence(opened: Callable[..., None], keyword: str, given: object, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        opened(**Hosted().parts | {keyword: given})
    assert engines_at_work() == []


@pytest.mark.parametrize("opened", [on_trio, on_asyncio, plain])
def test_what_is_right_is_taken(opened: Callable[..., None]) -> None:
    opened(**Hosted().parts)
