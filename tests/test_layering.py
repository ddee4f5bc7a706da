"""Who may import whom, and what importing costs: `make test` alone holds the layers, as `make check` does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ACTORS = sorted((ROOT / "actors").rglob("*.py"))
HEAVY = ["onnxruntime", "pocketsphinx", "matplotlib", "torch", "sounddevice", "httpx", "livekit"]


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.strip()


def loaded_after(imports: str, names: list[str]) -> list[str]:
    return python(f"import sys, {imports}; print(*(name for name in {names!r} if name in sys.modules))").split()


def imported(source: Path) -> set[str]:
    """The top-level names that a file imports absolutely."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_imports_go_down_only() -> None:
    python("from importlinter.cli import lint_imports_command as main; main(['--no-cache', '--no-logo'])")


@pytest.mark.parametrize("source", ACTORS, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_actor_imports_nothing_but_trio_attrs_and_the_standard_library(source: Path) -> None:
    assert imported(source) <= {"trio", "attrs"} | sys.stdlib_module_names


def test_importing_voicemode_loads_no_engine() -> None:
    assert loaded_after("voicemode, voicemode.cli", HEAVY) == []


def test_the_voice_model_runs_without_torch() -> None:
    assert loaded_after("voicemode.speech.silero", ["torch"]) == []
