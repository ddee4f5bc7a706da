"""A server whose settings cannot be: it starts, and says in every answer what is wrong with them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from actors.errors import SettingsError
from tests.mcp.rude import Served, served
from voicemode.mcp.terms import Terms

NAMES = ("converse", "control", "service")


async def tools_of(at: Served) -> list[str]:
    listed = await at.answer(await at.request("tools/list"))
    return [tool["name"] for tool in listed["result"]["tools"]]


async def refused(at: Served, name: str) -> str:
    result = (await at.answer(await at.call(name)))["result"]
    assert result["isError"]
    said: str = result["content"][0]["text"]
    return said


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOICEMODE_METRICS_LEVEL", "full"),
        ("VOICEMODE_STT_COMPRESS", "false"),
        ("VOICEMODE_BASE_DIR", "$HOME/.voicemode"),
        ("VOICEMODE_TOOLS_DISABLED", "converse,control,transcribe,service,voices"),
    ],
)
async def test_every_tool_says_what_is_wrong_until_the_server_starts_anew(
    tmp_path: Path, name: str, value: str
) -> None:
    async with served(tmp_path, **{name: value}) as at:
        await at.shake_hands()
        assert "converse" in await tools_of(at)
        for tool in ("converse", "service"):
            said = await refused(at, tool)
            assert name in said
            assert said.endswith("restart it when they are right.")
        voices = await at.answer(await at.request("resources/read", uri="voice://voices"))
        assert name in voices["error"]["message"]
        assert "result" in await at.answer(await at.request("resources/read", uri="voice://config/all"))


@pytest.mark.realtime
async def test_a_key_that_others_can_read_is_told_and_not_used(tmp_path: Path) -> None:
    file = tmp_path / ".voicemode" / "voicemode.env"
    file.parent.mkdir()
    file.write_text("OPENAI_API_KEY=sk-abcdef\n")
    file.chmod(0o644)
    async with served(tmp_path) as at:
        await at.shake_hands()
        said = await refused(at, "service")
    assert "chmod 600" in said
    assert "sk-abcdef" not in said


@pytest.mark.realtime
async def test_tools_of_another_program_stand_in_nobodys_way(tmp_path: Path) -> None:
    async with served(tmp_path, VOICEMODE_TOOLS_ENABLED="converse,service,conch") as at:
        await at.shake_hands()
        assert await tools_of(at) == ["converse", "service"]
        assert not (await at.answer(await at.call("service")))["result"].get("isError")


def test_names_of_no_tool_are_warned_of_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        terms = Terms(enabled=("converse", "conch"), disabled=("dj",)).among(NAMES)
    assert [name for name in NAMES if terms.offers(name)] == ["converse"]
    assert caplog.messages == ["There is no tool called conch, dj; there is converse, control, service."]


def test_a_list_of_nothing_that_there_is_means_all() -> None:
    terms = Terms(enabled=("conch",)).among(NAMES)
    assert all(terms.offers(name) for name in NAMES)


def test_that_no_tool_is_left_is_wrong() -> None:
    with pytest.raises(SettingsError, match="No tool is left"):
        Terms(disabled=NAMES).check(NAMES)
