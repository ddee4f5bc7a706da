"""Processes that are forked while a conversation is open, each test in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

ROOT = Path(__file__).parent.parent.parent

BEFORE = f"""
import asyncio, multiprocessing, os, sys, threading
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import voicemode.aio, voicemode.sync
from tests.embed.hosting import Hosted, TEXT

def in_child(work, *given):
    sys.stdout.flush()
    child = multiprocessing.get_context("fork").Process(target=work, args=given)
    child.start()
    child.join(20)
    print("child", child.exitcode, flush=True)
    child.kill()

def refused(work, *given):
    try:
        print(work(*given), flush=True)
    except (voicemode.SettingsError, RuntimeError) as error:
        print(f"{{type(error).__name__}}: {{error}}", flush=True)

def anew():
    with voicemode.sync.open_conversation(**Hosted().parts) as conversation:
        print(conversation.say("one.").spoken.heard, flush=True)

def anew_in_a_loop(guest=False):
    async def main():
        async with voicemode.aio.open_conversation(guest=guest, **Hosted().parts) as conversation:
            print((await conversation.say("one.")).spoken.heard, flush=True)

    asyncio.run(main())
"""

BELONGS = "SettingsError: This conversation belongs to the process that this one was forked from; open another here."


def run(script: str) -> list[str]:
    # newer Pythons say themselves what may come of a fork beside threads
    warnings = ("-W", "error::ResourceWarning", "-W", "ignore::DeprecationWarning")
    program = [sys.executable, *warnings, "-c", BEFORE + textwrap.dedent(script)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("work", ["anew", "anew_in_a_loop", "anew_in_a_loop, True"])
def test_a_child_opens_a_conversation_of_its_own(work: str) -> None:
    script = f"""
        with voicemode.sync.open_conversation(**Hosted().parts) as conversation:
            conversation.say("zero.")
            in_child({work})
            print(conversation.say("two.").spoken.heard, len(conversation.history))
    """
    assert run(script) == ["one.", "child 0", "two. 2"]


def test_a_child_of_one_that_has_closed_its_conversations_opens_another() -> None:
    assert run("anew()\nin_child(anew)") == ["one.", "one.", "child 0"]


def test_in_a_child_the_parents_conversation_is_refused_with_a_sentence() -> None:
    script = """
        with voicemode.sync.open_conversation(TEXT) as conversation:
            conversation.say("zero.")
            events = conversation.events()

            def use():
                refused(conversation.say, "one.")
                refused(conversation.status)
                refused(lambda: conversation.history)
                refused(next, events)

            in_child(use)
            print(conversation.say("two.").spoken.heard)
    """
    assert run(script) == [*[BELONGS] * 4, "child 0", "two."]


@pytest.mark.parametrize("guest", [False, True], ids=["thread", "guest"])
def test_in_a_child_of_a_loop_too(guest: bool) -> None:
    script = f"""
        async def main():
            async with voicemode.aio.open_conversation(TEXT, guest={guest}) as conversation:
                await conversation.say("zero.")

                def use():
                    refused(asyncio.run, conversation.say("one."))
                    refused(conversation.status)
                    anew()

                in_child(use)
                print((await conversation.say("two.")).spoken.heard)

        asyncio.run(main())
    """
    assert run(script) == [BELONGS, BELONGS, "one.", "child 0", "two."]


def test_a_child_of_a_guests_own_thread_has_its_guest_in_another() -> None:
    script = """
        async def main():
            async with voicemode.aio.open_conversation(TEXT, guest=True):

                def use():
                    refused(anew_in_a_loop, True)
                    thread = threading.Thread(target=anew_in_a_loop, args=(True,))
                    thread.start()
                    thread.join()

                in_child(use)

        asyncio.run(main())
    """
    told, *rest = run(script)
    assert told.startswith("RuntimeError: This process was forked by a thread that had the voice engine as its guest")
    assert rest == ["one.", "child 0"]


@pytest.mark.parametrize("ends", ["pass", "sys.exit(0)", "conversation = None"])
def test_a_child_that_leaves_the_parents_context_ends(ends: str) -> None:
    script = f"""
        with voicemode.sync.open_conversation(TEXT) as conversation:
            sys.stdout.flush()
            child = os.fork()
            if not child:
                {ends}
            else:
                os.waitpid(child, 0)
                print(conversation.say("two.").spoken.heard)
    """
    assert run(script) == ["two."]


def test_a_child_that_an_agent_forks_and_that_goes_on_from_there_is_told() -> None:
    script = """
        def agent(transcript, history):
            child[0] = os.fork()
            if child[0]:
                os.waitpid(child[0], 0)
            yield "one."

        child = [0]
        with voicemode.sync.open_conversation(TEXT) as conversation:
            try:
                print(conversation.say(agent).spoken.heard, flush=True)
            except RuntimeError as error:
                print(error, flush=True)
    """
    assert run(script) == [BELONGS.partition(": ")[2], "one."]


def test_threads_that_computed_in_the_parent_are_as_soon_as_before_in_the_child() -> None:
    script = """
        before = sys.getswitchinterval()
        with voicemode.sync.open_conversation(TEXT):
            in_child(lambda: print(sys.getswitchinterval() == before, flush=True))
    """
    assert run(script) == ["True", "child 0"]


def test_an_engine_that_a_thread_was_using_is_free_in_the_child() -> None:
    script = """
        import trio
        from voicemode.speech.exclusive import Exclusive

        engine, held, over = Exclusive(), threading.Event(), threading.Event()

        def use(then):
            with engine.hold():
                then()

        def elsewhere():
            async def main():
                await trio.to_thread.run_sync(use, lambda: (held.set(), over.wait()))
            trio.run(main)

        def child():
            async def main():
                await trio.to_thread.run_sync(use, lambda: print("used", flush=True))
            trio.run(main)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        held.wait()
        in_child(child)
        over.set()
        thread.join()
    """
    assert run(script) == ["used", "child 0"]


def test_sound_cards_that_the_parent_uses_are_refused_in_the_child() -> None:
    script = """
        import trio
        from voicemode.audio.portaudio import query_devices

        def look():
            try:
                print(type(trio.run(query_devices)).__name__, flush=True)
            except voicemode.DeviceError as error:
                print(error, flush=True)

        look()
        in_child(look)
        look()
    """
    ours, theirs, *rest = run(script)
    if ours == "tuple":  # PortAudio is here
        assert theirs.startswith("PortAudio was in use when this process was forked")
    assert rest == ["child 0", ours]
