"""What the library names is there, although none of it is imported before it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
import typing
from pathlib import Path

import voicemode
import voicemode.events
from voicemode.events import Event


def test_every_name_can_be_had() -> None:
    tree = ast.parse(Path(voicemode.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.names[0].asname]
    named = [alias.name for node in imports for alias in node.names]
    assert "open_conversation" in named
    assert set(named) <= set(dir(voicemode))
    assert all(getattr(voicemode, name) is not None for name in named)


def test_what_is_not_there_is_refused_as_usual() -> None:
    assert not hasattr(voicemode, "open_conversations")


def test_importing_it_loads_nothing_yet() -> None:
    code = "import sys, voicemode; print({'numpy', 'trio', 'attrs'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_ports_load_no_engine_and_no_device() -> None:
    code = "import sys, voicemode.ports; print({'numpy', 'sounddevice', 'httpx', 'soundfile'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_every_kind_of_event_can_be_told_apart_by_a_public_name() -> None:
    kinds = typing.get_args(Event)
    assert len(kinds) > 30
    assert {kind.__name__: kind for kind in kinds}.items() <= vars(voicemode.events).items()
