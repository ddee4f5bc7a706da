"""What goes to stdout and stderr: results and errors in, one JSON object or sentences for a person out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import asdict

from actors.errors import SettingsError, VoiceError

if TYPE_CHECKING:
    from rich.console import Console


def write_json(value: dict[str, object]) -> None:
    """Write ``value`` as one line of JSON to stdout."""
    import msgspec

    with writing():
        click.echo(msgspec.json.encode(value, enc_hook=printable))


def write_line(line: str) -> None:
    """Write ``line`` to stdout."""
    with writing():
        click.echo(line)


def flush() -> None:
    """Find out now whether everything could be written, not at the exit."""
    if sys.stdout is not None:
        with writing():
            sys.stdout.flush()


@contextmanager
def writing() -> Generator[None]:
    """Raise VoiceError in place of an OSError met while stdout is written; BrokenPipeError stays."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise VoiceError(f"Standard output cannot be written: {error.strerror}.") from error


def account_of(error: VoiceError) -> dict[str, object]:
    """What ``error`` knows of the turn that failed, by the names a result has for it: ``recording`` if there is one,
    and ``spoken`` and ``interrupted`` if a turn had begun."""
    account: dict[str, object] = {}
    if error.recording is not None:
        account["recording"] = error.recording
    if error.spoken is not None:
        account |= {"spoken": asdict(error.spoken), "interrupted": error.interrupted}
    return account


def write_error(message: str, kind: str, account: Mapping[str, object] | None = None, *, as_json: bool) -> None:
    """Say on stderr what went wrong, and with ``as_json`` on stdout too: ``{"error": {"message", "type"}}``, and in it
    the ``account``.

    What is wrong with settings may be several things, each on a line of its own.
    """
    lines = [printable(line) for line in (message.splitlines() if kind == SettingsError.__name__ else [message])]
    for line in lines:
        click.echo(f"voicemode: {line}", err=True)
    if as_json:
        write_json({"error": {"message": "\n".join(lines), "type": kind, **(account or {})}})


def console() -> Console:
    """For readable output: colours on a terminal, plain lines anywhere else, whatever the environment asks for."""
    from rich.console import Console

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return Console(force_terminal=terminal, highlight=False, markup=False, emoji=False, soft_wrap=not terminal)


def printable(text: object) -> str:
    """``text`` on one line, without what could steer a terminal or could not be written as UTF-8."""
    line = " ".join(os.fsencode(str(text)).decode("utf-8", "replace").split())
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def give_up_stdout() -> None:
    """Nobody can read it any more: let what is still buffered vanish instead of failing at the exit."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
