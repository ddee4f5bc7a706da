"""The server on a real socket: it does what the user's own processes ask, and nothing that anybody does harms it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import evolve

from actors.errors import SettingsError
from tests.control.conftest import STANDING, FakeConversation, client_at, serving
from voicemode.control.controllable import COMMANDS
from voicemode.control.protocol import LONGEST_LINE
from voicemode.control.server import LIFETIME, MOST_CONNECTIONS, keep_control
from voicemode.sockets import lines

BUTTONS = [command for command in COMMANDS if command != "status"]


@pytest.mark.parametrize("command", BUTTONS)
async def test_a_command_presses_its_button(conversation: FakeConversation, path: Path, command: str) -> None:
    async with serving(conversation, path), client_at(path) as client:
        answer = await client.ask(b'{"command": "%s", "request_id": 7}' % command.encode())
    assert answer == {"ok": True, "action": command, "request_id": 7}
    assert conversation.pressed == [command]


async def test_status_says_how_things_stand_and_nothing_of_what_is_said(
    conversation: FakeConversation, path: Path
) -> None:
    conversation.standing = evolve(STANDING, held=True, muted=True)
    async with serving(conversation, path), client_at(path) as client:
        answer = await client.ask(b'{"command": "status"}')
    assert answer == {
        "ok": True,
        "action": "status",
        "request_id": None,
        "state": "speaking",
        "held": True,
        "muted": True,
        "turn": 3,
        "recent": 2,
    }
    assert conversation.pressed == []


async def test_one_connection_takes_several_requests_and_answers_in_their_order(
    conversation: FakeConversation, path: Path
) -> None:
    async with serving(conversation, path), client_at(path) as client:
        await client.say(b'{"command":"pause","request_id":1}\n{"command":"dance"}\n{"command":"sta')
        await client.say(b'tus","request_id":"b"}\n{"command":"resume","request_id":3}')
        await client.stream.send_eof()
        answers = [await client.hear() for _ in range(4)]
    assert [(answer["ok"], answer["request_id"]) for answer in answers] == [
        (True, 1),
        (False, None),
        (True, "b"),
        (True, 3),
    ]
    assert answers[2]["held"]


async def test_who_leaves_at_once_is_obeyed_all_the_same(conversation: FakeConversation, path: Path) -> None:
    async with serving(conversation, path):
        async with client_at(path) as client:
            await client.say(b'{"command": "stop"}\n')
        async with client_at(path) as client:
            await client.ask(b'{"command": "status"}')
        await trio.testing.wait_all_tasks_blocked()
    assert conversation.pressed == ["stop"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (SettingsError("Nothing has been said yet."), "Nothing has been said yet."),
        (trio.WouldBlock(), "Too much is asked of the conversation at once; try again in a moment."),
    ],
    ids=["it says why not", "it has no room"],
)
async def test_what_cannot_be_done_is_told_and_the_conversation_goes_on(
    conversation: FakeConversation, path: Path, failure: Exception, said: str
) -> None:
    conversation.failure = failure
    async with serving(conversation, path), client_at(path) as client:
        answer = await client.ask(b'{"command": "repeat", "request_id": "r"}')
        assert answer == {"ok": False, "action": "repeat", "request_id": "r", "error": said}
        assert (await client.ask(b'{"command": "status"}'))["ok"]


async def test_garbage_is_refused_line_by_line(conversation: FakeConversation, path: Path) -> None:
    async with serving(conversation, path), client_at(path) as client:
        for line in (b"", b"GET / HTTP/1.1\r", os.urandom(64).replace(b"\n", b" "), b"\0" * 64):
            assert not (await client.ask(line))["ok"]
        assert (await client.ask(b'{"command": "status"}'))["ok"]
    assert conversation.pressed == []


async def test_a_line_without_an_end_is_refused_and_is_the_last(conversation: FakeConversation, path: Path) -> None:
    async with serving(conversation, path), client_at(path) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.say, b" " * 100 * LONGEST_LINE + b'\n{"command": "stop"}\n')
            answer = await client.hear()
        assert answer["error"] == "A request has at most 8192 bytes, and this one has more."
        await client.stream.send_eof()
        await client.is_left()
    assert conversation.pressed == []


async def test_a_line_that_is_just_short_enough_is_taken(conversation: FakeConversation, path: Path) -> None:
    async with serving(conversation, path), client_at(path) as client:
        request = b'{"command": "pause"}'
        assert (await client.ask(request.rjust(LONGEST_LINE)))["ok"]


async def test_half_a_line_is_waited_for_no_longer_than_a_connection_lasts(
    conversation: FakeConversation, path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with serving(conversation, path), client_at(path) as client:
        await client.ask(b'{"command": "status"}')
        await client.say(b'{"command": "stop"')
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(LIFETIME)
        await client.is_left()
    assert conversation.pressed == []


async def test_who_asks_for_ever_and_never_listens_is_left(
    conversation: FakeConversation, path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async def rave(data: bytes) -> None:
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await rude.say(data)

    async with serving(conversation, path), client_at(path) as rude, trio.open_nursery() as nursery:
        nursery.start_soon(rave, b'{"command": "status"}\n' * 100)
        await trio.testing.wait_all_tasks_blocked()
        async with client_at(path) as polite:
            assert (await polite.ask(b'{"command": "pause"}'))["ok"]
        mock_clock.jump(LIFETIME)


async def test_of_a_flood_of_connections_the_first_are_served_and_the_rest_are_told(
    conversation: FakeConversation, path: Path
) -> None:
    async with serving(conversation, path):
        async with AsyncExitStack() as stack:
            flood = [await stack.enter_async_context(client_at(path)) for _ in range(MOST_CONNECTIONS + 40)]
            for client in flood[:MOST_CONNECTIONS]:
                assert (await client.ask(b'{"command": "status"}'))["ok"]
            for client in flood[MOST_CONNECTIONS:]:
                assert (await client.hear())["error"] == "Too many ask at once; try again in a moment."
                await client.is_left()
        await trio.testing.wait_all_tasks_blocked()
        async with client_at(path) as client:
            assert (await client.ask(b'{"command": "status"}'))["ok"]


@pytest.mark.parametrize("user", [os.geteuid() + 1, None], ids=["somebody else", "nobody knows who"])
async def test_others_get_no_answer(
    conversation: FakeConversation, path: Path, monkeypatch: pytest.MonkeyPatch, user: int | None
) -> None:
    monkeypatch.setattr(lines, "user_of", lambda _: user)
    async with serving(conversation, path), client_at(path) as client:
        await client.say(b'{"command": "stop"}\n')
        await client.is_left()
    assert conversation.pressed == []


async def test_it_ends_at_once_whatever_its_clients_do(conversation: FakeConversation, path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with serving(conversation, path):
            clients = [await stack.enter_async_context(client_at(path)) for _ in range(3)]
            for client in clients:
                await client.ask(b'{"command": "status"}')
            await clients[0].say(b'{"command"')
            for _ in range(40):
                await clients[1].say(b'{"command": "status"}\n' * 10)
        for client in clients:
            await client.is_left()


async def test_a_failure_of_the_conversation_is_not_hidden_and_leaves_no_socket(
    conversation: FakeConversation, path: Path
) -> None:
    conversation.failure = ZeroDivisionError("a bug")
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with serving(conversation, path), client_at(path) as client:
            await client.say(b'{"command": "stop"}\n')
            await trio.sleep_forever()


async def test_a_second_conversation_goes_on_without_and_says_so(
    conversation: FakeConversation, path: Path, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    second = FakeConversation()

    def keep(nobody: FakeConversation) -> Callable[..., object]:
        async def kept(*, task_status: trio.TaskStatus[None]) -> None:
            await keep_control(nobody, path=path, longest_pause=300, after_pause="stop", task_status=task_status)

        return kept

    await nursery.start(keep(conversation))
    await nursery.start(keep(second))
    (warning,) = caplog.messages
    assert warning.startswith(
        f"Another conversation is controlled at {path} already; end that, or choose another place"
    )
    assert warning.endswith(" This conversation goes on without being controlled from outside.")
    async with client_at(path) as client:
        await client.ask(b'{"command": "pause"}')
    assert (conversation.pressed, second.pressed) == (["pause"], [])
    nursery.cancel_scope.cancel()
