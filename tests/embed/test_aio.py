"""A conversation in an asyncio loop: the engine in its thread, or as the loop's guest; both do the same."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import voicemode.aio
from actors.errors import ProviderUnavailable, SettingsError, VoiceError
from actors.events import Muted, TurnEnded, TurnStarted
from tests.embed.hosting import GREETING, TEXT, Hosted, TalkingMicrophone, engines_at_work, until
from tests.fakes import FakeEars, FakeVoice, said
from voicemode import Message
from voicemode.aio import Conversation
from voicemode.audio.store import DirectoryStore

History = Sequence[Message]


@pytest.fixture(params=[False, True], ids=["thread", "guest"])
def guest(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def hold(work: Callable[[Conversation], Awaitable[Any]], *, guest: bool, **parts: Any) -> Any:
    """What ``work`` returns, in a conversation in a loop of its own; in text without ``parts``."""

    async def main() -> Any:
        async with voicemode.aio.open_conversation(guest=guest, **(parts or {"settings": TEXT})) as conversation:
            return await work(conversation)

    return asyncio.run(main())


async def talk_once(conversation: Conversation, agent: Any, answer: str = "cats") -> list[tuple[str, str]]:
    """One answer typed, and what the talk came to."""
    started = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(conversation.talk(agent, started=started.set))
        await started.wait()
        conversation.answer(answer)
        conversation.finish()
    return [(message.role, message.text) for message in conversation.history]


class Agents:
    """One that says the same in each way there is to say it, and in which thread it did."""

    def __init__(self) -> None:
        self.threads: set[threading.Thread] = set()

    async def coroutine(self, transcript: str, history: History) -> str:
        self.threads.add(threading.current_thread())
        await asyncio.sleep(0)
        return f"You said {transcript}."

    async def stream(self, transcript: str, history: History) -> AsyncIterator[str]:
        self.threads.add(threading.current_thread())
        yield "You said "
        await asyncio.sleep(0)
        yield f"{transcript}."

    def function(self, transcript: str, history: History) -> str:
        self.threads.add(threading.current_thread())
        return f"You said {transcript}."

    def generator(self, transcript: str, history: History) -> Iterator[str]:
        self.threads.add(threading.current_thread())
        yield "You said "
        yield f"{transcript}."

    async def a_stream_in_time(self, transcript: str, history: History) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        return self.stream(transcript, history)


def test_a_turn_is_spoken_and_heard(guest: bool) -> None:
    hosted = Hosted(microphone=TalkingMicrophone(said(0.3), after=0.4), stt=FakeEars("hello"))
    result = hold(lambda conversation: conversation.converse("one."), guest=guest, **hosted.parts)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("heard", "hello", "one.")


@pytest.mark.parametrize("shape", ["coroutine", "stream", "function", "generator", "a_stream_in_time"])
def test_an_agent_of_any_shape_runs_in_the_loop_of_its_host(shape: str, guest: bool) -> None:
    agents = Agents()
    told = hold(lambda conversation: talk_once(conversation, getattr(agents, shape)), guest=guest)
    assert told == [("user", "cats"), ("assistant", "You said cats.")]
    assert agents.threads == {threading.current_thread()}


@pytest.mark.parametrize("kind", ["text", "async stream", "stream"])
def test_what_is_said_may_be_a_text_or_a_stream(kind: str, guest: bool) -> None:
    async def words() -> AsyncIterator[str]:
        yield "one "
        yield "two."

    speech: Any = {"text": "one two.", "async stream": words(), "stream": (each for each in ("one ", "two."))}[kind]
    assert hold(lambda conversation: conversation.say(speech), guest=guest).spoken.heard == "one two."


def test_what_cannot_be_said_is_refused(guest: bool) -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match="not int"):
        hold(lambda conversation: conversation.say(wrong), guest=guest)


@pytest.mark.parametrize("wrong", [None, "hello", b"yes"])
def test_a_talk_without_an_agent_is_refused_at_once(guest: bool, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"held with an agent.*not with {type(wrong).__name__}"):
        hold(lambda conversation: conversation.talk(wrong), guest=guest)


def test_bytes_are_no_words(guest: bool) -> None:
    wrong: Any = b"yes"
    with pytest.raises(TypeError, match="agent, not bytes"):
        hold(lambda conversation: conversation.say(wrong), guest=guest)
    with pytest.raises(TypeError, match="of text, not bytes"):
        hold(lambda conversation: conversation.say(lambda _transcript, _history: wrong), guest=guest)


@pytest.mark.parametrize("way", ["itself", "a task it waits for", "a thread it waits for"])
def test_an_agent_that_asks_its_own_conversation_is_told_so(guest: bool, way: str) -> None:
    async def work(conversation: Conversation) -> tuple[bool, str]:
        async def agent(transcript: str, history: History) -> AsyncIterator[str]:
            yield "Let me ask. "
            asking = conversation.converse("Which table?")
            if way == "itself":
                await asking
            elif way == "a task it waits for":
                await asyncio.gather(asking)
            else:
                await asyncio.to_thread(asyncio.run, asking)

        # a guest is not to be asked by another thread at all
        elsewhere = guest and way == "a thread it waits for"
        with pytest.raises(RuntimeError, match="its loop's guest" if elsewhere else "would wait for the agent"):
            await conversation.say(agent)
        result = await conversation.say("And on.")
        return result.spoken.complete, result.spoken.heard

    assert hold(work, guest=guest) == (True, "And on.")


def test_a_task_that_an_agent_leaves_behind_can_ask_when_the_answer_is_over(guest: bool) -> None:
    async def work(conversation: Conversation) -> str:
        answered, tasks = asyncio.Event(), list[asyncio.Task[str]]()

        async def remind() -> str:
            await answered.wait()
            return (await conversation.say("One minute is over.")).spoken.heard

        async def agent(transcript: str, history: History) -> str:
            tasks.append(asyncio.create_task(remind()))
            return "Yes."

        await conversation.say(agent)
        answered.set()
        return await tasks[0]

    assert hold(work, guest=guest) == "One minute is over."


def test_an_agent_sees_the_context_of_whoever_asked(guest: bool) -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")

    async def agent(transcript: str, history: History) -> str:
        return f"I am with {who.get()}."

    async def work(conversation: Conversation) -> list[str]:
        async def ask(name: str) -> str:
            who.set(name)
            return (await conversation.say(agent)).spoken.heard

        return await asyncio.gather(ask("Ann"), ask("Bob"))

    assert hold(work, guest=guest) == ["I am with Ann.", "I am with Bob."]


def test_an_agents_own_error_comes_out_as_it_is(guest: bool) -> None:
    errors = [LookupError("no such book"), ProviderUnavailable("shop", "The shop is shut.")]

    async def agent(transcript: str, history: History) -> AsyncIterator[str]:
        yield "Let me see. "
        raise errors[0]

    for error in tuple(errors):
        with pytest.raises(type(error)) as raised:
            hold(lambda conversation: conversation.say(agent), guest=guest)
        assert raised.value is error
        assert "agent" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
        errors.pop(0)


def test_a_failed_turn_says_where_the_recording_is(guest: bool, tmp_path: Path) -> None:
    hosted = Hosted(
        microphone=TalkingMicrophone(said(0.3), after=0.1),
        stt=FakeEars(error=ProviderUnavailable("ears", "Deaf.")),
        store=DirectoryStore(tmp_path, keep=False),
    )
    with pytest.raises(VoiceError, match="What was said is kept in") as raised:
        hold(lambda conversation: conversation.listen(), guest=guest, **hosted.parts)
    assert raised.value.recording is not None
    assert raised.value.recording.exists()


def test_an_error_of_the_opening_comes_out_as_it_is(guest: bool) -> None:
    with pytest.raises(SettingsError, match="uses no device"):
        hold(lambda conversation: conversation.say(""), guest=guest, settings=TEXT, tts=FakeVoice())
    assert engines_at_work() == []


@pytest.mark.parametrize("by", ["cancel", "timeout"])
def test_when_the_cancellation_comes_out_it_is_silent_and_the_microphone_closed(by: str, guest: bool) -> None:
    hosted = Hosted()

    async def work(conversation: Conversation) -> bool:
        task = asyncio.create_task(conversation.say(GREETING, interruptible=True))
        await until(lambda: hosted.speaker.playing.is_set() and hosted.microphone.is_open)
        if by == "cancel":
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await task
        return hosted.quiet and conversation.status().state == "idle"

    assert hold(work, guest=guest, **hosted.parts)


def test_a_cancelled_turn_leaves_the_next_one_as_it_was(guest: bool) -> None:
    async def forever(transcript: str, history: History) -> AsyncIterator[str]:
        yield "Well. "
        await asyncio.Event().wait()

    async def work(conversation: Conversation) -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await conversation.say(forever)
        return (await conversation.say("again.")).spoken.heard

    assert hold(work, guest=guest) == "again."


def test_who_is_cancelled_waits_until_the_agent_has_cleaned_up(guest: bool) -> None:
    done: list[str] = []

    async def agent(transcript: str, history: History) -> AsyncIterator[str]:
        try:
            yield "Well. "
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            done.append("cleaned up")

    async def work(conversation: Conversation) -> list[str]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await conversation.say(agent)
        return list(done)

    assert hold(work, guest=guest) == ["cleaned up"]


@pytest.mark.parametrize("waits", [True, False])
def test_speaking_over_it_closes_the_agent_in_its_own_loop(waits: bool, guest: bool) -> None:
    ended: list[tuple[str, threading.Thread]] = []
    hosted = Hosted(microphone=TalkingMicrophone(said(0.5), after=0.3), stt=FakeEars("stop"))

    async def agent(transcript: str, history: History) -> AsyncIterator[str]:
        try:
            while True:
                yield "and so on and on. "
                if waits:
                    await asyncio.Event().wait()
        except BaseException as error:
            asyncio.get_running_loop()
            ended.append((type(error).__name__, threading.current_thread()))
            raise

    result = hold(lambda conversation: conversation.converse(agent), guest=guest, **hosted.parts)
    assert (result.outcome, result.transcript) == ("interrupted", "stop")
    assert ended == [("CancelledError" if waits else "GeneratorExit", threading.current_thread())]


def test_a_turn_can_be_stopped_by_another_task(guest: bool) -> None:
    async def work(conversation: Conversation) -> Any:
        async with asyncio.TaskGroup() as tasks:
            turn = tasks.create_task(conversation.listen())
            await until(lambda: conversation.status().state == "listening")
            conversation.stop()
        return turn.result()

    assert hold(work, guest=guest).outcome == "stopped"


def test_an_agent_that_is_far_ahead_waits(guest: bool) -> None:
    given = 0

    async def agent(transcript: str, history: History) -> AsyncIterator[str]:
        nonlocal given
        while True:
            given += 1
            yield "on and on. "

    async def work(conversation: Conversation) -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await conversation.say(agent)
        return given

    assert 64 <= hold(work, guest=guest, **Hosted().parts) <= 90


def test_what_goes_wrong_with_the_agent_is_told_and_the_talk_goes_on(guest: bool) -> None:
    told: list[VoiceError] = []
    error = ProviderUnavailable("shop", "The shop is shut.")

    async def agent(transcript: str, history: History) -> str:
        if transcript == "shop":
            raise error
        return "Yes."

    async def work(conversation: Conversation) -> None:
        started, failed = asyncio.Event(), asyncio.Event()

        def on_error(error: VoiceError) -> None:
            told.append(error)
            failed.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(conversation.talk(agent, started=started.set, on_error=on_error))
            await started.wait()
            conversation.answer("shop")
            await failed.wait()
            conversation.stop()

    hold(work, guest=guest)
    assert told == [error]


def test_what_an_error_handler_raises_ends_the_talk(guest: bool) -> None:
    async def agent(transcript: str, history: History) -> str:
        raise ProviderUnavailable("shop", "The shop is shut.")

    def on_error(error: VoiceError) -> None:
        raise LookupError("what now?")

    async def work(conversation: Conversation) -> None:
        await conversation.talk(agent, on_error=on_error, started=lambda: conversation.answer("shop"))

    with pytest.raises(LookupError, match="what now"):
        hold(work, guest=guest)


def test_events_come_in_order_and_end_with_the_conversation(guest: bool) -> None:
    async def main() -> list[type[object]]:
        seen: list[type[object]] = []

        async def watch() -> None:
            async for event in events:
                seen.append(type(event))

        async with voicemode.aio.open_conversation(TEXT, guest=guest) as conversation:
            events = conversation.events()
            task = asyncio.create_task(watch())
            await conversation.say("one.")
        await task
        return seen

    seen = asyncio.run(main())
    assert seen[0] is TurnStarted
    assert seen[-1] is TurnEnded


def test_a_watcher_that_is_slow_loses_the_oldest_and_holds_nothing_up(guest: bool) -> None:
    async def work(conversation: Conversation) -> list[bool]:
        events = conversation.events()
        for count in range(4_100):
            conversation.mute(count % 2 == 0)
        conversation.pause()
        seen: list[bool] = []
        while len(seen) < 4_096:
            event = await anext(events)
            assert isinstance(event, Muted)
            seen.append(event.muted)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(events)
        conversation.mute(True)
        event = await anext(events)
        assert isinstance(event, Muted)
        return [event.muted]

    assert hold(work, guest=guest) == [True]


def test_after_the_end_what_was_said_is_known_and_nothing_else_can_be_done(guest: bool) -> None:
    async def main() -> Conversation:
        async with voicemode.aio.open_conversation(TEXT, guest=guest) as conversation:
            await conversation.say("one.")
        assert conversation.history == (Message(role="assistant", text="one."),)
        assert (conversation.settings, conversation.muted, conversation.id) == (TEXT, False, None)
        with pytest.raises(SettingsError, match="is closed"):
            await conversation.say("two.")
        with pytest.raises(SettingsError, match="is closed"):
            conversation.interrupt()
        return conversation

    assert asyncio.run(main()).status().state == "idle"


def test_a_turn_that_runs_when_the_conversation_is_left_is_told_so(guest: bool) -> None:
    async def main() -> None:
        async with voicemode.aio.open_conversation(TEXT, guest=guest) as conversation:
            task = asyncio.create_task(conversation.listen())
            await until(lambda: conversation.status().state == "listening")
        with pytest.raises(SettingsError, match="is closed"):
            await task

    asyncio.run(main())


def test_a_bug_in_a_port_comes_out_of_the_call_and_of_the_conversation(guest: bool) -> None:
    class Broken(TalkingMicrophone):
        def take(self, first: int, size: int, opened: float, rate: int) -> bytes:
            raise ZeroDivisionError("a bug")

    async def main() -> None:
        hosted = Hosted(microphone=Broken())
        with pytest.raises(ZeroDivisionError) as outer:
            async with voicemode.aio.open_conversation(guest=guest, **hosted.parts) as conversation:
                try:
                    await conversation.listen()
                except ZeroDivisionError as inner:
                    error = inner
                    raise
        assert outer.value is error

    asyncio.run(main())


def test_a_conversation_is_opened_once(guest: bool) -> None:
    async def main() -> None:
        opening = voicemode.aio.open_conversation(TEXT, guest=guest)
        async with opening:
            with pytest.raises(RuntimeError, match="opened already"):
                await opening.__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize("steps", range(4))
def test_an_opening_that_is_cancelled_leaves_nothing(steps: int, guest: bool) -> None:
    async def enter() -> None:
        async with voicemode.aio.open_conversation(guest=guest, **Hosted().parts):
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(enter())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert engines_at_work() == []


def test_conversations_of_a_process_share_a_thread() -> None:
    async def main() -> int:
        async with (
            voicemode.aio.open_conversation(TEXT) as one,
            voicemode.aio.open_conversation(TEXT) as two,
        ):
            await asyncio.gather(one.say("one."), two.say("two."))
            assert [each.history[0].text for each in (one, two)] == ["one.", "two."]
            return len(engines_at_work())

    assert asyncio.run(main()) == 1
    assert engines_at_work() == []


def test_conversations_of_a_loop_share_its_guest() -> None:
    async def main() -> None:
        async with voicemode.aio.open_conversation(TEXT, guest=True) as one:
            async with voicemode.aio.open_conversation(TEXT, guest=True) as two:
                await asyncio.gather(one.say("one."), two.say("two."))
            await one.say("three.")
        async with voicemode.aio.open_conversation(TEXT, guest=True) as three:
            await three.say("four.")

    asyncio.run(main())


def test_a_guest_belongs_to_the_thread_of_its_loop() -> None:
    async def work(conversation: Conversation) -> None:
        await asyncio.get_running_loop().run_in_executor(None, conversation.interrupt)

    with pytest.raises(RuntimeError, match="in the thread of that loop"):
        hold(work, guest=True)


def test_what_a_guest_is_asked_to_do_from_another_thread_is_refused_whatever_it_is() -> None:
    async def work(conversation: Conversation) -> None:
        events = conversation.events()

        async def following() -> None:
            await anext(events)

        for call in (lambda: conversation.say("one."), conversation.listen, following):
            with pytest.raises(RuntimeError, match="use it in the thread of that loop"):
                await asyncio.to_thread(lambda call=call: asyncio.run(call()))
        assert conversation.history == ()

    hold(work, guest=True)


def test_who_answers_too_early_is_told_of_asyncios_way(guest: bool) -> None:
    async def work(conversation: Conversation) -> None:
        with pytest.raises(SettingsError, match="has called what it was given as started=") as raised:
            conversation.answer("cats")
        assert "nursery" not in str(raised.value)

    hold(work, guest=guest)


def test_two_loops_in_two_threads_have_a_conversation_each_and_may_use_the_others() -> None:
    async def shared(conversation: Conversation) -> str:
        def other() -> str:
            return asyncio.run(say())

        async def say() -> str:
            return (await conversation.say("from elsewhere.")).spoken.heard

        return await asyncio.to_thread(other)

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(hold, lambda each: each.say("here."), guest=False) for _ in range(2)]
        assert [each.result().spoken.heard for each in both] == ["here.", "here."]
    assert hold(shared, guest=False) == "from elsewhere."


def test_one_that_is_forgotten_is_closed_with_a_warning() -> None:
    async def main() -> None:
        kept = [await voicemode.aio.open_conversation(TEXT).__aenter__()]
        with pytest.warns(ResourceWarning, match="unclosed .* open it in an async with statement"):
            kept.clear()
        for engine in engines_at_work():
            await asyncio.to_thread(engine.join, 5)

    asyncio.run(main())
    assert engines_at_work() == []


def test_a_call_from_the_engines_own_thread_is_refused() -> None:
    refused: list[RuntimeError] = []

    class Curious(FakeEars):
        conversation: Conversation | None = None

        async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Any:
            assert self.conversation is not None
            try:
                self.conversation.status()
            except RuntimeError as error:
                refused.append(error)
            return await super().transcribe(pcm, rate, phrases=phrases)

    ears = Curious()
    hosted = Hosted(microphone=TalkingMicrophone(said(0.3), after=0.1), stt=ears)

    async def work(conversation: Conversation) -> None:
        ears.conversation = conversation
        await conversation.listen()
        ears.conversation = None

    hold(work, guest=False, **hosted.parts)
    assert "own thread" in str(refused[0])


def test_a_loop_that_is_blocked_does_not_disturb_the_sound() -> None:
    hosted = Hosted(microphone=TalkingMicrophone(said(0.5), after=0.6), stt=FakeEars("stop"))

    async def work(conversation: Conversation) -> Any:
        task = asyncio.create_task(conversation.converse(GREETING))
        await until(hosted.speaker.playing.is_set)
        # nothing but this loop's own thread is blocked until the assistant has been interrupted
        blocked = threading.Event()
        while not hosted.speaker.stops:
            blocked.wait(0.01)
        return await task

    assert hold(work, guest=False, **hosted.parts).outcome == "interrupted"
    assert hosted.speaker.gaps() == []


def test_an_agent_whose_loop_is_blocked_does_not_keep_the_assistant_talking() -> None:
    hosted = Hosted(microphone=TalkingMicrophone(said(0.5), after=0.3), stt=FakeEars("stop"))

    async def agent(transcript: str, history: History) -> AsyncIterator[str]:
        yield GREETING
        blocked = threading.Event()
        while not hosted.speaker.stops:
            blocked.wait(0.01)

    assert hold(lambda conversation: conversation.converse(agent), guest=False, **hosted.parts).outcome == "interrupted"


def test_an_agent_that_has_not_begun_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicemode.aio.host.CLEAN_UP", 100)
    called: list[str] = []

    async def agent(transcript: str, history: History) -> str:
        called.append(transcript)
        return "Yes."

    async def work(conversation: Conversation) -> Any:
        task = asyncio.create_task(conversation.say(agent))
        await asyncio.sleep(0)
        # from here on the loop is blocked
        while conversation.status().state != "speaking":
            pass
        conversation.stop()
        while conversation.status().state == "speaking":
            pass
        for _ in range(20):  # steps of the engine, in which it gives the agent up
            conversation.status()
        async with asyncio.timeout(20):
            return await task

    assert hold(work, guest=False).outcome == "stopped"
    assert called == []


def test_an_agent_that_ends_as_cancelled_ends_its_turn_alone(guest: bool) -> None:
    async def agent(transcript: str, history: History) -> str:
        raise asyncio.CancelledError

    async def work(conversation: Conversation) -> str:
        with pytest.raises(asyncio.CancelledError):
            await conversation.say(agent)
        return (await conversation.say("again.")).spoken.heard

    assert hold(work, guest=guest) == "again."


class Clients:
    """A recogniser and a voice as somebody with asyncio clients would write them."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.closed = threading.Event()
        self.made = 0

    async def hear(self, pcm: bytes, rate: int, phrases: Sequence[str]) -> str:
        self.asked.append((len(pcm) > 0, rate, tuple(phrases)))
        await asyncio.sleep(0.001)
        return "hello"

    async def deaf(self, pcm: bytes, rate: int, phrases: Sequence[str]) -> str:
        raise ConnectionError("no route to host")

    async def speak(self, text: str, voice: str | None, speed: float | None) -> AsyncGenerator[bytes, None]:
        self.asked.append((text, voice, speed))
        try:
            for _ in range(10):
                self.made += 1
                # odd, as bytes from a network are
                yield b"\0\1" * 800 + b"\0"
                yield b"\1"
                await asyncio.sleep(0)
        finally:
            self.closed.set()

    async def endless(self, text: str, voice: str | None, speed: float | None) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.made += 1
                yield b"\0\1" * 1600
        finally:
            self.closed.set()

    async def hoarse(self, text: str, voice: str | None, speed: float | None) -> AsyncGenerator[bytes, None]:
        yield b"\0\1" * 160
        raise ConnectionError("no route to host")


def test_engines_of_asyncio_hear_and_speak(guest: bool) -> None:
    clients = Clients()
    hosted = Hosted(
        microphone=TalkingMicrophone(said(0.3), after=0.8),
        stt=voicemode.aio.speech_to_text("my ears", clients.hear),
        tts=voicemode.aio.text_to_speech("my voice", 16_000, clients.speak),
    )
    result = hold(
        lambda conversation: conversation.converse("one.", voice="nova", phrases=["hello"]), guest=guest, **hosted.parts
    )
    assert (result.outcome, result.transcript, result.spoken.complete) == ("heard", "hello", True)
    assert (result.engines.stt, result.engines.tts) == ("my ears", "my voice")
    assert clients.asked[0] == ("one.", "nova", None)
    assert clients.asked[-1] == (True, 16_000, ("hello",))
    assert sum(len(pcm) for _, pcm, _ in hosted.speaker.played) == 10 * 1602


def test_a_voice_of_asyncio_waits_for_the_speaker_and_is_closed_with_the_turn(guest: bool) -> None:
    clients = Clients()
    hosted = Hosted(tts=voicemode.aio.text_to_speech("my voice", 16_000, clients.endless))

    async def work(conversation: Conversation) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await conversation.say("one.")

    hold(work, guest=guest, **hosted.parts)
    assert clients.closed.is_set()
    assert clients.made < 120


def test_a_client_that_fails_is_an_engine_that_fails(guest: bool) -> None:
    clients = Clients()
    deaf = Hosted(
        microphone=TalkingMicrophone(said(0.3), after=0.1), stt=voicemode.aio.speech_to_text("my ears", clients.deaf)
    )
    with pytest.raises(ProviderUnavailable, match="my ears failed: no route to host"):
        hold(lambda conversation: conversation.listen(), guest=guest, **deaf.parts)
    hoarse = Hosted(tts=voicemode.aio.text_to_speech("my voice", 16_000, clients.hoarse))
    with pytest.raises(ProviderUnavailable, match="my voice failed: no route to host"):
        hold(lambda conversation: conversation.say("one."), guest=guest, **hoarse.parts)


@pytest.mark.parametrize("rate", [0, -1, 24_000.5, "x"])
def test_a_rate_that_cannot_be_is_refused(rate: Any) -> None:
    with pytest.raises(SettingsError, match=f"my voice is a whole number .* not {rate!r}"):
        voicemode.aio.text_to_speech("my voice", rate, Clients().speak)


def test_a_function_that_cannot_be_an_engine_is_refused() -> None:
    with pytest.raises(TypeError, match="my ears is made of speak, which yields"):
        voicemode.aio.speech_to_text("my ears", Clients().speak)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="my voice is made of hear, which returns and does not yield"):
        voicemode.aio.text_to_speech("my voice", 16_000, Clients().hear)  # type: ignore[arg-type]


async def none(*_: object) -> None:
    pass


async def texts(*_: object) -> AsyncIterator[str]:
    yield "hello"


@pytest.mark.parametrize(
    ("hear", "sentence"),
    [
        (lambda *_: "hello", "my ears gave a str at once, .* make it an async def"),
        (none, "my ears gave None, and what is due is the text"),
    ],
)
def test_what_is_no_transcript_is_no_outage(guest: bool, hear: Any, sentence: str) -> None:
    hosted = Hosted(
        microphone=TalkingMicrophone(said(0.3), after=0.1), stt=voicemode.aio.speech_to_text("my ears", hear)
    )
    with pytest.raises(TypeError, match=sentence):
        hold(lambda conversation: conversation.listen(), guest=guest, **hosted.parts)


@pytest.mark.parametrize(
    ("speak", "sentence"),
    [
        (texts, "my voice gave a str, and what is due is sound as bytes"),
        (lambda *_: [b""], "my voice gave a list, and what is due is a stream"),
    ],
)
def test_what_is_no_sound_is_no_outage(guest: bool, speak: Any, sentence: str) -> None:
    hosted = Hosted(tts=voicemode.aio.text_to_speech("my voice", 16_000, speak))
    with pytest.raises(TypeError, match=sentence):
        hold(lambda conversation: conversation.say("one."), guest=guest, **hosted.parts)


async def test_an_engine_of_asyncio_needs_a_host() -> None:
    with pytest.raises(RuntimeError, match=r"give it to voicemode\.aio"):
        await voicemode.aio.speech_to_text("my ears", Clients().hear).transcribe(b"", 16_000)
