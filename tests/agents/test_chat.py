"""A chat endpoint as an agent, over a real socket: what it is asked, what comes of its answers and of its failures."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
import trio

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import Message
from tests.scripted_server import Reply, ScriptedServer, hang, hang_up, refusal, whole
from voicemode.agents.chat import ChatAgent, key_from

from .chat_server import DONE, said, serving, streamed

KEY = "sk-a-secret-key"
MODELS = whole(b'{"object": "list", "data": [{"id": "first-model"}, {"id": "second"}]}')
HISTORY = (Message(role="assistant", text="Hello."), Message(role="user", text="Hi."))


@asynccontextmanager
async def chatting(*replies: Reply, **options: Any) -> AsyncGenerator[tuple[ChatAgent, ScriptedServer]]:
    async with serving(*replies) as server, ChatAgent(server.url, **{"model": "m", **options}) as agent:
        yield agent, server


async def answer_of(agent: ChatAgent, transcript: str = "How are you?") -> list[str]:
    async with aclosing(agent(transcript, ())) as words:
        return [text async for text in words]


async def test_it_asks_with_what_was_said_and_heard_before() -> None:
    async with chatting(streamed(said("Fine."), DONE), key=KEY, system="Be brief.") as (agent, server):
        words = agent("How are you?", HISTORY)
        assert [text async for text in words] == ["Fine."]
    (request,) = server.asked
    line, headers, asked = request.line, request.headers, request.json
    assert line == "POST /v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert asked == {
        "model": "m",
        "stream": True,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "Hi. How are you?"},
        ],
    }


async def test_without_a_model_it_takes_the_first_there_is_and_without_a_key_it_sends_none() -> None:
    async with chatting(MODELS, streamed(said("Fine."), DONE), model=None) as (agent, server):
        assert agent.model == "first-model"
        assert await answer_of(agent) == ["Fine."]
    assert [asked.line for asked in server.asked] == ["GET /v1/models", "POST /v1/chat/completions"]
    assert all("authorization" not in asked.headers for asked in server.asked)
    assert server.connections == 1


async def test_a_text_is_there_before_the_next_is_written() -> None:
    taken = trio.Event()

    async def before(index: int) -> None:
        if index == 1:
            await taken.wait()

    async with chatting(streamed(said("One. "), said("Two."), DONE, before=before)) as (agent, _):
        words = agent("Count.", ())
        assert await anext(words) == "One. "
        taken.set()
        assert [text async for text in words] == ["Two."]


async def test_events_may_be_cut_anywhere() -> None:
    body = said("Gr\u00fc\u00dfe. ") + said("Bye.") + DONE
    async with chatting(streamed(*(body[index : index + 1] for index in range(len(body))))) as (agent, _):
        assert "".join(await answer_of(agent)) == "Gr\u00fc\u00dfe. Bye."


async def test_the_connection_is_kept_for_the_next_question() -> None:
    async with chatting(*[streamed(said("Yes."), DONE)] * 3) as (agent, server):
        for _ in range(3):
            assert await answer_of(agent) == ["Yes."]
    assert server.connections == 1


async def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    async with chatting(streamed(said("Yes."), DONE), hang_up, streamed(said("No."), DONE)) as (agent, server):
        assert await answer_of(agent) == ["Yes."]
        assert await answer_of(agent) == ["No."]
    assert server.connections == 2


async def test_a_whole_completion_is_an_answer_too() -> None:
    body = json.dumps({"choices": [{"message": {"content": "Fine."}, "finish_reason": "stop"}]}).encode()
    async with chatting(whole(body)) as (agent, _):
        assert await answer_of(agent) == ["Fine."]


async def test_who_stops_listening_closes_the_connection_at_once() -> None:
    async def before(index: int) -> None:
        if index == 1:
            await trio.sleep_forever()

    reply = streamed(said("One. "), said("Two."), before=before)
    async with chatting(reply, streamed(said("Yes."), DONE)) as (agent, server):
        words = agent("Count.", ())
        assert await anext(words) == "One. "
        await words.aclose()
        await server.left.wait()
        assert await answer_of(agent) == ["Yes."]


async def test_a_cancelled_answer_closes_the_connection_at_once() -> None:
    async with chatting(hang) as (agent, server):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer_of, agent)
            await server.was_asked.wait()
            nursery.cancel_scope.cancel()
        await server.left.wait()


async def for_ever(_: int) -> None:
    await trio.sleep_forever()


FAILURES: dict[str, tuple[Reply, type[ProviderError], str, bool]] = {
    "a wrong key": (refusal("401 Unauthorized", f"Wrong key {KEY[:6]}"), ProviderRefused, "does not accept", False),
    "no such model": (refusal("404 Not Found", "model m not found"), ProviderRefused, "model m not found", False),
    "a bad request": (refusal("400 Bad Request", f"too long {KEY}"), ProviderRefused, "too long", False),
    "too much to do": (refusal("429 Too Many Requests", "slow down"), ProviderUnavailable, "slow down", True),
    "a crash": (whole(b"<html>", status="500 Internal Server Error"), ProviderUnavailable, r"failed \(500\)\.", True),
    "a page": (whole(b"<html></html>", kind="text/html"), ProviderUnavailable, "no chat completion", False),
    "a moved page": (whole(b"", status="307 Temporary Redirect"), ProviderRefused, "307", False),
    "an answer that is cut": (streamed(said("One. "), ends=False), ProviderUnavailable, "broke off", True),
    "an answer without an end": (streamed(said("One. ")), ProviderUnavailable, "broke off", True),
    "an error on the way": (streamed(b'data: {"error": {"message": "oom"}}\n\n'), ProviderUnavailable, "oom", True),
    "nobody there": (hang_up, ProviderUnavailable, "cannot be reached", True),
    "silence": (hang, ProviderUnavailable, "said nothing for 0.05 s", True),
    "silence after the head": (streamed(said("x"), before=for_ever), ProviderUnavailable, "0.05", True),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_what_goes_wrong_is_one_sentence_without_secrets(name: str) -> None:
    reply, kind, reason, retryable = FAILURES[name]
    async with chatting(reply, reply, key=KEY, first_byte=0.05) as (agent, server):
        with pytest.raises(kind, match=reason) as raised:
            await answer_of(agent)
        assert raised.value.retryable is retryable
        assert server.url in str(raised.value)
        assert KEY not in str(raised.value)
        assert KEY[:6] not in str(raised.value)


async def test_silence_in_the_middle_is_not_waited_out() -> None:
    async def before(index: int) -> None:
        if index == 1:
            await trio.sleep_forever()

    async with chatting(streamed(said("One. "), said("Two."), before=before), between=0.05) as (agent, server):
        async with aclosing(agent("Count.", ())) as words:
            assert await anext(words) == "One. "
            with pytest.raises(ProviderUnavailable, match="said nothing"):
                await anext(words)
        await server.left.wait()


async def test_a_server_that_is_not_there_is_told_at_the_door() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://me:hidden@127.0.0.1:{reserved.getsockname()[1]}/v1"
        with pytest.raises(ProviderUnavailable, match="cannot be reached") as raised:
            async with ChatAgent(url):
                pass
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("models", [b'{"data": []}', b"[]", b"no"])
async def test_an_endpoint_without_models_wants_one_named(models: bytes) -> None:
    with pytest.raises(ProviderRefused, match="Name one"):
        async with chatting(whole(models), model=None):
            pass


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://a/v1", "http://", "http://[::", ""])
def test_what_is_no_address_of_an_endpoint_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="http://localhost:8080/v1"):
        ChatAgent(url)


def test_the_whole_address_that_is_asked_is_taken_too() -> None:
    assert ChatAgent("http://a/v1/chat/completions").name == ChatAgent("http://a/v1/").name == "http://a/v1"


def test_a_key_that_cannot_be_one_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        ChatAgent("http://a/v1", key="sk-\n-x")
    assert "sk-" not in str(raised.value)


def test_the_key_comes_from_the_environment() -> None:
    here, openai = "http://localhost:8080/v1", "https://api.openai.com/v1"
    both = {"OPENAI_API_KEY": "b\n", "VOICEMODE_LLM_KEY": "a"}
    assert key_from({}, openai) is None
    assert key_from(both, here) == key_from(both, openai) == "a"
    assert key_from({"OPENAI_API_KEY": "b\n", "VOICEMODE_LLM_KEY": ""}, openai) == "b"
    for other in (here, "http://api.openai.com/v1", "https://api.openai.com.example.org/v1"):
        assert key_from({"OPENAI_API_KEY": "b"}, other) is None
