"""A conversation in plain code: calls that return when they are done, agents in the thread that asked."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trio

import voicemode.sync
from actors.errors import ProviderUnavailable, SettingsError, VoiceError
from actors.events import StateChanged, TurnEnded, TurnStarted
from tests.embed.hosting import GREETING, TEXT, Hosted, TalkingMicrophone, engines_at_work
from tests.fakes import FakeEars, said
from voicemode import Message
from voicemode.sync import Conversation

History = Sequence[Message]


def hold(work: Callable[[Conversation], Any], **parts: Any) -> Any:
    """What ``work`` returns in a conversation; in text without ``parts``."""
    with voicemode.sync.open_conversation(**(parts or {"settings": TEXT})) as conversation:
        return work(conversation)


def talk_once(conversation: Conversation, agent: Any) -> list[tuple[str, str]]:
    def begun() -> None:
        conversation.answer("cats")
        conversation.finish()

    conversation.talk(agent, started=begun)
    return [(message.role, message.text) for message in conversation.history]


def test_a_turn_is_spoken_and_heard() -> None:
    hosted = Hosted(microphone=TalkingMicrophone(said(0.3), after=0.4), stt=FakeEars("hello"))
    result = hold(lambda conversation: conversation.converse("one."), **hosted.parts)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("heard", "hello", "one.")
    assert engines_at_work() == []


def test_an_agent_of_either_shape_runs_in_the_thread_that_asked() -> None:
    threads: set[threading.Thread] = set()

    def function(transcript: str, history: History) -> str:
        threads.add(threading.current_thread())
        return f"You said {transcript}."

    def generator(transcript: str, history: History) -> Iterator[str]:
        threads.add(threading.current_thread())
        yield "You said "
        yield f"{transcript}."

    told = [("user", "cats"), ("assistant", "You said cats.")]
    assert hold(lambda conversation: talk_once(conversation, function)) == told
    assert hold(lambda conversation: talk_once(conversation, generator)) == told
    assert threads == {threading.current_thread()}


def test_what_is_said_may_be_a_stream() -> None:
    said = hold(lambda conversation: conversation.say(each for each in ("one ", "two.")))
    assert said.spoken.heard == "one two."


@pytest.mark.parametrize("wrong", [3, lambda _transcript, _history: 3])
def test_what_cannot_be_said_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="not int"):
        hold(lambda conversation: conversation.say(wrong))


@pytest.mark.parametrize("wrong", [None, "hello", b"yes"])
def test_a_talk_without_an_agent_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"held with an agent.*not with {type(wrong).__name__}"):
        hold(lambda conversation: conversation.talk(wrong))


@pytest.mark.parametrize("wrong", [b"yes", lambda _transcript, _history: b"yes"])
def test_bytes_are_no_words(wrong: Any) -> None:
    with pytest.raises(TypeError, match="not bytes"):
        hold(lambda conversation: conversation.say(wrong))


def test_an_agent_that_asks_its_own_conversation_is_told_so() -> None:
    def work(conversation: Conversation) -> str:
        def agent(transcript: str, history: History) -> Iterator[str]:
            yield "Let me ask. "
            yield conversation.converse("Which table?").transcript

        with pytest.raises(RuntimeError, match="would wait for the agent"):
            conversation.say(agent)
        return conversation.say("And on.").spoken.heard

    assert hold(work) == "And on."


def test_a_coroutine_is_sent_to_asyncio() -> None:
    async def agent(transcript: str, history: History) -> str:
        return "Yes."

    wrong: Any = agent
    with pytest.raises(TypeError, match=r"use voicemode\.aio"):
        hold(lambda conversation: conversation.say(wrong))


def test_an_agent_sees_the_context_of_whoever_asked() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")

    def work(conversation: Conversation) -> str:
        who.set("Ann")
        spoken: str = conversation.say(lambda _transcript, _history: f"I am with {who.get()}.").spoken.heard
        return spoken

    assert contextvars.copy_context().run(hold, work) == "I am with Ann."


def test_an_agents_own_error_comes_out_as_it_is() -> None:
    error = LookupError("no such book")

    def agent(transcript: str, history: History) -> Iterator[str]:
        yield "Let me see. "
        raise error

    with pytest.raises(LookupError) as raised:
        hold(lambda conversation: conversation.say(agent))
    assert raised.value is error


def test_what_goes_wrong_with_the_agent_is_told_in_this_thread() -> None:
    told: list[tuple[VoiceError, threading.Thread]] = []
    error = ProviderUnavailable("shop", "The shop is shut.")

    def agent(transcript: str, history: History) -> str:
        raise error

    def work(conversation: Conversation) -> None:
        def on_error(error: VoiceError) -> None:
            told.append((error, threading.current_thread()))
            conversation.stop()

        conversation.talk(agent, on_error=on_error, started=lambda: conversation.answer("shop"))

    hold(work)
    assert told == [(error, threading.current_thread())]


def test_speaking_over_it_closes_the_generator_in_its_own_thread() -> None:
    ended: list[threading.Thread] = []
    hosted = Hosted(microphone=TalkingMicrophone(said(0.5), after=0.3), stt=FakeEars("stop"))

    def agent(transcript: str, history: History) -> Iterator[str]:
        try:
            while True:
                yield "and so on and on. "
        finally:
            ended.append(threading.current_thread())

    result = hold(lambda conversation: conversation.converse(agent), **hosted.parts)
    assert (result.outcome, result.transcript) == ("interrupted", "stop")
    assert ended == [threading.current_thread()]


def test_an_agent_that_blocks_does_not_keep_the_assistant_talking() -> None:
    hosted = Hosted(microphone=TalkingMicrophone(said(0.5), after=0.3), stt=FakeEars("stop"))

    def agent(transcript: str, history: History) -> Iterator[str]:
        yield GREETING
        blocked = threading.Event()
        while not hosted.speaker.stops:
            blocked.wait(0.01)

    assert hold(lambda conversation: conversation.converse(agent), **hosted.parts).outcome == "interrupted"
    assert hosted.speaker.gaps() == []


def test_an_interrupted_call_ends_its_turn_before_the_interruption_comes_out() -> None:
    hosted = Hosted()

    def agent(transcript: str, history: History) -> Iterator[str]:
        yield GREETING + " "
        while not (hosted.speaker.playing.is_set() and hosted.microphone.is_open):
            time.sleep(0.001)
        raise KeyboardInterrupt

    def work(conversation: Conversation) -> bool:
        with pytest.raises(KeyboardInterrupt):
            conversation.converse(agent)
        return hosted.quiet and conversation.status().state == "idle"

    assert hold(work, **hosted.parts)


def test_a_turn_can_be_stopped_from_another_thread() -> None:
    def work(conversation: Conversation) -> Any:
        def press() -> None:
            for event in events:
                if isinstance(event, StateChanged) and event.state == "listening":
                    conversation.stop()
                    return

        events = conversation.events()
        with ThreadPoolExecutor(1) as threads:
            threads.submit(press)
            return conversation.listen()

    assert hold(work).outcome == "stopped"


def test_turns_of_several_threads_are_taken_one_after_the_other() -> None:
    def work(conversation: Conversation) -> list[str]:
        with ThreadPoolExecutor(4) as threads:
            said = threads.map(lambda number: conversation.say(f"number {number}.").spoken.heard, range(4))
            assert list(said) == [f"number {number}." for number in range(4)]
        return sorted(message.text for message in conversation.history)

    assert hold(work) == [f"number {number}." for number in range(4)]


def test_events_end_with_the_conversation() -> None:
    with voicemode.sync.open_conversation(TEXT) as conversation:
        events = conversation.events()
        conversation.say("one.")
    seen = [type(event) for event in events]
    assert (seen[0], seen[-1]) == (TurnStarted, TurnEnded)


def test_after_the_end_what_was_said_is_known_and_nothing_else_can_be_done() -> None:
    with voicemode.sync.open_conversation(TEXT) as conversation:
        conversation.say("one.")
    assert conversation.history == (Message(role="assistant", text="one."),)
    for work in (conversation.interrupt, conversation.listen, conversation.events):
        with pytest.raises(SettingsError, match="is closed"):
            work()


def test_one_that_is_forgotten_is_closed_with_a_warning() -> None:
    kept = [voicemode.sync.open_conversation(TEXT).__enter__()]
    with pytest.warns(ResourceWarning, match="unclosed .* open it in a with statement"):
        kept.clear()
    for engine in engines_at_work():
        engine.join(5)
    assert engines_at_work() == []


def test_a_conversation_is_opened_once() -> None:
    opening = voicemode.sync.open_conversation(TEXT)
    with opening, pytest.raises(RuntimeError, match="opened already"):
        opening.__enter__()


def test_who_answers_too_early_is_told_when_a_talk_can_be_answered() -> None:
    with pytest.raises(SettingsError, match="has called what it was given as started="):
        hold(lambda conversation: conversation.answer("cats"))


def test_in_the_thread_of_a_loop_it_is_said_once_that_the_loop_is_blocked() -> None:
    def work(conversation: Conversation) -> None:
        conversation.say("one.")
        conversation.say("two.")

    async def in_a_loop() -> None:
        hold(work)

    with pytest.warns(RuntimeWarning, match="the asyncio loop .* use voicemode.aio there") as told:
        asyncio.run(in_a_loop())
    assert [Path(each.filename).name for each in told] == ["test_sync.py"]
    with pytest.warns(RuntimeWarning, match="the Trio loop .* use voicemode.open_conversation there") as told:
        trio.run(in_a_loop)
    assert len(told) == 1


def test_in_another_thread_than_the_loops_nothing_is_said() -> None:
    async def main() -> str:
        return str((await asyncio.to_thread(hold, lambda conversation: conversation.say("one."))).outcome)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(main()) == "said"


def test_nobody_imports_asyncio_to_look_for_its_loops() -> None:
    program = (
        "import sys, voicemode, voicemode.sync\n"
        "with voicemode.sync.open_conversation(voicemode.Settings(text=True)) as conversation:\n"
        "    print(conversation.say('one.').outcome, 'asyncio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "said False\n"


def test_code_in_the_engines_own_thread_cannot_wait_for_a_turn() -> None:
    refused: list[str] = []

    class Curious(FakeEars):
        conversation: Conversation | None = None

        async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Any:
            assert self.conversation is not None
            for call in (lambda: hold(lambda each: each.say("one.")), self.conversation.listen):
                with pytest.raises(RuntimeError) as raised:
                    call()
                refused.append(str(raised.value))
            return await super().transcribe(pcm, rate, phrases=phrases)

    ears = Curious()

    def work(conversation: Conversation) -> None:
        ears.conversation = conversation
        conversation.listen()
        ears.conversation = None

    hold(work, **Hosted(microphone=TalkingMicrophone(said(0.3), after=0.1), stt=ears).parts)
    assert ["own thread" in each for each in refused] == [True, True]
    assert engines_at_work() == []
