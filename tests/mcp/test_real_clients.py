"""Clients that others have written find the tools, call them and read what there is, at the real process.

The Inspector is the reference client of the protocol's TypeScript SDK; Claude Code talks here with a model whose
answers are written beforehand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mcp.real_clients import INSTALLED, MISSING, ROOT, SERVER, Home
from tests.mcp.scripted_model import ScriptedModel
from tests.scripted_server import listening
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


async def test_claude_code_connects(home: Home) -> None:
    home.settle()
    added = await home.claude("mcp", "add", "voicemode", "--", *SERVER)
    assert added.code == 0, added
    listed = await home.claude("mcp", "list")
    assert "✔ Connected" in listed.out, listed


async def test_claude_code_installs_the_plugin_of_this_checkout_and_connects(home: Home) -> None:
    home.settle()
    for arguments in (("marketplace", "add", ROOT), ("install", "voicemode@voicemode")):
        done = await home.claude("plugin", *arguments)
        assert done.code == 0, done
    listed = await home.claude("mcp", "list")
    assert "plugin:voicemode:voicemode: voicemode mcp - ✔ Connected" in listed.out, listed
    details = await home.claude("plugin", "details", "voicemode")
    assert "Skills (1)" in details.out, details


async def test_claude_code_speaks_and_hears_the_answer(home: Home) -> None:
    home.settle(VOICEMODE_MIC=f"file:{SPEECH}")
    await home.claude("mcp", "add", "voicemode", "--", *SERVER)
    converse = "mcp__voicemode__converse"
    turns = [
        (converse, {"message": "Well?", "choices": [SAID, "nobody knows"]}),
        (converse, {"message": "Good.", "wait_for_response": False}),
    ]
    async with listening(ScriptedModel(calls=turns, goodbye="We have talked.")) as model:
        home.environment |= {
            "ANTHROPIC_BASE_URL": model.url.removesuffix("/v1"),
            "ANTHROPIC_API_KEY": "none",
            "ENABLE_TOOL_SEARCH": "false",
        }
        talked = await home.claude("-p", "Let us talk.", "--allowedTools", converse)
    assert (talked.code, talked.out.strip()) == (0, "We have talked."), talked
    assert {f"mcp__voicemode__{name}" for name in NAMES} <= model.offered
    heard, said = map(json.loads, model.results)
    assert (heard["outcome"], heard["transcript"]) == ("heard", SAID)
    assert said["outcome"] == "said"
