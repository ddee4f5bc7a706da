"""What docs/bring-your-own.md shows is in the example it names, word for word, and those are run."""

from __future__ import annotations

import re

import pytest

import voicemode
import voicemode.devices
import voicemode.engines
import voicemode.ports
import voicemode.promises
from tests.examples.running import EXAMPLES, ROOT

PAGE = (ROOT / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
SNIPPETS = [
    (snippet[1], re.findall(r"\]\(examples/(\w+\.py)\)", PAGE[: snippet.start()])[-1:])
    for snippet in re.finditer(r"```python\n(.*?)```", PAGE, re.DOTALL)
]


@pytest.mark.parametrize(("snippet", "names"), SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_is_part_of_the_example_it_follows(snippet: str, names: list[str]) -> None:
    [name] = names or ["recogniser_by_command.py"]
    assert f"\n{snippet}" in (EXAMPLES / name).read_text(encoding="utf-8")


def test_every_example_is_on_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in pages] == []


def test_the_ports_it_names_are_public() -> None:
    public = {*dir(voicemode), *dir(voicemode.ports), *dir(voicemode.devices), *dir(voicemode.engines)}
    public |= set(dir(voicemode.promises))
    rows = [line.split("|")[3:6] for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 6]
    named = {name for cells in rows for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert {"SpeechToText", "SentSpeaker", "check_voice", "UtteranceStore"} <= named
    assert named <= public


def test_the_errors_it_shows_are_raised_as_it_shows_them() -> None:
    shown = re.findall(r"^\| `(\w+)(\(.*\))` \|", PAGE, re.MULTILINE)
    assert {name for name, _ in shown} >= {"ProviderUnavailable", "ProviderRefused", "DeviceError", "DeviceLost"}
    for name, arguments in shown:
        error = getattr(voicemode, name, None)
        if isinstance(error, type) and issubclass(error, voicemode.VoiceError):
            raised = eval(f"error{arguments}", {"error": error})  # noqa: S307 - it is our own page
            assert str(raised).endswith(".")
