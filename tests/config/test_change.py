"""Changes of a file on disk: what is set is read again, and what fails leaves everything as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from voicemode import SettingsError
from voicemode.config import read_configuration
from voicemode.config.change import create, set_value, unset_value
from voicemode.config.places import user_file

PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=40)  # each waits for the disk
@given(st.lists(st.tuples(st.sampled_from(["VOICEMODE_VOICE", "VOICEMODE_LLM_MODEL"]), PRINTABLE), max_size=4))
def test_what_is_set_is_read_again(changes: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for key, text in changes:
            set_value(user_file(home), key, text, layer="user", configured=None)
        values = read_configuration(environment={}, directory=None, home=home).values
        assert {key: values[key].value for key, _ in changes} == dict(changes)
        for key in dict(changes):
            assert unset_value(user_file(home), key)
        assert not changes or user_file(home).read_text().count("\nVOICEMODE_") == 0


def test_a_failed_write_leaves_the_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "voicemode.env"
    file.write_text("VOICEMODE_VOICE=de\n")
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(SettingsError, match=r"voicemode\.env cannot be written: No space left on device\."):
        set_value(file, "VOICEMODE_VOICE", "en", layer="user", configured=None)
    assert file.read_text() == "VOICEMODE_VOICE=de\n"
    assert list(tmp_path.iterdir()) == [file]


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"voicemode\.env cannot be written: "):
        create(tmp_path / "file" / "voicemode.env")
    link = tmp_path / "loop"
    link.symlink_to(link)
    assert read_configuration(environment={}, directory=link, home=link).values["VOICEMODE_VOICE"].text == ""


def test_an_open_quote_above_swallows_nothing_that_is_set(tmp_path: Path) -> None:
    file = tmp_path / "voicemode.env"
    file.write_text("A='b\n")
    set_value(file, "VOICEMODE_VOICE", " # x", layer="user", configured=None)
    assert file.read_text() == "A='b\nVOICEMODE_VOICE=' # x'\n"


def test_a_text_that_would_look_like_an_open_quote_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "voicemode.env"
    with pytest.raises(SettingsError, match=r"one of its lines gives another setting a value\."):
        set_value(file, "VOICEMODE_LLM_SYSTEM", "Be brief.\nVOICEMODE_ECHO=off", layer="user", configured=None)
    assert not file.exists()
