"""docs/telemetry.md names every span, attribute and metric there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from voicemode.telemetry.catalogue import METRICS
from voicemode.telemetry.stages import AGENT, ASIDE, SPANS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
NAME = r"(?:voicemode|gen_ai|error)\.[a-z_.]*[a-z]"
NAMED = set(re.findall(rf"`({NAME})`", PAGE))
SPAN_NAMES = {*SPANS, *ASIDE} - {AGENT}


def attributes() -> set[str]:
    """All that the code writes."""
    sources = "".join(path.read_text() for path in sorted((ROOT / "voicemode" / "telemetry").glob("*.py")))
    written = {name.replace("__", ".") for name in re.findall(r"\b((?:voicemode|gen_ai|error)__[a-z_]+)\b", sources)}
    return written | set(re.findall(rf'"({NAME})"', sources))


def test_every_metric_is_on_the_page() -> None:
    assert {metric.name for metric in METRICS} - NAMED == set()


def test_every_span_is_on_the_page() -> None:
    assert set() == SPAN_NAMES - NAMED
    assert f"`{AGENT} NAME`" in PAGE


def test_every_attribute_is_on_the_page() -> None:
    assert attributes() - NAMED == set()


def test_the_page_names_nothing_else() -> None:
    assert NAMED - attributes() - {metric.name for metric in METRICS} - SPAN_NAMES == set()
