"""Users are announced anew when they change, and only then: real files, real processes, the system's own notices."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio

from actors.errors import VoiceError
from actors.link_messages import AgentUser
from tests.connect.subscribers import Subscribe, elsewhere as elsewhere, users as users
from voicemode.connect import watch
from voicemode.connect.presence import subscribe
from voicemode.connect.users import Users
from voicemode.connect.watch import watch_users

PATIENCE = 20.0
"""Seconds on a busy machine; nothing is measured here."""

NEVER = 3600.0
"""Seconds between looks where files alone are to tell of a change."""

Told = trio.MemoryReceiveChannel[tuple[AgentUser, ...]]


@asynccontextmanager
async def watching(users: Users, **options: Any) -> AsyncGenerator[Told]:
    send, told = trio.open_memory_channel[tuple[AgentUser, ...]](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(watch_users, send, users=users, **options))
        with told:
            yield told
            nursery.cancel_scope.cancel()


async def until(told: Told, *expected: tuple[str, str]) -> tuple[AgentUser, ...]:
    """The names and presences of all are these at last."""
    with trio.fail_after(PATIENCE):
        while True:
            seen = await told.receive()
            if [(user.name, user.presence) for user in seen] == [*expected]:
                return seen


async def change(what: Callable[[], object]) -> Any:
    return await trio.to_thread.run_sync(what)


async def test_all_users_are_told_at_once_and_again_when_one_comes_changes_or_goes(users: Users) -> None:
    async with watching(users) as told:
        await until(told)
        await change(lambda: users.add("cora", "Cora 7", host="desk"))
        [cora] = await until(told, ("cora", "online"))
        assert cora == AgentUser(name="cora", host="desk", display_name="Cora 7", presence="online")
        await change(lambda: users.add("bob"))
        await until(told, ("bob", "online"), ("cora", "online"))
        meta = users.directory / "cora" / "meta.json"
        await change(lambda: meta.write_text(meta.read_text().replace("Cora 7", "Cora 8")))
        _, cora = await until(told, ("bob", "online"), ("cora", "online"))
        assert cora.display_name == "Cora 8"
        held = await change(lambda: subscribe(users, "cora", "crew"))
        await until(told, ("bob", "online"), ("cora", "available"))
        await change(held.release)
        await until(told, ("bob", "online"), ("cora", "online"))
        await change(lambda: users.remove("bob"))
        await until(told, ("cora", "online"))


async def test_a_change_of_files_is_told_without_waiting_for_the_next_look(users: Users) -> None:
    await change(lambda: users.add("cora"))
    async with watching(users, every=NEVER) as told:
        await until(told, ("cora", "online"))
        held = await change(lambda: subscribe(users, "cora", "crew"))
        await until(told, ("cora", "available"))
        await change(held.release)
        await until(told, ("cora", "online"))


async def test_the_death_of_a_subscriber_changes_no_file_and_is_told_all_the_same(
    users: Users, elsewhere: Subscribe
) -> None:
    await change(lambda: users.add("cora"))
    process = await change(lambda: elsewhere("cora"))
    assert await change(process.says) == "subscribed"
    async with watching(users, every=0.2) as told:
        await until(told, ("cora", "available"))
        await change(process.kill)
        await until(told, ("cora", "online"))


async def test_what_makes_no_difference_is_not_told(users: Users) -> None:
    await change(lambda: users.add("cora"))
    async with watching(users, every=0.05) as told:
        await until(told, ("cora", "online"))
        inbox = users.directory / "cora" / "inbox"
        for number in range(5):
            await change(lambda: inbox.write_text("{}\n" * number))  # noqa: B023 - it has run when the loop goes on
            await change(lambda: users.seen("cora"))
        await change(lambda: users.add("dora"))
        with trio.fail_after(PATIENCE):
            assert [user.name for user in await told.receive()] == ["cora", "dora"]


async def test_who_is_slow_to_take_it_gets_the_last_state(users: Users) -> None:
    async with watching(users, every=0.05) as told:
        await until(told)
        for name in ("ada", "bob", "cora"):
            await change(partial(users.add, name))
        seen = [await told.receive()]
        while len(seen[-1]) < 3:
            seen.append(await told.receive())
        assert [user.name for user in seen[-1]] == ["ada", "bob", "cora"]


async def test_only_those_that_are_to_be_announced_are_told(users: Users, caplog: pytest.LogCaptureFixture) -> None:
    await change(lambda: users.add("ada"))
    await change(lambda: users.add("cora"))
    with caplog.at_level(logging.WARNING):
        async with watching(users, only=("cora", "eva"), every=0.05) as told:
            await until(told, ("cora", "online"))
            await change(lambda: users.add("bob"))
            await change(lambda: users.add("eva"))
            await until(told, ("cora", "online"), ("eva", "online"))
    assert caplog.messages == ["VOICEMODE_CONNECT_USERS has eva, and there is no such user."]


async def test_a_broken_file_is_told_once_and_stops_nobody(users: Users, caplog: pytest.LogCaptureFixture) -> None:
    await change(lambda: users.add("bob"))
    await change(lambda: users.add("cora", "Cora 7"))
    with caplog.at_level(logging.WARNING):
        async with watching(users, every=0.05) as told:
            await until(told, ("bob", "online"), ("cora", "online"))
            await change(lambda: (users.directory / "cora" / "meta.json").write_text("{"))
            _, cora = await until(told, ("bob", "online"), ("cora", "online"))
            assert cora.display_name == "cora"
            await change(lambda: users.remove("bob"))
            await until(told, ("cora", "online"))
    [said] = caplog.messages
    assert "is no JSON object" in said


async def test_a_directory_that_is_removed_is_made_and_watched_again(users: Users) -> None:
    await change(lambda: users.add("cora"))
    async with watching(users, every=1.0) as told:
        await until(told, ("cora", "online"))
        await change(lambda: shutil.rmtree(users.directory))
        await until(told)
        await change(lambda: users.add("bob"))
        await until(told, ("bob", "online"))


async def test_where_the_system_tells_of_no_changes_the_users_are_looked_at_all_the_same(
    users: Users, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def watches(*_: Any, **__: Any) -> Iterator[Any]:
        yield set()
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(watch, "watch", watches)
    with caplog.at_level(logging.INFO):
        async with watching(users, every=0.05) as told:
            await until(told)
            await change(lambda: users.add("cora"))
            await until(told, ("cora", "online"))
            await change(lambda: users.add("dora"))
            await until(told, ("cora", "online"), ("dora", "online"))
    assert [message for message in caplog.messages if "cannot be watched" in message] == [
        "The users are looked at every 0.05 s, as they cannot be watched: [Errno 24] Too many open files"
    ]


async def test_a_directory_that_cannot_be_made_is_an_error(users: Users) -> None:
    users.directory.parent.parent.mkdir()
    users.directory.parent.write_text("")
    with pytest.RaisesGroup(pytest.RaisesExc(VoiceError, match="The users in")):
        async with watching(users):
            await trio.sleep(PATIENCE)
