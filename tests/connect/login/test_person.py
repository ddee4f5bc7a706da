"""The ways to a person: a browser that opens, lines that are pasted."""

from __future__ import annotations

import os
import pty
import webbrowser
from pathlib import Path

import pytest
import trio

from voicemode.connect.login import browser, pasted
from voicemode.connect.login.pasted import PastedLines


async def lines_of(descriptor: int) -> list[str]:
    return [line async for line in PastedLines(descriptor)]


async def test_lines_come_from_a_pipe_as_they_are_written() -> None:
    reading, writing = os.pipe()
    lines = PastedLines(reading)
    os.write(writing, b"one\n\n  t")
    assert await anext(lines) == "one"
    os.write(writing, b"wo \r\nlast")
    assert await anext(lines) == "two"
    os.close(writing)
    assert [line async for line in lines] == ["last"]
    os.close(reading)


async def test_lines_come_from_a_terminal() -> None:
    person, terminal = pty.openpty()
    os.write(person, b"a-code\n")
    assert await anext(PastedLines(terminal)) == "a-code"
    os.close(person)
    os.close(terminal)


async def test_lines_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "code").write_bytes(b"a-code\n\xff")
    with (tmp_path / "code").open("rb") as file:
        assert await lines_of(file.fileno()) == ["a-code", "�"]


async def test_a_line_without_end_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pasted, "LONGEST", 5000)
    (tmp_path / "code").write_bytes(b"x" * 10_000)
    with (tmp_path / "code").open("rb") as file:
        found = await lines_of(file.fileno())
    assert len(found) > 1
    assert max(map(len, found)) <= 9096


async def test_who_waits_for_a_line_can_be_cancelled() -> None:
    reading, writing = os.pipe()
    with trio.move_on_after(0.01) as scope:
        await lines_of(reading)
    assert scope.cancelled_caught
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("found", [True, False])
async def test_a_browser_is_found_or_not(monkeypatch: pytest.MonkeyPatch, found: bool) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or found)
    assert await browser.show("https://id.example.org/a") is found
    assert shown == ["https://id.example.org/a"]


async def test_a_browser_that_cannot_start_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(url: str) -> bool:
        raise webbrowser.Error("no")

    monkeypatch.setattr(webbrowser, "open", broken)
    assert not await browser.show("https://id.example.org/a")
