"""A conversation is written down where that is asked for, never otherwise, and no disk holds it up."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

import voicemode
from actors.account import SpokenText
from actors.events import Event, TurnEnded, TurnStarted
from actors.messages import SpeechChunk, Spoken, TextPiece, TurnId
from actors.recent import Recent
from actors.results import Engines, TurnResult
from actors.ring import Ring
from tests.conversing import GREETING, WITHOUT_DRAFTS, Room, conversing
from tests.exchanges.saying import NOON, keep, said
from tests.fakes import FakeEars, said as sound
from voicemode import Settings
from voicemode.audio.files import read_audio
from voicemode.exchanges import recent
from voicemode.exchanges.conversation_id import GAP, conversation_id
from voicemode.exchanges.exchange import Exchange
from voicemode.exchanges.keeping import keeping


async def in_thread(base: Path) -> list[Exchange]:
    return await trio.to_thread.run_sync(recent, base, 100)


def files(base: Path) -> list[str]:
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


async def talk(base: Path, **options: Any) -> None:
    """In text: the assistant asks, the user answers."""
    settings = Settings(text=True, base_dir=base, **options)
    async with voicemode.open_conversation(settings) as conversation, trio.open_nursery() as nursery:

        async def answer() -> None:
            await wait_all_tasks_blocked()
            conversation.answer("Tuesday")

        nursery.start_soon(answer)
        await conversation.converse("What day is it?")


async def test_both_sides_are_written_down_before_the_conversation_is_closed(tmp_path: Path) -> None:
    await talk(tmp_path, save_transcriptions=True)
    assistant, user = await in_thread(tmp_path)
    assert (assistant.type, assistant.text) == ("tts", "What day is it?")
    assert (user.type, user.text) == ("stt", "Tuesday")
    assert assistant.conversation_id == user.conversation_id
    assert assistant.conversation_id.startswith("conv_20")
    assert user.project_path == str(Path.cwd())
    assert user.known("transport") == "text"
    [name] = files(tmp_path)
    assert name == f"logs/conversations/exchanges_{user.timestamp:%Y-%m-%d}.jsonl"


async def test_a_conversation_knows_what_its_exchanges_are_kept_under(tmp_path: Path) -> None:
    settings = Settings(text=True, base_dir=tmp_path, save_transcriptions=True)
    async with voicemode.open_conversation(settings) as conversation:
        await conversation.say("Hello.")
        while conversation.id is None:
            await wait_all_tasks_blocked()
    [exchange] = await in_thread(tmp_path)
    assert exchange.conversation_id == conversation.id


async def test_of_an_assistant_that_was_interrupted_what_was_heard_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr("voicemode.exchanges.keeping.LAST_WORDS", math.inf)
    room = Room()
    settings = evolve(WITHOUT_DRAFTS, base_dir=tmp_path, save_audio=True, save_transcriptions=True)
    async with conversing(room, settings=settings, stt=FakeEars("stop")) as conversation:
        room.microphone.place(sound(0.8), trio.current_time() + 0.8)
        result = await conversation.converse(GREETING)
        await conversation.say("nine.")
    interrupted, stop, nine = await in_thread(tmp_path)
    assert interrupted.text == result.spoken.heard
    assert f"{interrupted.text} {interrupted.unheard}" == GREETING
    assert (stop.text, nine.text) == ("stop", "nine.")
    assert interrupted.audio_file is not None
    heard = (interrupted.duration_ms or 0) / 1000
    assert read_audio(Path(interrupted.audio_file), None).seconds == pytest.approx(heard, abs=0.001)


async def test_what_was_heard_before_everything_was_cancelled_is_on_disk(tmp_path: Path) -> None:
    settings = Settings(text=True, base_dir=tmp_path, save_transcriptions=True, event_log=True)
    with trio.CancelScope() as scope:
        async with voicemode.open_conversation(settings) as conversation, trio.open_nursery() as nursery:
            nursery.start_soon(conversation.converse, "What day is it?")
            await wait_all_tasks_blocked()
            scope.cancel()
    [exchange] = await in_thread(tmp_path)
    assert exchange.text == "What day is it?"


async def test_an_error_in_a_conversation_that_is_kept_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        async with voicemode.open_conversation(Settings(text=True, base_dir=tmp_path, save_transcriptions=True)):
            raise KeyError


async def test_nothing_is_written_where_nobody_asked_for_it(tmp_path: Path) -> None:
    await talk(tmp_path)
    assert files(tmp_path) == []
    await talk(tmp_path, save_audio=True)
    assert files(tmp_path) == []


async def test_the_log_alone_has_nothing_of_what_was_said(tmp_path: Path) -> None:
    await talk(tmp_path, event_log=True)
    [name] = files(tmp_path)
    assert name.startswith("logs/events/voicemode_events_20")
    content = (tmp_path / name).read_text()
    assert "Tuesday" not in content
    kinds = [json.loads(line)["event_type"] for line in content.splitlines()]
    assert kinds[0] == "SESSION_START"
    assert kinds[-2:] == ["TOOL_REQUEST_END", "SESSION_END"]
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


async def test_soon_afterwards_the_same_conversation_goes_on(tmp_path: Path) -> None:
    await talk(tmp_path, save_transcriptions=True)
    await talk(tmp_path, save_transcriptions=True)
    assert len({exchange.conversation_id for exchange in await in_thread(tmp_path)}) == 1


def test_later_or_elsewhere_it_is_another_conversation() -> None:
    last = said("x", project_path="/a")
    assert conversation_id(last.at + GAP / 2, "/a", [last]) == last.conversation_id
    assert conversation_id(last.at + GAP, "/a", [last]) != last.conversation_id
    assert conversation_id(last.at, "/b", [last]) != last.conversation_id
    assert conversation_id(last.at, "/a", []).startswith("conv_20260304_120000_")


async def test_a_disk_that_takes_nothing_is_told_once_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("")
    await talk(tmp_path, save_transcriptions=True, event_log=True)
    [record] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "cannot be written" in record.getMessage()
    assert "Tuesday" not in caplog.text


async def test_a_disk_that_hangs_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicemode.exchanges.keeping.LAST_WORDS", 0.0)
    now = datetime.now().astimezone()
    path = keep(tmp_path, said("earlier", minutes=(now - NOON) / timedelta(minutes=1)))
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await talk(tmp_path, save_transcriptions=True)
        assert [exchange.text for exchange in await in_thread(tmp_path)] == ["earlier"]


async def test_what_is_too_old_is_removed_when_a_conversation_begins(tmp_path: Path) -> None:
    old = keep(tmp_path, said("long ago"))
    await talk(tmp_path, save_transcriptions=True, keep_days=3)
    assert old.exists()  # it was written a moment ago
    os.utime(old, (0, 0))
    await talk(tmp_path, save_transcriptions=True, keep_days=3)
    assert not old.exists()


RATE = 1000


def status(path: str) -> os.stat_result:
    return Path(path).stat()


async def heard(base: Path, *, samples: int, complete: bool) -> Exchange:
    """An assistant that was given a second to say, of which ``samples`` were heard."""
    events, made, turn = Ring[Event](100), Recent(8), TurnId(1)
    for index in range(2):
        piece = TextPiece(turn=turn, index=index, start=6 * index, text="Hello.")
        made.add(SpeechChunk(turn=turn, piece=piece, pcm=bytes([index + 1, 0]) * 500, rate=RATE))
    spoken = SpokenText(text="Hello.Hello.", heard="Hello.", complete=complete)
    result = TurnResult(turn=turn, outcome="said", spoken=spoken, engines=Engines(tts="x"))
    account = Spoken(turn=turn, text=spoken.text, heard=spoken.heard, complete=complete, samples=samples, at=2.0)
    settings = Settings(base_dir=base, save_audio=True, save_transcriptions=True)
    async with keeping(settings, events, rate=RATE, recent=made):
        for event in (TurnStarted(turn=turn, at=1.0), account, TurnEnded(turn=turn, at=3.0, result=result)):
            events.put_nowait(event)
    [exchange] = await in_thread(base)
    return exchange


@pytest.mark.parametrize(("samples", "complete"), [(1000, True), (700, False)])
async def test_of_the_assistants_sound_as_much_is_kept_as_was_heard(
    tmp_path: Path, samples: int, complete: bool
) -> None:
    exchange = await heard(tmp_path, samples=samples, complete=complete)
    assert exchange.audio_file is not None
    path, kept_as = Path(exchange.audio_file), status(exchange.audio_file)
    assert path.parent == tmp_path / "audio" / f"{exchange.at:%Y}" / f"{exchange.at:%m}"
    assert path.name.endswith("_tts.wav")
    assert kept_as.st_mode & 0o777 == 0o600
    sound = read_audio(path, None)
    assert (sound.rate, sound.pcm) == (RATE, (b"\1\0" * 500 + b"\2\0" * 500)[: 2 * samples])
