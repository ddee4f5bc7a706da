"""``voicemode script``: what it prints, what it writes, and that its exit code is the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from voicemode.exchanges import Exchanges

from .conftest import Run

pytestmark = pytest.mark.realtime

GOOD = """
title = "Two words"
[[step]]
assistant = "Good morning."
listen = false
expect = { outcome = "said", heard = "good morning" }
"""
BAD = (
    GOOD
    + """
[[step]]
assistant = "Hello."
listen = false
expect = { outcome = "said", heard = "goodbye", at_most = { total_ms = 1 } }
[[step]]
assistant = "Bye."
listen = false
"""
)
LOUD = """
agent = "loud:answer"
[[step]]
agent = true
listen = false
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "talk.toml"


def test_a_script_that_goes_as_expected(run: Run, script: Path) -> None:
    script.write_text(GOOD)
    ran = run("script", script, "--record", "talk.wav", "--timeline", "talk.svg")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("assistant: Good morning.\n")
    assert "call to first sample at the speaker" in ran.out
    *_, recording, timeline, verdict = ran.out.splitlines()
    assert (recording, timeline) == ("recording: talk.wav", "timeline: talk.svg")
    assert verdict.startswith(f"All 1 steps of {script} went as expected")
    assert soundfile.info("talk.wav").channels == 2
    assert Path("talk.svg").read_bytes().startswith(b"<?xml")


def test_what_is_said_in_a_script_is_kept_where_that_is_asked_for(
    run: Run, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.write_text(GOOD)
    assert run("script", script).code == 0
    assert not list(Exchanges(tmp_path / "base"))
    monkeypatch.setenv("VOICEMODE_SAVE_TRANSCRIPTIONS", "true")
    assert run("script", script).code == 0
    assert [(each.type, each.text) for each in Exchanges(tmp_path / "base")] == [("tts", "Good morning.")]


def test_a_script_that_does_not_names_what_was_not_as_expected(run: Run, script: Path) -> None:
    script.write_text(BAD)
    ran = run("script", script)
    assert ran.code == 1
    assert "step 2: heard should be 'goodbye' and is 'Hello.'" in ran.out
    assert "step 2: total_ms should be 1" in ran.out
    assert ran.err == f"voicemode: {script} did not go as expected in step 2 of 3.\n"


def test_the_report_as_json_is_one_object_even_when_the_agent_prints(run: Run, script: Path) -> None:
    script.write_text(LOUD)
    script.with_name("loud.py").write_text(
        "print('hi')\n\nasync def answer(text, history):\n    print(text)\n    return 'Yes.'\n"
    )
    ran = run("script", script, "--json", "--timeline", "talk.png")
    assert ran.code == 0
    assert ran.json["ok"]
    assert ran.json["timeline"] == "talk.png"
    assert ran.json["steps"][0]["result"]["spoken"]["heard"] == "Yes."
    assert ran.err.startswith("hi\n")


def test_an_unmet_expectation_is_in_the_json_and_in_the_exit_code(run: Run, script: Path) -> None:
    script.write_text(BAD)
    ran = run("script", script, "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert [check["held"] for check in ran.json["steps"][1]["checks"]] == [True, False, False]
    assert "did not go as expected in step 2 of 3" in ran.err


@pytest.mark.parametrize(
    ("text", "line"),
    [("[[step]]\nassistant = 3\n", 2), ("[[step", 1), ("", 1), ("[[step]]\nagent = true\n", 2)],
)
def test_a_bad_script_is_bad_usage(run: Run, script: Path, text: str, line: int) -> None:
    script.write_text(text)
    ran = run("script", script)
    assert ran.code == 2
    assert f"{script}:{line}: " in ran.complaint
    ran = run("script", script, "--json")
    assert (ran.code, ran.json["error"]["type"]) == (2, "ScriptError")


@pytest.mark.parametrize("option", ["--record", "--timeline"])
@pytest.mark.parametrize(("place", "reason"), [("nowhere/a", "no directory"), ("directory", "is a directory")])
def test_what_cannot_be_written_fails_before_anything_is_said(
    run: Run, script: Path, option: str, place: str, reason: str
) -> None:
    script.write_text(GOOD)
    suffix = {"--record": ".wav", "--timeline": ".svg"}[option]
    script.with_name(f"directory{suffix}").mkdir()
    ran = run("script", script, option, f"{place}{suffix}")
    assert ran.code == 1
    assert reason in ran.complaint


def test_an_error_ends_the_script_and_is_told(run: Run, script: Path) -> None:
    script.write_text(BAD.replace("[[step]]", '[assistant]\nvoice = "nobody"\n[[step]]', 1))
    ran = run("script", script)
    assert ran.code == 1
    assert "in step 1 of 3, and 2 more were not come to: espeak-ng has no voice 'nobody'" in ran.err
