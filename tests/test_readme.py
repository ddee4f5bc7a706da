"""What the README shows is run as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.realtime
def test_the_first_example_holds_a_conversation(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "audio" / "lj001-0008.wav", tmp_path / "question.wav")
    run = subprocess.run(
        [sys.executable, "-c", EXAMPLES[0]],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert run.stdout == "heard has never been surpassed What shall I do next?\n"
    assert (tmp_path / "answer.wav").stat().st_size > 44


def test_the_other_examples_are_python() -> None:
    for example in EXAMPLES:
        compile(example, "README.md", "exec")
