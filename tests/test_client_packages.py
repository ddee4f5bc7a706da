"""What clients of MCP are given fits this version of the package, its tools and its settings, and their own formats."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.mcp.real_clients import CLAUDE, INSTALLED, MCPB, MISSING, PINS, ROOT, Home
from voicemode.config import read_configuration
from voicemode.mcp import prompts, tools
from voicemode.mcp.answers import ConverseAnswer
from voicemode.mcp.arguments import ConverseArguments, schema_of
from voicemode.mcp.control import ControlArguments
from voicemode.mcp.transcribe import TranscribeArguments

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLUGIN = ROOT / "clients" / "claude-code"
BUNDLE = ROOT / "clients" / "claude-desktop"
SKILL = PLUGIN / "skills" / "voicemode" / "SKILL.md"

OTHERS = (ControlArguments, TranscribeArguments)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


MANIFEST, SERVER = read(BUNDLE / "manifest.json"), read(ROOT / "clients" / "server.json")
INSTALLS = tomllib.loads((BUNDLE / "pyproject.toml").read_text())


@pytest.fixture
def home(tmp_path: Path, require: Callable[[object, str], None]) -> Home:
    require(INSTALLED.exists(), MISSING)
    home = Home(tmp_path / "home")
    home.project.mkdir(parents=True)
    return home


def test_every_package_has_the_version_of_this_one() -> None:
    [package], [installed] = SERVER["packages"], INSTALLS["project"]["dependencies"]
    versions = {
        "plugin": read(PLUGIN / ".claude-plugin" / "plugin.json")["version"],
        "bundle": MANIFEST["version"],
        "bundle's project": INSTALLS["project"]["version"],
        "bundle's server": str(Requirement(installed).specifier).removeprefix("=="),
        "bundle's wheel": INSTALLS["tool"]["uv"]["sources"]["voicemode"]["path"].split("-")[1],
        "registry": SERVER["version"],
        "registry's package": package["version"],
    }
    assert set(versions.values()) == {PROJECT["version"]}, versions


def test_every_package_asks_for_extras_and_a_python_that_there_are() -> None:
    [package], [installed] = SERVER["packages"], INSTALLS["project"]["dependencies"]
    [extras] = [argument["value"] for argument in package["runtimeArguments"] if argument["name"] == "--with"]
    for wanted in (installed, extras):
        assert Requirement(wanted).name == package["identifier"] == PROJECT["name"]
        assert "mcp" in Requirement(wanted).extras <= set(PROJECT["optional-dependencies"])
    pythons = {INSTALLS["project"]["requires-python"], MANIFEST["compatibility"]["runtimes"]["python"]}
    assert pythons == {PROJECT["requires-python"]}


def test_every_setting_that_a_package_asks_for_is_one() -> None:
    known = read_configuration(environment={}, directory=None, home=None).values
    [package] = SERVER["packages"]
    assert {each["name"] for each in package["environmentVariables"]} <= set(known)
    filled_in = MANIFEST["server"]["mcp_config"]["env"]
    assert set(filled_in) <= set(known)
    assert set(filled_in.values()) == {f"${{user_config.{name}}}" for name in MANIFEST["user_config"]}


def test_the_tools_that_a_package_names_are_those_of_the_server() -> None:
    assert tuple(tool["name"] for tool in MANIFEST["tools"]) == tools.NAMES
    assert prompts.PROMPTS
    assert MANIFEST["prompts_generated"]


def test_the_skill_speaks_of_nothing_that_is_not_there() -> None:
    """In backticks are tools, their arguments and values, and fields of answers."""
    skill = SKILL.read_text(encoding="utf-8")
    assert {"name: voicemode", "---"} <= set(skill.splitlines())
    there = json.dumps([tools.NAMES, *map(schema_of, (ConverseArguments, ConverseAnswer, *OTHERS))])
    for code in re.findall(r"`([^`]+)`", skill):
        if not code.startswith("voicemode "):
            for word in re.findall(r"[a-z]+_[a-z_]+|^[a-z]+$", code.partition(":")[0]):
                assert f'"{word}"' in there, word


def test_the_entry_of_the_registry_is_as_the_registry_wants_it() -> None:
    """The rules of its schema of 2025-12-11 that can be broken here."""
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", SERVER["name"])
    assert 0 < len(SERVER["description"]) <= 100
    [package] = SERVER["packages"]
    assert package["transport"] == {"type": "stdio"}
    assert all(type(value) is str for each in package["environmentVariables"] for value in (each.get("default", ""),))
    markers = re.findall(r"mcp-name: (\S+)", (ROOT / PROJECT["readme"]).read_text(encoding="utf-8"))
    assert set(markers) <= {SERVER["name"]}


def test_the_pinned_clients_have_hashes_and_no_address() -> None:
    lock, wanted = read(PINS / "package-lock.json"), read(PINS / "package.json")["dependencies"]
    assert all(re.fullmatch(r"[\d.]+", version) for version in wanted.values())
    for name, package in lock["packages"].items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version


async def test_claude_code_finds_nothing_wrong_with_the_plugin(home: Home) -> None:
    for path in (ROOT, PLUGIN):
        validated = await home.run(CLAUDE, "plugin", "validate", "--strict", path)
        assert validated.code == 0, validated


async def test_mcpb_finds_nothing_wrong_with_the_bundle_and_packs_it(home: Home, tmp_path: Path) -> None:
    validated = await home.run(MCPB, "validate", BUNDLE / "manifest.json")
    assert validated.code == 0, validated
    staged = shutil.copytree(BUNDLE, tmp_path / "staged")
    packed = await home.run(MCPB, "pack", staged, tmp_path / "voicemode.mcpb")
    assert packed.code == 0, packed
    unpacked = await home.run(MCPB, "unpack", tmp_path / "voicemode.mcpb", tmp_path / "unpacked")
    assert unpacked.code == 0, unpacked
    assert (tmp_path / "unpacked" / MANIFEST["server"]["entry_point"]).is_file()
