"""What models write in the place of what the schemas say is understood where it can only mean one thing."""

from __future__ import annotations

from typing import Any

import pytest

from voicemode.mcp.arguments import ConverseArguments, Line, checked


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        *(("wait_for_response", text, False) for text in ("no", "off", "False", "0", " No ")),
        *(("skip_tts", text, True) for text in ("yes", "ON", "true", "1")),
        ("wait_for_conch", "no", False),
        ("wait_for_conch", "yes", True),
        ("wait_for_conch", "30", 30.0),
        ("wait_for_conch", 0, 0.0),
        ("speed", "1.5", 1.5),
        ("choices", '["yes", "no"]', ["yes", "no"]),
        ("vocabulary", '["Trio"]', ["Trio"]),
        ("turns", '[{"say": "one", "speed": "2"}]', [Line(say="one", speed=2.0)]),
        ("message", '["yes"]', '["yes"]'),
        ("message", "no", "no"),
    ],
)
def test_text_in_the_place_of_a_value_is_read(name: str, written: Any, meant: Any) -> None:
    assert getattr(checked(ConverseArguments, {name: written}), name) == meant
