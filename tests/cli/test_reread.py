"""Settings that are read again in the middle of a talk: what changed counts, what the command line said stays."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import evolve

from actors.errors import SettingsError
from voicemode import Settings
from voicemode.cli.reread import Rereading
from voicemode.cli.talk_agent import AgentChoice
from voicemode.cli.talk_lines import Lines
from voicemode.cli.talking import Notice, Talk

from .conftest import Run

NOBODY = AgentChoice(url=None, model=None, system=None, command=None, path="a:b")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("VOICEMODE_") or name == "OPENAI_API_KEY"]:
        monkeypatch.delenv(name)
    file = tmp_path / "home" / ".voicemode" / "voicemode.env"
    file.parent.mkdir(parents=True)
    return file


@pytest.fixture
def talk_with(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Settings, Rereading]]:
    """What a talk is begun with."""
    seen: list[tuple[Settings, Rereading]] = []

    class Seen(Exception):
        pass

    def take(_: AgentChoice, settings: Settings, __: object, ___: object, reread: Rereading) -> None:
        seen.append((settings, reread))
        raise Seen

    monkeypatch.setattr("voicemode.cli.talking.Talk", take)

    def begun(*args: str) -> tuple[Settings, Rereading]:
        with pytest.raises(Seen):
            run("talk", "--agent", "a:b", *args)
        return seen.pop()

    return begun


def test_what_changed_in_a_file_is_taken_and_nothing_else(
    talk_with: Callable[..., tuple[Settings, Rereading]], own: Path
) -> None:
    own.write_text("VOICEMODE_VOICE=de\n")
    settings, reread = talk_with("--mic", "null:")
    assert reread(settings) == settings
    own.write_text("VOICEMODE_TTS_SPEED=2\nVOICEMODE_NO_SPEECH_TIMEOUT=3\nVOICEMODE_BARGE_IN_MIN_MS=300\n")
    new = reread(settings)
    assert (new.voice, new.speed, new.turn.no_speech, new.turn.barge_in.min_speech) == (None, 2.0, 3.0, 0.3)
    assert evolve(new, voice="de", speed=None, turn=settings.turn) == settings


def test_what_the_command_line_says_stays(talk_with: Callable[..., tuple[Settings, Rereading]], own: Path) -> None:
    settings, reread = talk_with("--speed", "1.5", "--no-speech", "4")
    own.write_text("VOICEMODE_TTS_SPEED=2\nVOICEMODE_NO_SPEECH_TIMEOUT=3\nVOICEMODE_DEFAULT_LISTEN_DURATION=30\n")
    new = reread(settings)
    assert (new.speed, new.turn.no_speech, new.turn.longest) == (1.5, 4.0, 30.0)


def test_a_fault_is_told_and_a_mended_file_is_taken(
    talk_with: Callable[..., tuple[Settings, Rereading]], own: Path
) -> None:
    settings, reread = talk_with()
    own.write_text("VOICEMODE_TTS_SPEED=fast\n")
    with pytest.raises(SettingsError, match=r"voicemode\.env:1"):
        reread(settings)
    own.write_text("VOICEMODE_TTS_SPEED=2\n")
    assert reread(settings).speed == 2.0


def test_a_new_key_is_found(talk_with: Callable[..., tuple[Settings, Rereading]], own: Path) -> None:
    settings, reread = talk_with()
    own.write_text("OPENAI_API_KEY=hush\n")
    own.chmod(0o600)
    assert reread(settings).keys == {"OPENAI_API_KEY": "hush"}


class FakeConversation:
    def __init__(self) -> None:
        self.settings = Settings(voice="de")
        self.asked: list[Settings] = []

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        self.asked.append(settings)
        return ("echo", "tts") if settings.echo == "off" else ()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(Settings(speed=2.0), "read again"), (Settings(echo="off"), "read again; for the next talk alone: echo, tts")],
)
async def test_a_talk_says_what_has_to_wait(wanted: Settings, said: str) -> None:
    given: list[Settings] = []

    def reread(settings: Settings) -> Settings:
        given.append(settings)
        return wanted

    talk, conversation = Talk(NOBODY, Settings(), None, None, reread), FakeConversation()
    await talk.read_again(conversation)
    assert (given, conversation.asked) == ([Settings(voice="de")], [wanted])
    assert talk.shown.receive_nowait() == Notice(said, who="settings")


async def test_a_talk_goes_on_with_what_it_had_when_a_file_is_wrong() -> None:
    error = SettingsError("voicemode.env:1: this is wrong.")

    def reread(_: Settings) -> Settings:
        raise error

    talk, conversation = Talk(NOBODY, Settings(), None, None, reread), FakeConversation()
    await talk.read_again(conversation)
    assert conversation.asked == []
    assert talk.shown.receive_nowait() is error


async def test_who_says_something_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    send, receive = trio.open_memory_channel[Notice](2)
    with send:
        send.send_nowait(Notice("hello"))
        send.send_nowait(Notice("read again", who="settings"))
    await Lines(sys.stdout).follow(receive)
    assert capsys.readouterr().err == "agent: hello\nsettings: read again\n"


async def test_r_reads_the_settings_again() -> None:
    talk, conversation = Talk(NOBODY, Settings(), None, None, lambda settings: settings), FakeConversation()
    send, keys = trio.open_memory_channel[str](2)
    with send:
        send.send_nowait("r")
        send.send_nowait("R")
    await talk._heed(keys, conversation)
    assert len(conversation.asked) == 2
