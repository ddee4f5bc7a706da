"""The table is the one place: what the pages and the code name is in it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from voicemode.cli import commands
from voicemode.config.layers import FOREIGN
from voicemode.config.table import SETTINGS
from voicemode.config.upstream import why_unused

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OF_OTHERS = {"--help", "--version", "--no-deps", "--scope", "--strict", "--with"}
SOURCES = sorted((ROOT / "voicemode").rglob("*.py"))


def named(path: Path) -> set[str]:
    return set(re.findall(r"\bVOICEMODE_[A-Z0-9_]*[A-Z0-9]\b", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_settings_there_are(page: Path) -> None:
    assert {name for name in named(page) if name not in SETTINGS and name not in FOREIGN} == set()


def options_of(command: click.Command) -> set[str]:
    below: list[click.Command] = []
    if isinstance(command, click.Group):
        context = click.Context(command)
        found = (command.get_command(context, name) for name in command.list_commands(context))
        below = [each for each in found if each is not None]
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return options.union(*map(options_of, below))


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "benchmarks.md"], ids=lambda page: page.name)
def test_a_page_names_only_options_there_are(page: Path) -> None:
    found = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", page.read_text(encoding="utf-8")))
    assert found - options_of(commands) - OF_OTHERS == set()


def test_the_code_names_only_settings_there_are() -> None:
    found = {name for source in SOURCES for name in named(source)}
    assert {name for name in found if name not in SETTINGS and name not in FOREIGN and not why_unused(name)} == set()


def test_the_environment_is_asked_for_nothing_that_is_not_in_the_table() -> None:
    asked = {
        name
        for source in SOURCES
        for name in re.findall(
            r"(?:environ(?:ment)?(?:\.get)?[\[(]|getenv\()\"([A-Z_]+)\"", source.read_text(encoding="utf-8")
        )
    }
    assert {name for name in asked if name not in SETTINGS} <= {"VISUAL", "EDITOR", "CLAUDE_CONFIG_DIR"}
