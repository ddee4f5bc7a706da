"""Every command that the documents show is one: with its options, and no argument too many."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from voicemode.cli import commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENDS = {"<", ">", "|", "&&", "||", ";", "&", "2>"}


def shown() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in BLOCKS.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.match(r"(?:\$ )?(?:\w+=\S* )*(?:\.venv/bin/)?(voicemode [a-z].*)", line.strip())
                if found is not None:
                    yield page.name, found[1]


def words_of(line: str) -> list[str]:
    """Up to a comment, or to what is the shell's."""
    words = list(shlex.split(line, comments=True))[1:]
    end = next((at for at, word in enumerate(words) if word in ENDS), len(words))
    return words[:end]


@pytest.mark.parametrize(("page", "line"), sorted(set(shown())))
def test_it_is_a_command(page: str, line: str) -> None:
    words = [word for word in words_of(line) if word != "…"]  # which stands for whatever there is more
    command: click.Command = commands
    context = click.Context(commands, info_name="voicemode")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"{page}: there is no command {name}"
        command, context = found, click.Context(found, parent=context, info_name=name)
    try:
        _, left, _ = command.make_parser(context).parse_args([*words])
    except click.UsageError as error:
        pytest.fail(f"{page}: {error.format_message()}")
    assert not left, f"{page}: {line}"


def test_there_are_many() -> None:
    assert len({*shown()}) > 40


@pytest.mark.parametrize("line", ["voicemode say Done. --loud", "voicemode connect sing", "voicemode gateway a b"])
def test_what_is_none_would_be_found(line: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_it_is_a_command("a page", line)
