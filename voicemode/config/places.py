"""Where settings are kept.  In: the working directory and the home.  Out: the files that are read, and their text."""

from __future__ import annotations

import os
import secrets
from codecs import BOM_UTF8
from contextlib import suppress
from pathlib import Path

from actors.errors import SettingsError

IN_PROJECT = (".voicemode.env", ".voicemode/voicemode.env")
IN_HOME = ".voicemode/voicemode.env"

LONGEST = 1 << 20
"""Bytes; a file of settings has a few thousand."""


def user_file(home: Path) -> Path:
    return home / IN_HOME


def project_file(directory: Path, home: Path | None) -> Path | None:
    """The nearest one from ``directory`` upwards, which may be somebody else's; never the user's own file."""
    for folder in (directory, *directory.parents):
        for name in IN_PROJECT:
            path = folder / name
            if is_file(path) and not (home is not None and _same(path, user_file(home))):
                return path
    return None


def _same(path: Path, own: Path) -> bool:
    return is_file(own) and path.samefile(own)


def is_file(path: Path) -> bool:
    """Whether it can be seen as one: a virtual environment may be called .voicemode.env too, and is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def belongs_to_somebody_else(path: Path) -> bool:
    """On a shared machine anybody may leave a file above other people's directories; root's and one's own are meant."""
    try:
        return hasattr(os, "geteuid") and path.stat().st_uid not in {0, os.geteuid()}
    except OSError:
        return False  # it has just gone, which reading it will tell


def is_private(path: Path) -> bool:
    """Whether nobody but its owner (and root) can read or change it."""
    try:
        return not hasattr(os, "geteuid") or not path.stat().st_mode & 0o077
    except OSError:
        return True  # it has just gone, which reading it will tell


def read(path: Path) -> str:
    """Raises SettingsError when it cannot be read as a file of settings."""
    text, wrong = read_lines(path)
    if wrong:
        raise SettingsError("\n".join(wrong))
    return text


def read_lines(path: Path) -> tuple[str, list[str]]:
    """Its text, empty in the lines that are none, and what is wrong with those.

    Raises SettingsError when it cannot be read as a file of settings at all.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > LONGEST:
        raise SettingsError(f"{path} is longer than {LONGEST >> 20} MB, which is no file of settings.")
    lines, wrong = list[str](), list[str]()
    for number, line in enumerate(content.removeprefix(BOM_UTF8).split(b"\n"), 1):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError:
            lines.append("")
            wrong.append(f"{path}:{number}: this is not valid UTF-8.")
    return "\n".join(lines), wrong


def write(path: Path, text: str, *, private: bool = False) -> None:
    """All of it or nothing, readable by its owner alone if it is new or ``private``.  Raises SettingsError."""
    path = Path(os.path.realpath(path))  # a link stays a link
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() and not private else 0o600
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            beside.chmod(mode)
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error
