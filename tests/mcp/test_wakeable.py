"""``register_wakeable``: messages reach an agent's team as long as its server lives; real files, real servers."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from mcp.client import Client
from mcp_types import CallToolResult

from tests.mcp.calling import words
from tests.mcp.rude import Served, served
from voicemode import Settings
from voicemode.config import read_configuration
from voicemode.connect.presence import presence_of, subscribe, target_of
from voicemode.connect.users import Users
from voicemode.mcp import tools
from voicemode.mcp.server import server_of
from voicemode.mcp.service import ServiceArguments, service
from voicemode.mcp.wakeable import Wakeable, wakeable

ENABLED = {"VOICEMODE_CONNECT_ENABLED": "true", "VOICEMODE_CONNECT_HOST": "desk"}


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Users:
    """As the server sees them; there are the teams crew and troop."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    for team in ("crew", "troop"):
        (tmp_path / ".claude" / "teams" / team / "inboxes").mkdir(parents=True)
    return Users(tmp_path / ".voicemode")


class Agent:
    def __init__(self, client: Client, registered: Wakeable, settings: Settings) -> None:
        self.client, self._registered, self._settings = client, registered, settings

    async def registers(self, **arguments: Any) -> CallToolResult:
        result = await self.client.call_tool("register_wakeable", arguments)
        assert isinstance(result, CallToolResult)
        return result

    async def refused(self, **arguments: Any) -> str:
        result = await self.registers(**arguments)
        assert result.is_error
        return words(result)

    async def status(self) -> str:
        return await self._registered.status()


@asynccontextmanager
async def agent(users: Users, **environment: str) -> AsyncGenerator[Agent]:
    configuration = read_configuration(environment={**ENABLED, **environment}, directory=None, home=None)
    settings = Settings(base_dir=users.directory.parent.parent)
    async with wakeable(configuration, settings) as registered:
        server = server_of([tools.registering(registered)], [], wish=registered.wish)
        async with Client(server) as client:
            yield Agent(client, registered, settings)


async def test_who_registers_is_made_a_user_and_woken_until_the_server_ends(users: Users) -> None:
    async with agent(users) as at:
        result = await at.registers(team_name="crew", agent_name="Cora 7", agent_platform="codex")
        assert words(result) == (
            "Messages for cora-7 (shown as Cora 7) will arrive in the inbox of team crew as long as this session "
            "lives. They come while voicemode connect up runs, which the user starts."
        )
        inbox = users.teams / "crew" / "inboxes" / "team-lead.json"
        assert result.structured_content == {
            "user": "cora-7",
            "display_name": "Cora 7",
            "team": "crew",
            "inbox": str(inbox),
        }
        assert target_of(users, "cora-7") == inbox
    user = users.get("cora-7")
    assert (user.display_name, user.host, user.platform) == ("Cora 7", "desk", "codex")
    assert presence_of(users, "cora-7") == "online"


async def test_what_is_configured_need_not_be_said(users: Users) -> None:
    async with agent(users, VOICEMODE_AGENT_NAME="Cora 7", VOICEMODE_AGENT_PLATFORM="codex") as at:
        assert not (await at.registers(team_name="crew")).is_error
        assert presence_of(users, "cora-7") == "available"
        assert users.get("cora-7").platform == "codex"
        await at.registers(team_name="crew", agent_name="bob", agent_platform="claude-code")
        assert (presence_of(users, "cora-7"), presence_of(users, "bob")) == ("online", "available")
        assert users.get("bob").platform == "claude-code"


async def test_who_has_no_name_is_told_how_to_get_one(users: Users) -> None:
    async with agent(users) as at:
        said = await at.refused(team_name="crew")
    assert "agent_name" in said
    assert "voicemode config set VOICEMODE_AGENT_NAME" in said
    assert users.listed() == ()


async def test_whoever_is_there_already_is_meant_by_name_or_by_what_is_shown(users: Users) -> None:
    users.add("cora", "Cora 7")
    async with agent(users) as at:
        for name in ("cora", "Cora 7", "Cora"):
            result = await at.registers(team_name="crew", agent_name=name)
            assert result.structured_content is not None
            assert result.structured_content["user"] == "cora"
    assert [user.name for user in users.listed()] == ["cora"]


async def test_a_second_call_moves_the_subscription(users: Users) -> None:
    async with agent(users, VOICEMODE_AGENT_NAME="cora") as at:
        await at.registers(team_name="crew")
        await at.registers(team_name="troop")
        assert target_of(users, "cora") == users.teams / "troop" / "inboxes" / "team-lead.json"
        await at.registers(team_name="troop")
        assert presence_of(users, "cora") == "available"


@pytest.mark.parametrize("team", ["band", "../crew", ""])
async def test_a_team_that_is_not_there_is_refused_and_what_was_registered_stays(users: Users, team: str) -> None:
    async with agent(users, VOICEMODE_AGENT_NAME="cora") as at:
        said = await at.refused(team_name=team)
        assert "there is crew, troop. Create the team first" in said or "cannot be the name of a team" in said
        assert users.listed() == ()
        await at.registers(team_name="crew")
        await at.refused(team_name=team)
        assert target_of(users, "cora") == users.teams / "crew" / "inboxes" / "team-lead.json"


async def test_another_sessions_name_is_refused_with_who_has_it(users: Users) -> None:
    users.add("cora")
    held = await trio.to_thread.run_sync(lambda: subscribe(users, "cora", "troop"))
    async with agent(users) as at:
        said = await at.refused(team_name="crew", agent_name="cora")
    assert f"cora can be woken already, by process {os.getpid()}" in said
    assert held.is_current()
    held.release()


async def test_how_it_stands_is_told(users: Users) -> None:
    async with agent(users, VOICEMODE_AGENT_NAME="cora") as at:
        assert await at.status() == "cora: not woken by messages; register_wakeable changes that"
        await at.registers(team_name="crew")
        assert await at.status() == "cora: woken by messages in the inbox of team crew"
        gone = users.teams / "crew"
        gone.rename(users.teams / "gone")
        assert await at.status() == "cora: not woken by messages, the team crew is gone; register_wakeable anew"
        (users.teams / "gone").rename(gone)
        other = await trio.to_thread.run_sync(lambda: subscribe(users, "cora", "troop", replace=True))
        assert await at.status() == "cora: another session is woken by messages now"
        answer = await service(Settings(tts="espeak-ng", look_around=False), ServiceArguments(), at._registered)
        assert answer.in_words().endswith("\ncora: another session is woken by messages now")
        other.release()


async def test_an_agent_that_is_to_be_wakeable_by_itself_is_told_what_to_do(
    users: Users, caplog: pytest.LogCaptureFixture
) -> None:
    async with agent(users, VOICEMODE_AUTO_WAKEABLE="true", VOICEMODE_AGENT_NAME="cora") as at:
        assert (at.client.instructions or "").endswith("Once you have a team, register_wakeable.")
    assert users.listed() == ()
    with caplog.at_level(logging.WARNING):
        async with agent(users, VOICEMODE_AUTO_WAKEABLE="true") as at:
            assert "register_wakeable" not in (at.client.instructions or "")
    assert caplog.messages == ["VOICEMODE_AUTO_WAKEABLE has no effect without VOICEMODE_AGENT_NAME."]


async def listed(at: Served) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await at.answer(await at.request("tools/list")))["result"]["tools"]
    return found


@pytest.mark.realtime
async def test_nobody_can_be_woken_where_connect_is_off(users: Users, tmp_path: Path) -> None:
    async with served(tmp_path, VOICEMODE_AGENT_NAME="cora", VOICEMODE_AUTO_WAKEABLE="true") as at:
        await at.shake_hands()
        assert [tool["name"] for tool in await listed(at)] == list(tools.NAMES)
        refused = await at.answer(await at.call("register_wakeable", team_name="crew"))
    assert "There is no tool register_wakeable" in refused["error"]["message"]
    assert not users.directory.exists()


@pytest.mark.realtime
@pytest.mark.parametrize("end", ["hangs up", "is killed"])
async def test_a_server_that_ends_however_it_ends_wakes_nobody(users: Users, tmp_path: Path, end: str) -> None:
    async with served(tmp_path, VOICEMODE_AGENT_NAME="cora", **ENABLED) as at:
        await at.shake_hands()
        there = await listed(at)
        assert [tool["name"] for tool in there] == [*tools.NAMES, *tools.REACHED]
        assert all(len(json.dumps(tool, separators=(",", ":"))) <= 600 for tool in there[-2:])
        answer = await at.answer(await at.call("register_wakeable", team_name="crew"))
        assert not answer["result"].get("isError"), answer
        assert presence_of(users, "cora") == "available"
        if end == "is killed":
            at.process.kill()
        else:
            await at.hang_up()
        await at.ends()
        assert presence_of(users, "cora") == "online"
        assert sorted(path.name for path in (users.directory / "cora").iterdir()) == ["meta.json"]
