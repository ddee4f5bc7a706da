"""Keys at a real terminal: each at once, and the terminal as it was on every way out."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from voicemode.cli.keys import pressed_keys

from .terminal import Terminal

ROOT = Path(__file__).parent.parent.parent

LISTEN = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import contextlib, trio
from voicemode.cli.keys import pressed_keys

@contextlib.contextmanager
def aside():
    print("(aside)", flush=True)
    yield
    print("(back)", flush=True)

async def main():
    async with pressed_keys(aside) as keys:
        print("(ready)", flush=True)
        async for key in keys:
            print(f"({{key!r}})", flush=True)
            if key == "q":
                break
            if key == "x":
                raise KeyError("x")
        else:
            print("(no more)", flush=True)

trio.run(main)
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal([sys.executable, "-c", LISTEN], tmp_path) as terminal:
        terminal.wait_for("(ready)")
        yield terminal


def test_a_key_is_there_without_enter_and_not_echoed(terminal: Terminal) -> None:
    assert not terminal.echoes()
    for key in ("m", " ", "\n", "\u00e9"):
        terminal.press(key)
        assert terminal.wait_for(f"({key!r})").strip() == f"({key!r})"
    terminal.press("q")
    terminal.wait_for("<ended 0 echo=True>")


def test_what_types_nothing_is_no_letter(terminal: Terminal) -> None:
    terminal.press("\x1b[A\x1bOma")
    assert terminal.wait_for("('a')").strip() == "('a')"
    terminal.press("q")
    terminal.wait_for("<ended 0 echo=True>")


def test_two_arrows_have_names(terminal: Terminal) -> None:
    terminal.press("\x1b[D\x1bOC,")
    assert terminal.wait_for("(',')").split() == ["('left')", "('right')", "(',')"]
    terminal.press("q")
    terminal.wait_for("<ended 0 echo=True>")


@pytest.mark.parametrize(
    ("key", "ending"),
    [("x", "<ended 1 echo=True>"), ("\x03", "<ended 1 echo=True>"), ("\x1c", "<ended -3 echo=True>")],
    ids=["exception", "Ctrl-C", "Ctrl-backslash"],
)
def test_the_terminal_is_as_before_on_every_way_out(terminal: Terminal, key: str, ending: str) -> None:
    terminal.press(key)
    terminal.wait_for(ending)


def test_ctrl_z_gives_the_terminal_back_until_the_process_goes_on(terminal: Terminal) -> None:
    for _ in range(2):
        terminal.press("\x1a")
        terminal.wait_for("(aside)")
        terminal.wait_for("<stopped echo=True>")
        terminal.press("\n")
        terminal.wait_for("(back)")
        terminal.press("m")
        terminal.wait_for("('m')")
        assert not terminal.echoes()
    terminal.press("q")
    terminal.wait_for("<ended 0 echo=True>")


async def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    async with pressed_keys() as keys:
        assert [key async for key in keys] == []
    monkeypatch.setattr(sys, "stdin", None)
    async with pressed_keys() as keys:
        assert [key async for key in keys] == []
