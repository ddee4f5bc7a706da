"""Hosts that die or forget to close, each in a process of its own: nothing hangs, devices close, recordings stay."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import wave
from collections.abc import Mapping
from pathlib import Path

import pytest
from virtual_audio import VirtualAudio

ROOT = Path(__file__).parent.parent.parent

BEFORE = """
import asyncio, gc, os, signal, sys, threading, time
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
import voicemode.aio, voicemode.sync
from tests.embed.hosting import Hosted, TalkingMicrophone, TEXT, GREETING
from tests.fakes import said
from voicemode.audio.store import DirectoryStore

class Told(TalkingMicrophone):
    def on_open(self, stream):
        super().on_open(stream)
        print("microphone opened", flush=True)

    def take(self, *window):
        pcm = super().take(*window)
        if self._sound is not None and self.taken_until > self._streams_opened() + self._after + 0.3:
            heard.set()
        return pcm

    def _streams_opened(self):
        return min((stream.opened for stream in self._streams), default=float("inf"))

    def open(self, rate):
        opening = super().open(rate)
        leave = opening.__aexit__
        class Opening:
            async def __aenter__(self):
                return await opening.__aenter__()
            async def __aexit__(self, *error):
                try:
                    return await leave(*error)
                finally:
                    print("microphone closed", flush=True)
        return Opening()

heard = threading.Event()
hosted = Hosted(
    settings=voicemode.Settings(),
    microphone=Told(said(2.0), after=0.05),
    store=DirectoryStore(Path(sys.argv[1]), keep=False),
)

async def listening(guest=False):
    '''A conversation that is never closed, in which somebody is being listened to.'''
    conversation = await voicemode.aio.open_conversation(guest=guest, **hosted.parts).__aenter__()
    task = asyncio.ensure_future(conversation.listen())
    while not heard.is_set():
        await asyncio.sleep(0.01)
    return conversation, task
"""


def run(
    script: str,
    tmp_path: Path,
    *,
    interrupt: bool = False,
    status: int = 0,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    before = BEFORE.format(root=str(ROOT), tests=str(ROOT / "tests"))
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", before + textwrap.dedent(script), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    said = ""
    if interrupt:
        assert process.stdout is not None
        while "now" not in said:
            said += process.stdout.readline()
        process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == status, out + error
    return subprocess.CompletedProcess(command, process.returncode, said + out, error)


def pending(tmp_path: Path) -> float:
    """Seconds of the one recording that was kept."""
    [path] = (tmp_path / "pending").glob("*.wav")
    with wave.open(str(path)) as recording:
        return recording.getnframes() / recording.getframerate()


@pytest.mark.parametrize("guest", [False, True], ids=["thread", "guest"])
def test_a_loop_that_ends_with_a_conversation_open(guest: bool, tmp_path: Path) -> None:
    script = f"""
        kept = asyncio.run(listening({guest}))
        print("the loop has ended", flush=True)
    """
    done = run(script, tmp_path)
    assert done.stdout.splitlines()[0] == "microphone opened"
    assert "microphone closed" in done.stdout
    assert pending(tmp_path) > 0.1


@pytest.mark.parametrize("guest", [False, True], ids=["thread", "guest"])
@pytest.mark.parametrize("closing", ["loop.close()", "pass"])
def test_a_loop_that_is_dropped_in_the_middle_of_a_turn(closing: str, guest: bool, tmp_path: Path) -> None:
    script = f"""
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(listening({guest}))
        {closing}
        print("the host is done", flush=True)
    """
    done = run(script, tmp_path)
    assert "microphone closed" in done.stdout
    assert pending(tmp_path) > 0.1


def test_a_loop_that_is_closed_closes_its_conversations_while_the_process_lives(tmp_path: Path) -> None:
    script = """
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(listening())
        loop.close()
        for thread in threading.enumerate():
            if thread.name == "voicemode engine":
                thread.join(5)
                assert not thread.is_alive()
        print("the host goes on", flush=True)
    """
    assert run(script, tmp_path).stdout.splitlines()[-1] == "the host goes on"


def test_a_new_loop_clears_up_after_the_guest_of_one_that_was_closed(tmp_path: Path) -> None:
    script = """
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(listening(True))
        loop.close()

        async def main():
            async with voicemode.aio.open_conversation(TEXT, guest=True) as conversation:
                await conversation.say("one.")
                print(conversation.history[0].text, flush=True)

        asyncio.run(main())
    """
    assert run(script, tmp_path).stdout.splitlines()[-2:] == ["microphone closed", "one."]


@pytest.mark.parametrize("guest", [False, True], ids=["thread", "guest"])
def test_an_asyncio_host_that_is_interrupted_at_the_keyboard(guest: bool, tmp_path: Path) -> None:
    script = f"""
        async def main():
            async with voicemode.aio.open_conversation(guest={guest}, **hosted.parts) as conversation:
                turn = asyncio.ensure_future(conversation.listen())
                while not heard.is_set():
                    await asyncio.sleep(0.01)
                print("now", flush=True)
                await turn

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted", not hosted.microphone.is_open, flush=True)
    """
    assert run(script, tmp_path, interrupt=True).stdout.splitlines()[-1] == "interrupted True"
    assert pending(tmp_path) > 0.1


def test_a_script_that_is_interrupted_at_the_keyboard(tmp_path: Path) -> None:
    script = """
        threading.Thread(target=lambda: (heard.wait(), print("now", flush=True)), daemon=True).start()
        with voicemode.sync.open_conversation(**hosted.parts) as conversation:
            try:
                conversation.listen()
            except KeyboardInterrupt:
                print("interrupted", not hosted.microphone.is_open, conversation.status().state, flush=True)
    """
    assert run(script, tmp_path, interrupt=True).stdout.splitlines()[-1] == "interrupted True idle"
    assert pending(tmp_path) > 0.1


@pytest.mark.parametrize("guest", [False, True], ids=["thread", "guest"])
def test_sys_exit_in_the_middle_of_a_turn(guest: bool, tmp_path: Path) -> None:
    script = f"""
        async def main():
            async with voicemode.aio.open_conversation(guest={guest}, **hosted.parts) as conversation:
                turn = asyncio.ensure_future(conversation.listen())
                while not heard.is_set():
                    await asyncio.sleep(0.01)
                sys.exit(3)

        asyncio.run(main())
    """
    assert run(script, tmp_path, status=3).stdout.splitlines() == ["microphone opened", "microphone closed"]
    assert pending(tmp_path) > 0.1


@pytest.mark.parametrize("where", ["sync", "thread", "guest"])
def test_an_agent_that_exits(where: str, tmp_path: Path) -> None:
    script = f"""
        def agent(transcript, history):
            yield "one two. "
            sys.exit(3)

        async def main():
            async with voicemode.aio.open_conversation(guest={where == "guest"}, **hosted.parts) as conversation:
                await conversation.converse(agent)

        if {where == "sync"}:
            with voicemode.sync.open_conversation(**hosted.parts) as conversation:
                conversation.converse(agent)
        else:
            asyncio.run(main())
    """
    assert run(script, tmp_path, status=3).stdout.splitlines()[-1:] in ([], ["microphone closed"])


def test_a_main_thread_that_ends_while_another_is_in_a_turn(tmp_path: Path) -> None:
    script = """
        def talk():
            with voicemode.sync.open_conversation(**hosted.parts) as conversation:
                conversation.listen()

        threading.Thread(target=talk, daemon=True).start()
        heard.wait()
    """
    assert run(script, tmp_path).stdout.splitlines() == ["microphone opened", "microphone closed"]
    assert pending(tmp_path) > 0.1


def test_a_thread_that_is_no_daemon_ends_its_talk_first(tmp_path: Path) -> None:
    script = """
        def talk():
            with voicemode.sync.open_conversation(TEXT) as conversation:
                time.sleep(0.2)
                print(conversation.say("still here.").spoken.heard, flush=True)

        threading.Thread(target=talk).start()
    """
    assert run(script, tmp_path).stdout.splitlines() == ["still here."]


def test_a_conversation_that_is_never_closed_ends_with_the_process(tmp_path: Path) -> None:
    script = """
        conversation = voicemode.sync.open_conversation(**hosted.parts).__enter__()
        threading.Thread(target=conversation.listen, daemon=True).start()
        heard.wait()
    """
    assert run(script, tmp_path).stdout.splitlines() == ["microphone opened", "microphone closed"]
    assert pending(tmp_path) > 0.1


@pytest.mark.realtime
def test_real_devices_are_closed_before_their_library_goes(sound_server: VirtualAudio, tmp_path: Path) -> None:
    script = """
        hosted.parts["microphone"] = hosted.parts["speaker"] = None
        conversation = voicemode.sync.open_conversation(**hosted.parts).__enter__()
        seen, speaking = conversation.events(), threading.Event()

        def watch():
            for event in seen:
                print(type(event).__name__, flush=True)
                if type(event).__name__ == "SpeakingStarted":
                    speaking.set()

        threading.Thread(target=watch, daemon=True).start()
        threading.Thread(target=lambda: conversation.converse(GREETING), daemon=True).start()
        assert speaking.wait(10)
    """
    told = run(script, tmp_path, env=sound_server.env).stdout.splitlines()
    assert "SpeakingStarted" in told
    # to a device that is there, the end of PortAudio is a loss
    assert not {"SpeakerFailed", "MicrophoneFailed"} & set(told)
