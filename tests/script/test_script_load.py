"""Script files, good and bad: what is read, and what is said about those that cannot be run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from actors.errors import ScriptError
from voicemode.script.load import load_script
from voicemode.script.settings import settings_for
from voicemode.settings import Settings

AUDIO = Path(__file__).parent.parent / "audio"

GOOD = """\
title = "A short talk"   # and what it is for
agent = "agent_of_a_good_script:answer"

[assistant]
voice = "en-us"

[user]
voice = "en-gb"
speed = 1.1

[listening]
phrases = [
    "yes", # [[step]] in a comment
    "no",
]
no_speech = 4

[[step]]
assistant = "Is it late?"
user = "yes"
[step.expect]
outcome = "heard"
transcript = "Yes."
at_most = { barge_in_ms = 400, "first_sample_ms" = 200.5 }

[[step]]
agent = true
user_audio = "answer.wav"
when = 1.5
"""


@pytest.fixture(autouse=True)
def module_search_path_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def written(folder: Path, text: str) -> Path:
    path = folder / "talk.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> ScriptError:
    with pytest.raises(ScriptError) as raised:
        load_script(path)
    assert raised.value.path == path
    return raised.value


def test_a_good_script_is_read_with_all_it_names(tmp_path: Path) -> None:
    shutil.copy(AUDIO / "lj001-0008.wav", tmp_path / "answer.wav")
    (tmp_path / "agent_of_a_good_script.py").write_text("def answer(said, history): return said")
    script = load_script(written(tmp_path, GOOD))
    assert script.title == "A short talk"
    assert script.agent is not None
    assert script.agent("four", []) == "four"
    first, second = script.file.step
    assert first.expect.at_most.first_sample_ms == 200.5
    assert (second.when, second.listen) == (1.5, True)
    assert script.recordings[0] is None
    assert script.recordings[1] is not None
    assert script.recordings[1].seconds == pytest.approx(1.78, abs=0.01)


def test_a_script_without_a_title_is_called_as_its_file(tmp_path: Path) -> None:
    assert load_script(written(tmp_path, '[[step]]\nassistant = "Hello."\nlisten = false')).title == "talk"


def test_line_ends_and_byte_order_mark_of_windows_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "talk.toml"
    path.write_bytes(b'\xef\xbb\xbf[[step]]\r\nassistant = "Hello."\r\n[[step]]\r\nuser = 3\r\n')
    assert refusal(path).line == 4


BAD = {
    "a value is missing": ("title = ", 1, "This is not TOML: Invalid value at the end of the file."),
    "a text is not closed": ('[[step]]\nuser = "yes\n', 2, "This is not TOML: Illegal character '\\n' (column 12)."),
    "a key comes twice": ("[[step]]\nlisten = true\nlisten = false\n", 3, "Cannot overwrite a value"),
    "lists in lists in lists": ("a = " + "[" * 4000, None, "nested too deeply"),
    "a number of 5000 digits": ("a = " + "1" * 5000, None, "This is not a script"),
    "no steps": ('title = "x"', 1, "There are no steps"),
    "an empty file": ("", 1, "There are no steps"),
    "steps that are no list": ('[step]\nuser = "yes"', 1, "step is to be a list, not a table."),
    "an unknown table": ("[[step]]\n[assistent]\n", 2, "a script has no assistent; did you mean assistant?"),
    "an unknown key": ('[[step]]\nuser = "a"\n\nwhn = 1.0', 4, "Step 1: [step] has no whn; did you mean when?"),
    "an unknown key unlike any": ("[user]\npitch = 3\n[[step]]", 2, "it takes engine, voice, speed."),
    "an unknown timing": (
        "[[step]]\n[step.expect.at_most]\nfirst_samle_ms = 3",
        3,
        "Step 1: [step.expect.at_most] has no first_samle_ms; did you mean first_sample_ms?",
    ),
    "a number for a text": ("[[step]]\n[[step]]\nuser = 3", 3, "Step 2: user is to be a text in quotes, not a whole"),
    "a text for a number": ('[listening]\nno_speech = "4"\n[[step]]', 2, "no_speech is to be a number, not a text"),
    "a text for a truth": ('[[step]]\nlisten = "no"', 2, "listen is to be true or false, not a text in quotes."),
    "a date for a text": ("[[step]]\nuser = 2026-11-20", 2, "user is to be a text in quotes, not a date."),
    "a number among the phrases": ('[listening]\nphrases = [\n"a",\n1]\n[[step]]', 2, "phrases is to be a text"),
    "an unknown outcome": (
        '[[step]]\n[step.expect]\noutcome = "silence"',
        3,
        "Step 1: outcome cannot be 'silence': it is heard, said, interrupted, no_speech, stopped.",
    ),
    "an outcome in one line": ('[[step]]\nexpect = { outcome = "silence" }', 2, "outcome cannot be 'silence'"),
    "steps in one line": ('title = "x"\nstep = [{user = "a"}, {user = 3}]', 2, "Step 2: user is to be"),
    "an unknown moment": (
        '[[step]]\nassistant = "a"\nuser = "b"\nwhen = "before"',
        4,
        "when cannot be 'before': it is \"after\", or a number of seconds.",
    ),
    "a moment before the beginning": (
        '[[step]]\nassistant = "a"\nuser = "b"\nwhen = -1.0',
        4,
        "when is to be a number, 0 or more.",
    ),
    "a delay that is no number": ('[[step]]\nuser = "b"\ndelay = nan', 3, "delay is to be a number, 0 or more."),
    "a delay without end": ('[[step]]\nuser = "b"\ndelay = inf', 3, "delay is to be a number, 3600 or less."),
    "a speed beyond reason": ("[user]\nspeed = 40\n[[step]]", 2, "speed is to be a number, 4 or less."),
    "an empty text": ('[[step]]\nuser = ""', 2, "user is to be a text in quotes that is not empty."),
    "a text of blanks": ('[[step]]\nassistant = "  "', 2, "Step 1: The text is empty: there is nothing to say."),
    "a text that cannot be spoken": ('[[step]]\nuser = "?!"', 2, "nothing that can be spoken"),
    "heard words that are one number": (
        "[[step]]\n[step.expect]\nheard_words = [1]",
        3,
        "heard_words is to be a list of 2, not of 1.",
    ),
    "heard words the wrong way round": (
        "[[step]]\n[step.expect]\nheard_words = [5, 1]",
        3,
        "heard_words is the least and the most, in this order.",
    ),
    "an error rate of nothing": ("[[step]]\n[step.expect]\nword_error = 0.3", 3, "word_error needs the transcript"),
    "an error rate above one": (
        "[[step]]\n[step.expect]\nword_error = 3",
        3,
        "word_error is to be a number, 1 or less.",
    ),
    "two things the user says": (
        '[[step]]\nuser = "a"\nuser_audio = "b.wav"',
        3,
        "Step 1: The user says a text or is heard from a file; take one away.",
    ),
    "an agent nobody names": ("[[step]]\nagent = true", 2, "Step 1: The script names no agent"),
    "an agent and a text": (
        'agent = "json:dumps"\n[[step]]\nassistant = "a"\nagent = true',
        4,
        "Either the assistant says a text or the agent answers",
    ),
    "a moment of nobody's speech": ('[[step]]\nuser = "a"\nwhen = 1.0', 3, "The assistant says nothing in this step"),
    "a moment for nobody": ('[[step]]\nassistant = "a"\nwhen = 1.0', 3, "they say nothing in this step"),
    "a delay for nobody": ('[[step]]\nassistant = "a"\ndelay = 1.0', 3, "they say nothing in this step"),
    "a delay and a moment": (
        '[[step]]\nassistant = "a"\nuser = "b"\nwhen = 1.0\ndelay = 1.0',
        5,
        "delay is for an answer",
    ),
    "speech that nobody listens to": ('[[step]]\nassistant = "a"\nuser = "b"\nlisten = false', 3, "Nobody listens"),
    "phrases for nobody": ('[[step]]\nassistant = "a"\nphrases = ["b"]\nlisten = false', 3, "no use for phrases"),
    "a step of nothing": ('[[step]]\nuser = "a"\n[[step]]\nlisten = false', 3, "Step 2: Nothing happens in this step"),
    "a hangover shorter than a pause": (
        "[listening]\nhangover = 0.1\n[[step]]",
        2,
        "This hangover cannot be: hangover (0.1 s) must not be shorter than pause (0.2 s).",
    ),
    "a voice engine nobody knows": ('[assistant]\nengine = "tin can"\n[[step]]', 2, "There is no engine 'tin can'"),
    "a recogniser for a voice": ('[user]\nengine = "pocketsphinx"\n[[step]]', 2, "There is no engine 'pocketsphinx'"),
    "a voice for a recogniser": ('[listening]\nengine = "espeak-ng"\n[[step]]', 2, "there is pocketsphinx"),
    "audio that is not there": ('[[step]]\nuser_audio = "no.wav"', 2, "Step 1: There is no audio file"),
    "audio that is none": ('[[step]]\nuser_audio = "talk.toml"', 2, "does not hold audio"),
    "an agent without a module": ('agent = "answer"\n[[step]]', 1, "'answer' is not an import path"),
    "an agent nowhere": ('agent = "no_such_module_here:answer"\n[[step]]', 1, "There is no module no_such_module_here"),
    "an agent that its module lacks": ('title = "x"\nagent = "json:answer"\n[[step]]', 2, "json has no answer."),
    "an agent that cannot be called": ('agent = "sys:version"\n[[step]]', 1, "sys:version cannot be called"),
    "an agent that is a class": ('agent = "json:JSONEncoder"\n[[step]]', 1, "json:JSONEncoder cannot be called"),
    "an agent with too many dots": ('agent = "..x:y"\n[[step]]', 1, "..x cannot be imported"),
}


@pytest.mark.parametrize(("text", "line", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_with_the_line_and_the_reason(
    tmp_path: Path, text: str, line: int | None, reason: str
) -> None:
    path = written(tmp_path, text)
    error = refusal(path)
    assert error.line == line
    assert reason in error.reason
    assert str(error) == (f"{path}:{line}: {error.reason}" if line else f"{path}: {error.reason}")
    assert error.reason.endswith((".", "?"))
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "source", ["import no_such_dependency", "1 / 0", "def broken(:", "raise SystemExit(3)"], ids=str.split
)
def test_an_agent_whose_module_fails_is_reported_and_not_let_loose(tmp_path: Path, source: str) -> None:
    name = f"agent_that_fails_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    assert refusal(written(tmp_path, f'agent = "{name}:answer"\n[[step]]')).line == 1


def test_a_file_that_is_not_there_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "no such script" in refusal(tmp_path / "no.toml").reason
    assert "directory" in refusal(tmp_path).reason
    assert "not a possible file name" in refusal(tmp_path / "a\0b").reason
    assert "cannot be read" in refusal(written(tmp_path, "") / "talk.toml").reason


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "talk.toml"
    path.write_bytes(b'[[step]]\nuser = "\xe9"\n')
    assert refusal(path).line == 2
    assert "UTF-8" in refusal(path).reason


def test_without_a_name_the_embedded_engines_are_meant(tmp_path: Path) -> None:
    file = load_script(written(tmp_path, "[[step]]")).file
    settings = settings_for(file, Settings())
    assert (settings.tts, settings.stt) == ("espeak-ng", "pocketsphinx")
    named = Settings(tts=("kokoro", "espeak-ng"), stt="whisper")
    assert settings_for(file, named) == named


def test_what_the_script_does_not_say_is_as_the_settings_have_it(tmp_path: Path) -> None:
    base = Settings(voice="nobody", speed=2.0, phrases=("maybe",))
    text = "[listening]\nno_speech = 3\nbarge_in = 0.3\ninterruptible = true\nlongest = 9\nhangover = 0.9\n[[step]]"
    settings = settings_for(load_script(written(tmp_path, text)).file, base)
    assert (settings.voice, settings.speed, settings.phrases) == ("nobody", 2.0, ("maybe",))
    assert (settings.turn.no_speech, settings.turn.longest, settings.turn.barge_in.min_speech) == (3.0, 9.0, 0.3)
    assert settings.endpoint.hangover == 0.9
    none = settings_for(load_script(written(tmp_path, "[listening]\nphrases = []\n[[step]]")).file, base)
    assert none.phrases == ()
