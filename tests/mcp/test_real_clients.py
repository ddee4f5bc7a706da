"""Clients that others have written find the tools, call them and read what there is, at the real process.

The Inspector is the reference client of the protocol's TypeScript SDK; Claude Code talks here with a model whose
answers are written beforehand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import psutil
import pytest
import trio

from tests.mcp.real_clients import CLAUDE, INSTALLED, MISSING, PATIENCE, ROOT, SERVER, Home
from tests.mcp.scripted_model import ScriptedModel
from tests.scripted_server import listening
from tests.turn_taking import STORY
from voicemode.mcp.server import INSTRUCTIONS
from voicemode.mcp.tools import NAMES

pytestmark = pytest.mark.realtime

ERAS = ("legacy", "modern")

SPEECH = ROOT / "tests" / "audio" / "lj001-0008.wav"
SAID = "has never been surpassed"


@pytest.fixture
def home(tmp_path: Path, require: Callable[[object, str], None]) -> Home:
    require(INSTALLED.exists(), MISSING)
    home = Home(tmp_path / "home")
    home.path.mkdir()
    return home


@pytest.mark.parametrize("era", ERAS)
async def test_the_inspector_finds_tools_that_every_client_can_use(home: Home, era: str) -> None:
    home.settle()
    listed = await home.inspector("tools/list", "--strict", "--protocol-era", era)
    assert listed.code == 0, listed
    assert [tool["name"] for tool in listed.json["tools"]] == list(NAMES)


@pytest.mark.parametrize("era", ERAS)
async def test_the_inspector_calls_converse(home: Home, era: str) -> None:
    home.settle(VOICEMODE_MIC=f"file:{SPEECH}")
    arguments = json.dumps({"message": "Well?", "choices": [SAID, "nobody knows"]})
    call = ("--tool-name", "converse", "--tool-args-json", arguments)
    called = await home.inspector("tools/call", *call, "--protocol-era", era)
    assert called.code == 0, called
    answer = called.json["structuredContent"]
    assert (answer["outcome"], answer["transcript"]) == ("heard", SAID)
    assert called.json["content"] == [{"type": "text", "text": f"Voice response: {SAID}"}]


async def test_the_inspector_is_told_what_is_wrong_with_a_call(home: Home) -> None:
    home.settle()
    arguments = json.dumps({"message": "Well?", "speed": 9})
    called = await home.inspector("tools/call", "--tool-name", "converse", "--tool-args-json", arguments)
    assert (called.code, called.json["isError"]) == (5, True), called
    assert "speed" in called.json["content"][0]["text"]


async def test_the_inspector_reads_every_resource_and_prompt(home: Home) -> None:
    home.settle()
    listed = await home.inspector("resources/list")
    assert [each["uri"] for each in listed.json["resources"]][:2] == ["voicemode://docs/quickstart", "voice://voices"]
    read = await home.inspector("resources/read", "--uri", "voice://config/all")
    [content] = read.json["contents"]
    assert json.loads(content["text"])["VOICEMODE_MIC"]["value"] == "null:"
    prompts = await home.inspector("prompts/list")
    assert [each["name"] for each in prompts.json["prompts"]] == ["converse", "setup"]
    got = await home.inspector("prompts/get", "--prompt-name", "converse")
    assert got.json["messages"][0]["content"]["text"].startswith("Talk with the user")


async def test_many_calls_at_once_are_all_answered(home: Home) -> None:
    home.settle()
    load = ("--load", "--load-requests", "200", "--load-concurrency", "20", "--format", "json")
    loaded = await home.inspector("tools/call", "--tool-name", "control", *load)
    assert loaded.code == 0, loaded
    assert loaded.json["result"]["ok"] == 200


async def test_what_was_left_empty_in_the_bundle_is_as_it_is_set_elsewhere(home: Home) -> None:
    home.settle()
    left = ("VOICEMODE_MIC=", "VOICEMODE_TTS=", "VOICEMODE_VOICE=${user_config.voice}", "OPENAI_API_KEY=")
    bundled = (
        "env",
        f"PYTHONPATH={ROOT}",
        *left,
        sys.executable,
        ROOT / "clients" / "claude-desktop" / "src" / "server.py",
    )
    read = await home.inspector("resources/read", "--uri", "voice://config/all", server=bundled)
    assert read.code == 0, read
    values = json.loads(read.json["contents"][0]["text"])
    assert [values[f"VOICEMODE_{name}"]["value"] for name in ("MIC", "TTS")] == ["null:", "espeak-ng"]


async def added(home: Home) -> str:
    """Returns how Claude Code calls the server."""
    done = await home.claude("mcp", "add", "voicemode", "--", *SERVER)
    assert done.code == 0, done
    return "voicemode"


async def installed(home: Home) -> str:
    """The plugin, from this checkout."""
    for arguments in (("marketplace", "add", ROOT), ("install", "voicemode@voicemode")):
        done = await home.claude("plugin", *arguments)
        assert done.code == 0, done
    return "plugin:voicemode:voicemode"


Way: TypeAlias = Callable[[Home], Awaitable[str]]


@pytest.mark.parametrize("way", [added, installed])
async def test_claude_code_connects(home: Home, way: Way) -> None:
    home.settle()
    name = await way(home)
    [line] = [line for line in (await home.claude("mcp", "list")).out.splitlines() if line.startswith(f"{name}: ")]
    assert line.endswith("✔ Connected")


@pytest.mark.parametrize("way", [added, installed])
async def test_claude_code_speaks_and_hears_the_answer(home: Home, way: Way) -> None:
    home.settle(VOICEMODE_MIC=f"file:{SPEECH}")
    prefix = tools_of(await way(home))
    turns: list[tuple[str, dict[str, Any]]] = [
        (f"{prefix}converse", {"message": "Well?", "choices": [SAID, "nobody knows"]}),
        (f"{prefix}converse", {"message": "Good.", "wait_for_response": False}),
    ]
    async with listening(ScriptedModel(calls=turns, goodbye="We have talked.")) as model:
        home.talk_with(model.url)
        talked = await home.claude("-p", "Let us talk.", "--allowedTools", f"{prefix}converse")
    assert (talked.code, talked.out.strip()) == (0, "We have talked."), talked
    assert {f"{prefix}{name}" for name in NAMES} <= model.offered
    assert INSTRUCTIONS in model.told
    assert ("voicemode:voicemode" in model.told) == (way is installed)
    heard, said = map(json.loads, model.results)
    assert (heard["outcome"], heard["transcript"]) == ("heard", SAID)
    assert said["outcome"] == "said"


async def test_a_server_whose_claude_code_is_killed_in_a_call_ends_and_leaves_the_floor(home: Home) -> None:
    home.settle()
    converse = f"{tools_of(await added(home))}converse"
    floor = home.path / ".voicemode" / "conch"
    async with listening(ScriptedModel(calls=[(converse, {"message": STORY * 9})])) as model:
        home.talk_with(model.url)
        async with home.running(CLAUDE, "-p", "Let us talk.", "--allowedTools", converse) as process:
            with trio.fail_after(PATIENCE):
                while not floor.exists():  # noqa: ASYNC110 - a file tells nobody
                    await trio.sleep(0.02)
            clients, servers = [psutil.Process(process.pid)], []
            for child in clients[0].children(recursive=True):
                (servers if "voicemode" in child.cmdline() else clients).append(child)
            assert servers
            for client in clients:
                client.kill()
            _, left = await trio.to_thread.run_sync(psutil.wait_procs, servers, 20)
            assert not left
    assert not floor.exists()


def tools_of(name: str) -> str:
    return f"mcp__{name.replace(':', '_')}__"
