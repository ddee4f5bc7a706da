"""The sound of an export stands beside it, under a name of its own."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.exchanges.saying import said
from voicemode.exchanges.exports import as_html, as_markdown
from voicemode.exchanges.taking_along import taken_along


def recording(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def test_recordings_are_copied_for_their_owner_alone_and_named_from_where_the_file_is(tmp_path: Path) -> None:
    audio_file = recording(tmp_path / "base" / "a b.wav", b"sound")
    output = tmp_path / "talk.html"
    [exchange], gone = taken_along([said("hello", audio_file=audio_file)], output)
    copy = tmp_path / "talk_audio" / "a b.wav"
    assert (exchange.audio_file, gone) == ("talk_audio/a b.wav", 0)
    assert copy.read_bytes() == b"sound"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert '<audio controls preload="none" src="talk_audio/a%20b.wav">' in as_html([exchange])
    assert "[sound](talk_audio/a%20b.wav)" in as_markdown([exchange])


def test_two_of_one_name_are_both_there(tmp_path: Path) -> None:
    files = [recording(tmp_path / each / "x.wav", each.encode()) for each in ("one", "two")]
    taken, _ = taken_along([said(each, audio_file=each) for each in files], tmp_path / "talk.json")
    assert [(tmp_path / str(each.audio_file)).read_bytes() for each in taken] == [b"one", b"two"]


def test_those_that_are_gone_are_counted_and_not_named(tmp_path: Path) -> None:
    taken, gone = taken_along([said("hello", audio_file="/nowhere/x.wav"), said("there")], tmp_path / "talk.json")
    assert ([each.audio_file for each in taken], gone) == ([None, None], 1)
    assert not (tmp_path / "talk_audio").exists()


def test_without_them_an_export_has_no_sound() -> None:
    kept = said("hello", audio_file="/base/audio/x.wav")
    assert "<audio" not in as_html([kept])
    assert "sound" not in as_markdown([kept])
