"""What docs/clients.md says to write down can be read by whoever it is for, and starts the server."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "clients.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```(json|toml)\n(.*?)```", PAGE, re.DOTALL)
READ = {"json": json.loads, "toml": tomllib.loads}


def commands(part: Any) -> Iterator[list[str]]:
    """Of every server in ``part``, whatever the client calls it."""
    if isinstance(part, dict):
        if "command" in part:
            command = part["command"]
            yield [command, *part["args"]] if isinstance(command, str) else command
        for inner in part.values():
            yield from commands(inner)


@pytest.mark.parametrize(("language", "snippet"), SNIPPETS)
def test_a_snippet_can_be_read_and_starts_the_server(language: str, snippet: str) -> None:
    found = list(commands(READ[language](snippet)))
    assert found == [["voicemode", "mcp"]] or (found == [] and "permissions" in snippet)


def test_every_client_has_its_snippet() -> None:
    whole = "".join(snippet for _, snippet in SNIPPETS)
    assert {"mcpServers", "servers", "context_servers", "mcp_servers", "mcp"} <= set(re.findall(r"\w+", whole))
